import { createServer, type IncomingMessage, type Server } from "node:http"
import type { Socket } from "node:net"
import { WebSocketServer, type WebSocket } from "ws"
import { maxMessageBytes } from "../message/index.ts"
import { originFilter, type WebOrigins } from "./web-origins.ts"

/** What a WebSocket may carry, and who may open one. */
export interface WebSocketLimits {
  readonly maxMessageBytes: number
  readonly origins: WebOrigins | undefined
}

/** The same for both sides: whole messages, uncompressed, pings answered by the flow. */
export const webSocketOptions = { perMessageDeflate: false, autoPong: false, maxPayload: maxMessageBytes, maxFragments: 256 } as const

/** Where the handshake of RFC 7118 §4.1 may fail, with its answer. */
type Refusal = readonly [status: string, reason: string]

/** The server's side of WebSocket handshakes, on sockets that a transport has accepted. */
export class WebSocketAcceptor {
  readonly #http: Server
  readonly #upgrader: WebSocketServer
  readonly #isWelcome: (origin: string) => boolean
  readonly #onFailure: (reason: string) => void

  constructor(limits: WebSocketLimits, onOpen: (webSocket: WebSocket, socket: Socket) => void, onFailure: (reason: string) => void) {
    this.#isWelcome = originFilter(limits.origins)
    this.#onFailure = onFailure
    this.#upgrader = new WebSocketServer({
      ...webSocketOptions,
      maxPayload: limits.maxMessageBytes,
      noServer: true,
      clientTracking: false,
      handleProtocols: () => "sip",
    })
    this.#upgrader.on("wsClientError", (_error, socket) => {
      onFailure("bad-handshake")
      socket.destroy()
    })
    this.#http = createServer({ maxHeaderSize: 8192 }, (_request, response) => {
      onFailure("no-upgrade")
      response.writeHead(426, { Upgrade: "websocket", Connection: "Upgrade, close" }).end()
    })
    this.#http.on("clientError", (_error, socket) => {
      onFailure("bad-http")
      socket.destroy()
    })
    this.#http.on("upgrade", (request, socket, head) => {
      const refusal = this.#refusal(request)
      if (refusal !== undefined) this.#refuse(request.socket, refusal)
      else this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => onOpen(webSocket, request.socket))
    })
  }

  /** Begins the handshake. */
  take(socket: Socket): void {
    this.#http.emit("connection", socket)
  }

  #refusal({ headers }: IncomingMessage): Refusal | undefined {
    const { origin } = headers
    // Whoever is no web page has no Origin; nobody can be tricked into using it.
    if (origin !== undefined && !this.#isWelcome(origin.toLowerCase())) return ["403 Forbidden", "origin"]
    const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim().toLowerCase())
    return protocols.includes("sip") ? undefined : ["400 Bad Request", "no-sip-subprotocol"]
  }

  #refuse(socket: Socket, [status, reason]: Refusal): void {
    this.#onFailure(reason)
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
}

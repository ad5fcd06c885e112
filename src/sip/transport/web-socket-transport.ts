import { connect, type Socket } from "node:net"
import { WebSocket } from "ws"
import { maxMessageBytes } from "../message/index.ts"
import type { Certificates } from "./certificates.ts"
import type { Connection } from "./connection.ts"
import { ConnectionTransport, type ConnectionOptions } from "./connection-transport.ts"
import { formatHostPort } from "./host-port.ts"
import { connectSecurely, requireCertificates, type TlsComponents } from "./tls.ts"
import { TlsAcceptor } from "./tls-acceptor.ts"
import type { Remote, TransportComponents } from "./transport.ts"
import type { WebOrigins } from "./web-origins.ts"
import { WebSocketAcceptor, webSocketOptions } from "./web-socket-acceptor.ts"
import { WebSocketFlow } from "./web-socket-flow.ts"

/** What can be set on WS and WSS. */
export interface WebSocketOptions extends ConnectionOptions {
  /** The Origins of the web pages that may connect: `https://phone.example.org`. @default all */
  readonly origins?: WebOrigins
  /** How long the other side may be silent before it is asked whether it is there. @default 30000 */
  readonly pingIntervalMs?: number
  /** @default 65535 */
  readonly maxMessageBytes?: number
}

/**
 * SIP over WebSockets (RFC 7118). Whoever listens never opens connections: a
 * browser cannot be called but over the connection that it has made, which
 * its flow names. With `listens: false` it is the other way round.
 */
abstract class WebSocketTransport extends ConnectionTransport {
  readonly maxMessageBytes: number
  readonly #acceptor: WebSocketAcceptor
  readonly #pingIntervalMs: number

  constructor(components: TransportComponents, options: WebSocketOptions) {
    super(components, options)
    this.maxMessageBytes = options.maxMessageBytes ?? maxMessageBytes
    this.#pingIntervalMs = options.pingIntervalMs ?? 30_000
    this.#acceptor = new WebSocketAcceptor(
      { maxMessageBytes: this.maxMessageBytes, origins: options.origins },
      (webSocket, socket) => this.#take(webSocket, socket),
      (reason) => this.countClosed(reason),
    )
  }

  /** An accepted socket that is as private as it will be. */
  protected upgrade(socket: Socket): void {
    this.#acceptor.take(socket)
  }

  protected dial(remote: Remote, url: string, createConnection: () => Socket): Connection | undefined {
    if (this.isListening) return undefined
    const socket = new WebSocket(url, "sip", { ...webSocketOptions, maxPayload: this.maxMessageBytes, createConnection })
    const pingIntervalMs = this.#pingIntervalMs
    return this.adopt(remote, (host, key) => new WebSocketFlow(host, { socket, carrier: undefined, remote, key, pingIntervalMs }))
  }

  #take(socket: WebSocket, carrier: Socket): void {
    const pingIntervalMs = this.#pingIntervalMs
    this.adoptAccepted(carrier, false, (host, remote, key) => new WebSocketFlow(host, { socket, carrier, remote, key, pingIntervalMs }))
  }
}

/** SIP over WebSocket, unprotected: on this machine, or behind a proxy that ends TLS. */
export class WsTransport extends WebSocketTransport {
  readonly protocol = "WS"

  constructor(components: TransportComponents, options: WebSocketOptions = {}) {
    super(components, { port: 80, ...options })
  }

  protected override welcome(socket: Socket): void {
    this.upgrade(socket)
  }

  protected override open(remote: Remote): Connection | undefined {
    return this.dial(remote, `ws://${formatHostPort(remote)}/`, () => connect({ host: remote.host, port: remote.port, noDelay: true }))
  }
}

/** SIP over WebSocket over TLS; the certificate as for {@link TlsTransport}. */
export class WssTransport extends WebSocketTransport {
  readonly protocol = "WSS"
  readonly #certificates: Certificates | undefined
  #tls: TlsAcceptor | undefined

  constructor(components: TlsComponents, options: WebSocketOptions = {}) {
    super(components, { port: 443, ...options })
    this.#certificates = requireCertificates(components, options.listens)
  }

  override async start(): Promise<void> {
    if (this.isListening && this.#certificates !== undefined) {
      this.#tls = new TlsAcceptor(
        this.#certificates,
        (socket) => this.upgrade(socket),
        () => this.countClosed("tls-handshake"),
      )
    }
    await super.start()
  }

  override async stop(): Promise<void> {
    await super.stop()
    this.#tls?.close()
  }

  protected override welcome(socket: Socket): void {
    this.#tls?.take(socket)
  }

  protected override open(remote: Remote): Connection | undefined {
    const name = { host: remote.serverName ?? remote.host, port: remote.port }
    return this.dial(remote, `wss://${formatHostPort(name)}/`, () => connectSecurely(remote, this.#certificates))
  }
}

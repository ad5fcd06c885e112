import { isUtf8 } from "node:buffer"
import type { Socket } from "node:net"
import type { WebSocket } from "ws"
import { ChunkToll } from "./chunk-toll.ts"
import type { Connection, ConnectionHost } from "./connection.ts"
import { FlowListeners } from "./flow-listeners.ts"
import type { HostPort, Transport } from "./transport.ts"

/** What a WebSocket connection is made of. */
export interface WebSocketParts {
  readonly socket: WebSocket
  /** The stream beneath; undefined until the handshake is complete. */
  readonly carrier: Socket | undefined
  readonly remote: HostPort
  readonly key: string
  /** How long the other side may be silent before it is asked whether it is there. */
  readonly pingIntervalMs: number
}

const crlf = Buffer.from("\r\n")
/** Status codes of RFC 6455 §7.4.1. */
const goingAway = 1001

/** A WebSocket connection: each message, text or binary, is one SIP message (RFC 7118 §4.2). */
export class WebSocketFlow implements Connection {
  readonly remote: HostPort
  readonly key: string
  lastUsedMs: number
  waitingSinceMs: number
  readonly #host: ConnectionHost
  readonly #socket: WebSocket
  readonly #pingIntervalMs: number
  readonly #listeners = new FlowListeners()
  readonly #toll = new ChunkToll(() => this.#host.admits(this))
  #state: "connecting" | "open" | "closing" | "closed"
  #awaitsPong = false
  /** What was sent before the handshake was complete. */
  #early: Uint8Array[] = []
  #earlyBytes = 0

  constructor(host: ConnectionHost, { socket, carrier, remote, key, pingIntervalMs }: WebSocketParts) {
    this.#host = host
    this.#socket = socket
    this.remote = remote
    this.key = key
    this.#pingIntervalMs = pingIntervalMs
    this.#state = socket.readyState === socket.OPEN ? "open" : "connecting"
    this.lastUsedMs = this.waitingSinceMs = host.now()
    this.#listen()
    if (carrier === undefined) socket.once("upgrade", (response) => this.#weigh(response.socket))
    else this.#weigh(carrier)
  }

  get transport(): Transport {
    return this.#host.transport
  }

  get isOpen(): boolean {
    return this.#state === "connecting" || this.#state === "open"
  }

  get waitsFor(): "connect" | "pong" | "close" | undefined {
    if (this.#state === "connecting") return "connect"
    if (this.#state === "closing") return "close"
    return this.#awaitsPong ? "pong" : undefined
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount + this.#earlyBytes
  }

  send(message: Uint8Array): void {
    if (!this.isOpen) return
    if (!this.#hasRoomFor(message.length)) {
      this.#host.counters.dropped("queue-full")
      return
    }
    this.#host.counters.sent.add()
    this.lastUsedMs = this.#host.now()
    if (this.#state === "open") this.#write(message)
    else {
      this.#early.push(message)
      this.#earlyBytes += message.length
    }
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Browsers cannot ping, and what stands between forgets connections that are silent: so the server pings (RFC 7118 §6). */
  keepAlive(nowMs: number): void {
    if (this.#state !== "open" || this.#awaitsPong || nowMs - this.lastUsedMs < this.#pingIntervalMs) return
    this.#awaitsPong = true
    this.waitingSinceMs = nowMs
    this.#socket.ping()
  }

  close(reason: string): void {
    if (!this.isOpen) return
    this.#host.counters.closed(reason)
    this.#endSoon()
    this.#socket.close(goingAway)
  }

  destroy(reason: string): void {
    if (this.#state === "closed") return
    if (this.isOpen) {
      this.#host.counters.closed(reason)
      this.#state = "closing"
    }
    this.#socket.terminate()
  }

  #listen(): void {
    const socket = this.#socket
    let failure: Error | undefined
    socket.on("open", () => this.#flush())
    // Whole messages come in one piece, because that is how the sockets are set up.
    socket.on("message", (data) => this.#receive(data as Buffer))
    socket.on("ping", (data) => this.#answerPing(data))
    socket.on("pong", () => this.#takePong())
    socket.on("error", (error) => {
      failure = error
      if (this.#state === "open") this.#host.counters.closed(faultOf(error))
      // ws tells the other side why before it closes.
      if (this.isOpen) this.#endSoon()
    })
    socket.on("close", () => {
      this.#state = "closed"
      this.#early = []
      this.#host.closed(this)
      this.#listeners.tell(failure)
    })
  }

  /** A frame can come byte by byte, of which ws tells nothing. */
  #weigh(carrier: Socket): void {
    carrier.on("data", () => {
      if (this.#state === "open") this.#toll.count()
    })
  }

  #flush(): void {
    if (this.#state !== "connecting") return
    this.#state = "open"
    const early = this.#early
    this.#early = []
    this.#earlyBytes = 0
    for (const message of early) this.#write(message)
  }

  /** Whatever comes shows that the other side is there. */
  #hear(): void {
    this.#toll.clear()
    this.#awaitsPong = false
    this.lastUsedMs = this.waitingSinceMs = this.#host.now()
  }

  #receive(message: Buffer): void {
    if (this.#state !== "open") return
    this.#hear()
    if (isBlank(message)) {
      if (!this.#host.admits(this)) return
      // RFC 5626 §3.5.1, which some clients use here as well.
      this.#host.counters.keepAlives.add()
      if (message.length >= 4 && this.#hasRoomFor(crlf.length)) this.#write(crlf)
      return
    }
    this.#host.counters.received.add()
    this.#host.receive(message, this)
  }

  /** Not more answers than the other side reads, and than messages would get. */
  #answerPing(data: Buffer): void {
    if (this.#state !== "open" || !this.#host.admits(this)) return
    this.#hear()
    this.#host.counters.keepAlives.add()
    if (this.#hasRoomFor(data.length)) this.#socket.pong(data)
  }

  /** One that was not asked for is work like any message (RFC 6455 §5.5.3). */
  #takePong(): void {
    if (this.#awaitsPong || this.#host.admits(this)) this.#hear()
  }

  #hasRoomFor(bytes: number): boolean {
    return this.queuedBytes + bytes <= this.#host.maxQueueBytes
  }

  /** RFC 6455 §8.1: text is UTF-8. A message that is not goes as binary, so that its bytes survive. */
  #write(message: Uint8Array): void {
    this.#socket.send(message, { binary: !isUtf8(message) })
  }

  #endSoon(): void {
    this.#state = "closing"
    this.waitingSinceMs = this.#host.now()
  }
}

/** The reason, as a constant of this program. */
function faultOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" || code === "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH") return "message-too-large"
  if (code === "WS_ERR_INVALID_UTF8") return "not-utf8"
  return code?.startsWith("WS_ERR_") === true ? "bad-frame" : "broken"
}

function isBlank(message: Buffer): boolean {
  return message.length <= 16 && message.every((byte) => byte === 0x0d || byte === 0x0a)
}

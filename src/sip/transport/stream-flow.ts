import type { Socket } from "node:net"
import { answerToFault } from "./fault-answer.ts"
import { ChunkToll } from "./chunk-toll.ts"
import { FlowListeners } from "./flow-listeners.ts"
import type { Connection, ConnectionHost } from "./connection.ts"
import { StreamFramer, type FramerFault, type FramerLimits } from "./stream-framer.ts"
import type { HostPort, Transport } from "./transport.ts"

/** What a stream is made of. */
export interface StreamParts {
  readonly socket: Socket
  /** The event that tells that the socket can be used; undefined where it can already. */
  readonly awaits: "connect" | "secureConnect" | undefined
  readonly remote: HostPort
  readonly key: string
  readonly limits: FramerLimits
}

const pong = Buffer.from("\r\n")

/** A connection on which messages follow one another, told apart by Content-Length (RFC 3261 §18.3). */
export class StreamFlow implements Connection {
  readonly remote: HostPort
  readonly key: string
  /** When the last whole message or ping came or was sent. */
  lastUsedMs: number
  /** Since when the present state needs an end: connecting, part of a message, closing. */
  waitingSinceMs: number
  readonly #host: ConnectionHost
  readonly #socket: Socket
  readonly #framer: StreamFramer
  readonly #listeners = new FlowListeners()
  readonly #toll = new ChunkToll(() => this.#host.admits(this))
  #state: "connecting" | "open" | "closing" | "closed"
  #isCorked = false
  #pingCame = false

  constructor(host: ConnectionHost, { socket, awaits, remote, key, limits }: StreamParts) {
    this.#host = host
    this.#socket = socket
    this.remote = remote
    this.key = key
    this.#state = awaits === undefined ? "open" : "connecting"
    this.lastUsedMs = this.waitingSinceMs = host.now()
    this.#framer = new StreamFramer(limits, {
      onMessage: (message) => this.#receive(message),
      onPing: () => (this.#pingCame = true),
      onFault: (fault) => this.#refuse(fault),
    })
    this.#listen(awaits)
  }

  get transport(): Transport {
    return this.#host.transport
  }

  get isOpen(): boolean {
    return this.#state === "connecting" || this.#state === "open"
  }

  /** What the flow has been waiting for since `waitingSinceMs`; undefined while it is at rest. */
  get waitsFor(): "connect" | "message" | "close" | undefined {
    if (this.#state === "connecting") return "connect"
    if (this.#state === "closing") return "close"
    return this.#framer.isInsideMessage ? "message" : undefined
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  send(message: Uint8Array): void {
    if (!this.isOpen) return
    if (this.#socket.writableLength + message.length > this.#host.maxQueueBytes) {
      this.#host.counters.dropped("queue-full")
      return
    }
    this.#host.counters.sent.add()
    this.lastUsedMs = this.#host.now()
    this.#write(message)
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Sends what is queued, then closes; the reason is counted. */
  close(reason: string): void {
    if (!this.isOpen) return
    this.#host.counters.closed(reason)
    this.#state = "closing"
    this.waitingSinceMs = this.#host.now()
    this.#socket.end()
  }

  /** Closes at once; the reason is counted. */
  destroy(reason: string): void {
    if (this.#state === "closed") return
    if (this.isOpen) {
      this.#host.counters.closed(reason)
      this.#state = "closing"
    }
    this.#socket.destroy()
  }

  #listen(awaits: StreamParts["awaits"]): void {
    const socket = this.#socket
    let failure: Error | undefined
    socket.setNoDelay(true)
    // A phone that vanished without a word is found out by the system.
    socket.setKeepAlive(true, 60_000)
    if (awaits !== undefined) {
      socket.once(awaits, () => {
        if (this.#state === "connecting") this.#state = "open"
      })
    }
    socket.on("data", (chunk: Buffer) => this.#takeChunk(chunk))
    socket.on("error", (error) => (failure = error))
    socket.on("close", () => {
      this.#state = "closed"
      this.#host.closed(this)
      this.#listeners.tell(failure)
    })
  }

  #takeChunk(chunk: Buffer): void {
    if (this.#state !== "open") return
    const wasInside = this.#framer.isInsideMessage
    this.#framer.push(chunk)
    if (!wasInside && this.#framer.isInsideMessage) this.waitingSinceMs = this.#host.now()
    // One answer per chunk: a flood of pings must not become a flood of writes.
    if (this.#pingCame) this.#answerPing()
    this.#toll.count()
  }

  #receive(message: Uint8Array): void {
    this.#toll.clear()
    this.lastUsedMs = this.waitingSinceMs = this.#host.now()
    this.#host.counters.received.add()
    this.#host.receive(message, this)
  }

  /** RFC 5626 §3.5.1: a double CRLF is answered with a single one. */
  #answerPing(): void {
    this.#pingCame = false
    this.#toll.clear()
    if (!this.#host.admits(this)) return
    this.#host.counters.keepAlives.add()
    this.lastUsedMs = this.#host.now()
    if (this.isOpen && this.#socket.writableLength < this.#host.maxQueueBytes) this.#write(pong)
  }

  #refuse(fault: FramerFault): void {
    const answer = answerToFault(fault)
    if (answer !== undefined) this.#write(answer)
    this.close(fault.kind)
  }

  /** What is written in one turn of the event loop leaves in one piece. */
  #write(bytes: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      this.#host.defer(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(bytes)
  }
}

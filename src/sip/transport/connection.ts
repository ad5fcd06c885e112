/** What every connection has in common, framed stream or WebSocket. */
import type { TransportCounters } from "./counters.ts"
import type { Flow, Transport } from "./transport.ts"

/** One connection, incoming or outgoing. */
export interface Connection extends Flow {
  /** When something last came or was sent that shows that the connection is in use. */
  readonly lastUsedMs: number
  /** Since when the present state needs an end. */
  readonly waitingSinceMs: number
  /** What the connection has been waiting for since `waitingSinceMs`; undefined while it is at rest. */
  readonly waitsFor: "connect" | "message" | "pong" | "close" | undefined
  /** What waits to be sent. */
  readonly queuedBytes: number
  /** Called every second or so. */
  keepAlive?(nowMs: number): void
  /** Sends what is queued, then closes; the reason is counted. */
  close(reason: string): void
  /** Closes at once; the reason is counted. */
  destroy(reason: string): void
}

/** What a connection needs of its transport. */
export interface ConnectionHost {
  readonly transport: Transport
  readonly counters: TransportCounters
  /** What may wait to be sent. */
  readonly maxQueueBytes: number
  now(): number
  /** Calls back once the events at hand have been dealt with. */
  defer(callback: () => void): void
  /** False where the other side sends more than it may; then the connection is closed. {@link receive} asks by itself. */
  admits(connection: Connection): boolean
  receive(message: Uint8Array, connection: Connection): void
  /** The connection has ended. */
  closed(connection: Connection): void
}

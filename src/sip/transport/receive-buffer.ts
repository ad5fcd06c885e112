import type { Socket } from "node:dgram"

/** What a datagram may wait at the most: well below T1, after which its sender repeats it (RFC 3261 §17). */
const maxDelayMs = 250
/** A burst of a thousand requests fits, as after a pause of the process, which makes them late as well. */
const minBytes = 512 * 1024
/** Beyond the wait of what is in the queue already, so long the measured delay needs to show what a change has done. */
const settlingMs = 250

/**
 * A kernel's receive buffer that is sized in time. Where it holds more than is
 * read in time, the requests in it are answered too late, and their
 * retransmissions wait behind them: a server can be busy with nothing else.
 */
export class ReceiveBuffer {
  readonly #socket: Pick<Socket, "setRecvBufferSize">
  readonly #maxBytes: number
  #bytes: number
  #settledAt = -Infinity

  constructor(socket: Pick<Socket, "setRecvBufferSize">, maxBytes: number) {
    this.#socket = socket
    this.#maxBytes = this.#bytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Shrinks or grows after a look at the queue's delay. */
  adapt(delayMs: number, now: number): void {
    if (now < this.#settledAt) return
    if (delayMs > maxDelayMs) this.#resize(Math.max(Math.min(minBytes, this.#maxBytes), Math.floor(this.#bytes / 2)), now + delayMs)
    else if (delayMs < maxDelayMs / 2) this.#resize(Math.min(this.#maxBytes, this.#bytes * 2), now)
  }

  #resize(bytes: number, from: number): void {
    if (bytes === this.#bytes) return
    this.#bytes = bytes
    this.#settledAt = from + settlingMs
    this.#socket.setRecvBufferSize(bytes)
  }
}

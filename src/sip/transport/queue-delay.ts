/**
 * How long a datagram waits before this process reads it.
 *
 * Under overload the queue is the kernel's, and nobody tells how old what it
 * gives is. So the transport sends itself a datagram now and then, which
 * waits its turn like all others. No timer is needed: where nothing comes,
 * nothing waits.
 */
import type { Runtime } from "../../runtime/runtime.ts"

/** So far apart are probes, while messages come. */
const intervalMs = 20
/** A probe that has not come back after this time was dropped by a queue that is full. */
const patienceMs = 1000
const tokenBytes = 8
const numberAt = tokenBytes + 8
const probeBytes = numberAt + 4

/** See the head of this file. */
export class QueueDelay {
  readonly #runtime: Runtime
  readonly #send: (probe: Uint8Array) => void
  readonly #token: Buffer
  #sentAt = -Infinity
  /** When the first probe was sent since the last one that came back. */
  #waitingSince: number | undefined
  #delayMs = 0
  #hasReturned = false
  #sent = 0
  /** The number of the last probe that came back; each has one, from 1 on. */
  #returned = 0
  #losses = 0

  /** `send` sends a datagram to the transport itself. */
  constructor(runtime: Runtime, send: (probe: Uint8Array) => void) {
    this.#runtime = runtime
    this.#send = send
    this.#token = Buffer.from(runtime.random.bytes(tokenBytes))
  }

  /** What the last probe has met; more while one is out for longer. 0 where none has ever come back. */
  get delayMs(): number {
    if (!this.#hasReturned) return 0
    const waitingMs = this.#waitingSince === undefined ? 0 : this.#runtime.now() - this.#waitingSince
    return Math.max(this.#delayMs, Math.min(waitingMs, patienceMs))
  }

  /** Probes that the queue has dropped, ever. */
  get losses(): number {
    return this.#losses
  }

  /** Takes note of a datagram; true for a probe, which is nobody else's concern. */
  take(datagram: Buffer): boolean {
    const now = this.#runtime.now()
    if (now - this.#sentAt >= intervalMs) this.#probe(now)
    if (datagram.length !== probeBytes || datagram.compare(this.#token, 0, tokenBytes, 0, tokenBytes) !== 0) return false
    this.#delayMs = Math.max(0, now - datagram.readDoubleBE(tokenBytes))
    this.#hasReturned = true
    // The queue is in order: what was sent before this one and is still out was dropped.
    const number = datagram.readUInt32BE(numberAt)
    this.#losses += Math.max(0, number - this.#returned - 1)
    this.#returned = number
    this.#waitingSince = number < this.#sent ? this.#sentAt : undefined
    return true
  }

  #probe(now: number): void {
    this.#sentAt = now
    this.#waitingSince ??= now
    const probe = Buffer.alloc(probeBytes)
    this.#token.copy(probe)
    probe.writeDoubleBE(now, tokenBytes)
    this.#sent = (this.#sent + 1) >>> 0
    probe.writeUInt32BE(this.#sent, numberAt)
    this.#send(probe)
  }
}

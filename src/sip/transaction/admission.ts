/**
 * Which new requests are refused with 503 when there is more to do than can
 * be done, so that what has begun goes on and what is begun succeeds.
 *
 * The measure is how long messages wait to be read. Whether a request is
 * refused is drawn with a probability that a controller steers so that this
 * wait stays near a target: that of PIE (RFC 8033), in larger steps, since
 * requests are fewer and costlier than packets. A refusal is no gift, it takes
 * time as well; beyond a share of the time requests are let in as they come,
 * and what cannot be read in time the kernel drops, which costs nothing.
 */
import type { Runtime } from "../../runtime/runtime.ts"

/** What may be chosen about {@link AdmissionControl}. */
export interface AdmissionOptions {
  /** How long messages may wait. @default 100 */
  readonly targetDelayMs?: number
  /** The share of the time that refusals may take. @default 0.15 */
  readonly refusalShare?: number
}

/** So often the probability is steered. */
const updateIntervalMs = 20
/** By so much it moves at the most in one step. */
const maxStep = 0.2
/** A wait beyond the target for no longer than this is a burst, or a pause of the process: it passes by itself. */
const burstMs = 400
/** Per second of delay beyond the target, and of growth of the delay. */
const proportional = 2
const derivative = 4
/** Time between two messages beyond this was not spent on the first one. */
const maxCostMs = 1
const maxCreditMs = 20

/** See the head of this file. */
export class AdmissionControl {
  readonly #runtime: Runtime
  readonly #delayMs: () => number
  readonly #targetDelayMs: number
  readonly #refusalShare: number
  #probability = 0
  #lastDelayMs = 0
  #steeredAt = -Infinity
  /** Since when the wait has been beyond the target. */
  #lateSince: number | undefined
  #messageAt = 0
  #isRefusing = false
  /** The time that refusals may still take. */
  #creditMs = maxCreditMs

  /** `delayMs` tells how long messages wait at present. */
  constructor(runtime: Runtime, delayMs: () => number, options: AdmissionOptions = {}) {
    this.#runtime = runtime
    this.#delayMs = delayMs
    this.#targetDelayMs = options.targetDelayMs ?? 100
    this.#refusalShare = options.refusalShare ?? 0.15
    const { metrics } = runtime
    metrics.gauge("p2psip_sip_queue_delay_seconds", "How long SIP messages wait to be read", () => this.#delayMs() / 1000)
    metrics.gauge("p2psip_sip_refusal_probability", "With which new SIP requests are refused because of overload", () => this.#probability)
  }

  /** 0 where everybody is let in. */
  get probability(): number {
    return this.#probability
  }

  /** A message begins to be dealt with. */
  onMessage(): void {
    const now = this.#runtime.now()
    if (now - this.#steeredAt >= updateIntervalMs) this.#steer(now)
    // What came before took the time until now.
    const costMs = Math.min(now - this.#messageAt, maxCostMs)
    this.#messageAt = now
    if (this.#isRefusing) this.#creditMs -= costMs
    else this.#creditMs = Math.min(maxCreditMs, this.#creditMs + (costMs * this.#refusalShare) / (1 - this.#refusalShare))
    this.#isRefusing = false
  }

  /** Whether this message, a new request, is to be refused. */
  refuses(): boolean {
    if (this.#probability === 0 || this.#creditMs <= 0) return false
    this.#isRefusing = this.#runtime.random.float() < this.#probability
    return this.#isRefusing
  }

  #steer(now: number): void {
    this.#steeredAt = now
    const delayMs = this.#delayMs()
    this.#lateSince = delayMs > this.#targetDelayMs ? (this.#lateSince ?? now) : undefined
    const isBurst = this.#probability === 0 && (this.#lateSince === undefined || now - this.#lateSince < burstMs)
    const error = (delayMs - this.#targetDelayMs) / 1000
    const growth = (delayMs - this.#lastDelayMs) / 1000
    this.#lastDelayMs = delayMs
    const step = Math.max(-maxStep, Math.min(maxStep, proportional * error + derivative * growth))
    if (!isBurst) this.#probability = Math.max(0, Math.min(1, this.#probability + step))
  }
}

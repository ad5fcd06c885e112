/**
 * Which new requests are refused with 503 when there is more to do than can
 * be done, so that what has begun goes on and what is begun succeeds.
 *
 * Whether a request is refused is drawn with the probability that `overload.ts`
 * steers by the queue. A refusal is no gift, it takes time as well; beyond a
 * share of the time requests are let in as they come, and what cannot be read
 * in time the kernel drops, which costs nothing. Not so those that begin much:
 * of a call that is let in for want of time, nothing is gained by a drop later.
 */
import type { Runtime } from "../../runtime/runtime.ts"
import type { Transport } from "../transport/transport.ts"
import { calm, observe } from "./overload.ts"

/** What may be chosen about {@link AdmissionControl}. */
export interface AdmissionOptions {
  /** How long messages may wait. @default 100 */
  readonly targetDelayMs?: number
  /** The share of the time that refusals may take, but for those of INVITEs. @default 0.15 */
  readonly refusalShare?: number
}

/** So far apart are looks at the queue. */
const updateIntervalMs = 20
/** Time between two messages beyond this was not spent on the first one. */
const maxCostMs = 1
const maxCreditMs = 20

/** The queue of what comes in, at present. */
export interface QueueState {
  readonly delayMs: number
  /** Probes that it has dropped, ever. */
  readonly losses: number
}

/** See the head of this file. */
export class AdmissionControl {
  readonly #runtime: Runtime
  readonly #queue: () => QueueState
  readonly #targetDelayMs: number
  readonly #refusalShare: number
  #overload = calm
  /** That of INVITEs: a call has five more messages, and takes ten times as long as its refusal. */
  #callOverload = calm
  #messageAt = 0
  #isRefusing = false
  /** The time that refusals may still take. */
  #creditMs = maxCreditMs

  constructor(runtime: Runtime, queue: () => QueueState, options: AdmissionOptions = {}) {
    this.#runtime = runtime
    this.#queue = queue
    this.#targetDelayMs = options.targetDelayMs ?? 100
    this.#refusalShare = options.refusalShare ?? 0.15
    const { metrics } = runtime
    metrics.gauge("p2psip_sip_queue_delay_seconds", "How long SIP messages wait to be read", () => this.#queue().delayMs / 1000)
    metrics.gauge("p2psip_sip_refusal_probability", "With which new SIP requests are refused because of overload", () => this.probability)
  }

  /** The highest of all methods; 0 where everybody is let in. */
  get probability(): number {
    return Math.max(this.#overload.probability, this.#callOverload.probability)
  }

  /** A message begins to be dealt with. */
  onMessage(): void {
    const now = this.#runtime.now()
    if (now - this.#overload.last.now >= updateIntervalMs) {
      const sample = { now, ...this.#queue() }
      this.#overload = observe(this.#overload, sample, this.#targetDelayMs)
      this.#callOverload = observe(this.#callOverload, sample, this.#targetDelayMs, true)
    }
    // What came before took the time until now.
    const costMs = Math.min(now - this.#messageAt, maxCostMs)
    this.#messageAt = now
    if (this.#isRefusing) this.#creditMs -= costMs
    else this.#creditMs = Math.min(maxCreditMs, this.#creditMs + (costMs * this.#refusalShare) / (1 - this.#refusalShare))
    this.#isRefusing = false
  }

  /** Whether this message, a new request of that method, is to be refused. */
  refuses(method: string): boolean {
    const isDear = method === "INVITE"
    const { probability } = isDear ? this.#callOverload : this.#overload
    if (probability === 0 || (!isDear && this.#creditMs <= 0)) return false
    const isRefused = this.#runtime.random.float() < probability
    this.#isRefusing = isRefused && !isDear
    return isRefused
  }
}

/** The wait is that of the transport whose messages wait the longest. */
export function queueOf(transports: readonly Transport[]): QueueState {
  let delayMs = 0
  let losses = 0
  for (const transport of transports) {
    delayMs = Math.max(delayMs, transport.queueDelayMs ?? 0)
    losses += transport.queueLosses ?? 0
  }
  return { delayMs, losses }
}

/**
 * How often to look after the ring: RFC 7363, from what one peer sees of the
 * overlay's size and churn.
 */
import { FailureWatch } from "../../src/overlay/failure-watch.ts"

/** Failures that count for how often to look after the ring (RFC 7363 §6.3 recommends a quarter of the routing table). */
const maxFailures = 8

/** See the head of this file. */
export class SelfTuning extends FailureWatch {
  /** Milliseconds between stabilisations, by §6.6, for an overlay of about `size` members. */
  intervalMs(now: number, size: number): number {
    const rounds = Math.max(1, Math.log2(size)) ** 2
    const { failures, exposureMs } = this.seen(now, maxFailures)
    const halfFailMs = 1 / (2 * (failures / exposureMs))
    return Math.min(halfFailMs, this.medianAgeMs(now)) / rounds
  }
}

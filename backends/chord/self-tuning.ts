/**
 * How often to look after the ring: RFC 7363, from what one peer sees of the
 * overlay's size and churn.
 */
import type { PeerId } from "../../src/link/link.ts"

/** Failures that count for how often to look after the ring (RFC 7363 §6.3 recommends a quarter of the routing table). */
const maxFailures = 8
/** Failures that are remembered. */
const maxRemembered = 32

/** See the head of this file. */
export class SelfTuning {
  readonly #joinedAt: number
  readonly #failures: number[] = []
  /** In the order in which they were met. */
  readonly #metAt = new Map<PeerId, number>()

  constructor(now: number) {
    this.#joinedAt = now
  }

  /** A neighbour died or left. */
  sawFailure(now: number): void {
    this.#failures.push(now)
    if (this.#failures.length > maxRemembered) this.#failures.shift()
  }

  /** These are the neighbours now: the ages of the new ones begin. */
  sawNeighbours(now: number, peers: readonly PeerId[]): void {
    const present = new Set(peers)
    for (const peerId of this.#metAt.keys()) if (!present.has(peerId)) this.#metAt.delete(peerId)
    for (const peerId of present) if (!this.#metAt.has(peerId)) this.#metAt.set(peerId, now)
  }

  /** Milliseconds between stabilisations, by §6.6, for an overlay of about `size` members. */
  intervalMs(now: number, size: number): number {
    const rounds = Math.max(1, Math.log2(size)) ** 2
    const halfFailMs = 1 / (2 * this.#failureRate(now))
    return Math.min(halfFailMs, this.#medianAgeMs(now)) / rounds
  }

  /** U at most, in failures of one peer per second: by all that is remembered, and three standard deviations above the mean. */
  mostFailuresPerSecond(now: number): number {
    const { failures, exposureMs } = this.#seen(now, maxRemembered)
    return (1000 * (failures + 3 * Math.sqrt(failures))) / exposureMs
  }

  /** U, per millisecond (§6.3). */
  #failureRate(now: number): number {
    const { failures, exposureMs } = this.#seen(now, maxFailures)
    return failures / exposureMs
  }

  /** The last failures, at most so many, and one; and for how long peers were watched meanwhile, all together. */
  #seen(now: number, most: number): { readonly failures: number; readonly exposureMs: number } {
    const watched = Math.max(1, this.#metAt.size)
    const last = this.#failures.slice(-most)
    const isFull = last.length === most
    const first = isFull ? (last[0] ?? this.#joinedAt) : this.#joinedAt
    return { failures: isFull ? most : last.length + 1, exposureMs: watched * Math.max(1, now - first) }
  }

  /** N/L (§6.4): the median age of the neighbours, as far as this peer has seen them age. */
  #medianAgeMs(now: number): number {
    const met = [...this.#metAt.values()]
    const median = met[met.length - 1 - Math.floor(met.length / 2)] ?? this.#joinedAt
    return Math.max(1, now - median)
  }
}

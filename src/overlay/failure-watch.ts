/**
 * How often members fail, as one peer sees it of its neighbours (RFC 7363
 * §6.3), and how old these are: by that it looks after its place, and decides
 * whether it can afford to hear of everybody.
 */
import type { PeerId } from "../link/link.ts"

/** Failures that are remembered. */
const maxRemembered = 32

/** See the head of this file. */
export class FailureWatch {
  readonly #since: number
  readonly #failures: number[] = []
  /** In the order in which they were met. */
  readonly #metAt = new Map<PeerId, number>()

  constructor(now: number) {
    this.#since = now
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

  /** U at most, in failures of one peer per second: by all that is remembered, and three standard deviations above the mean. */
  mostFailuresPerSecond(now: number): number {
    const { failures, exposureMs } = this.seen(now, maxRemembered)
    return (1000 * (failures + 3 * Math.sqrt(failures))) / exposureMs
  }

  /** The last failures, at most so many, and one; and for how long peers were watched meanwhile, all together. */
  seen(now: number, most: number): { readonly failures: number; readonly exposureMs: number } {
    const watched = Math.max(1, this.#metAt.size)
    const last = this.#failures.slice(-most)
    const isFull = last.length === most
    const first = isFull ? (last[0] ?? this.#since) : this.#since
    return { failures: isFull ? most : last.length + 1, exposureMs: watched * Math.max(1, now - first) }
  }

  /** N/L (§6.4): the median age of the neighbours, as far as this peer has seen them age. */
  medianAgeMs(now: number): number {
    const met = [...this.#metAt.values()]
    const median = met[met.length - 1 - Math.floor(met.length / 2)] ?? this.#since
    return Math.max(1, now - median)
  }
}

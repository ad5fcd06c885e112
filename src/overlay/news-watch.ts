/**
 * Whether a peer can afford to hear of everybody who comes and goes: what that
 * costs, from the news that it hears or, while it hears none, from how often
 * its neighbours fail.
 */
import type { Runtime } from "../runtime/runtime.ts"

/** An overlay of so few is never too lively. */
export const alwaysFollowed = 128
/** How often each peer passes a piece of news on. */
export const sendsPerNews = 6
/** Once a peer follows, it takes this much more, in two windows in a row, to make it stop. */
const hysteresis = 1.5
const windowMs = 5_000

/** See the head of this file. */
export class NewsWatch {
  readonly #runtime: Runtime
  readonly #maxBytesPerSecond: number
  #heard = 0
  #since: number
  /** Pieces per second in the window before. */
  #rateBefore = 0

  constructor(runtime: Runtime, maxBytesPerSecond: number) {
    this.#runtime = runtime
    this.#maxBytesPerSecond = maxBytesPerSecond
    this.#since = runtime.now()
  }

  /** Begins anew. */
  reset(): void {
    this.#heard = 0
    this.#rateBefore = 0
    this.#since = this.#runtime.now()
  }

  hear(): void {
    this.#heard++
  }

  /** Whether the news of late were too many, for an overlay of `size` members and entries of that length. */
  isTooMuch(size: number, entryBytes: number): boolean {
    const elapsedMs = this.#runtime.now() - this.#since
    if (elapsedMs < windowMs) return false
    const before = this.#rateBefore
    const rate = (1000 * this.#heard) / elapsedMs
    this.reset()
    this.#rateBefore = rate
    return costOf(Math.min(rate, before), size, entryBytes) > this.#maxBytesPerSecond * hysteresis
  }

  /** Whether the news would not be too many if each member fails at that rate, and is replaced. */
  isBearable(size: number, failuresPerSecond: number, entryBytes: number): boolean {
    return costOf(2 * size * failuresPerSecond, size, entryBytes) <= this.#maxBytesPerSecond
  }
}

/** Bytes per second: each piece is passed on, and every other one is a newcomer who fills its table. */
function costOf(newsPerSecond: number, size: number, entryBytes: number): number {
  return size <= alwaysFollowed ? 0 : newsPerSecond * (sendsPerNews + 0.5) * entryBytes
}

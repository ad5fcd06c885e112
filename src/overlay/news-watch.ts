/**
 * Whether a peer can afford to hear of everybody who comes and goes: what that
 * costs, from the news that it hears or, while it hears none, from how often
 * its neighbours fail. And whether the others can: one alone has nobody to hear
 * it from.
 */
import type { Runtime } from "../runtime/runtime.ts"

/** An overlay of so few is never too lively. */
export const alwaysFollowed = 128
/** How often each peer passes a piece of news on. */
export const sendsPerNews = 6
/** Once a peer follows, it takes this much more, in two windows in a row, to make it stop. */
const hysteresis = 1.5
const windowMs = 5_000
/** Members in a row that rest, and say so, before this peer rests as they do. */
const maxRefusals = 4
/** For so long it then does not begin again by itself, on average. */
const pauseMs = 30_000

/** See the head of this file. */
export class NewsWatch {
  readonly #runtime: Runtime
  readonly #maxBytesPerSecond: number
  #heard = 0
  #since: number
  /** Pieces per second in the window before. */
  #rateBefore = 0
  #refusals = 0
  #pausesUntil = -Infinity
  #isCalm = false

  constructor(runtime: Runtime, maxBytesPerSecond: number) {
    this.#runtime = runtime
    this.#maxBytesPerSecond = maxBytesPerSecond
    this.#since = runtime.now()
  }

  /** Begins anew. */
  reset(): void {
    this.#refusals = 0
    this.#rateBefore = 0
    this.#beginWindow()
  }

  hear(): void {
    this.#heard++
  }

  /** Another member rests. */
  refused(): void {
    if (++this.#refusals === maxRefusals) this.#pausesUntil = this.#runtime.now() + pauseMs * (0.5 + this.#runtime.random.float())
  }

  /** Another member does not. */
  answered(): void {
    this.#refusals = 0
  }

  /**
   * Takes a new estimate: about `size` members, of which each fails at
   * `failuresPerSecond` and is replaced, and entries of `entryBytes`.
   */
  weigh(size: number, failuresPerSecond: number, entryBytes: number): void {
    this.#isCalm = costOf(2 * size * failuresPerSecond, size, entryBytes) <= this.#maxBytesPerSecond
  }

  /** Whether, by the last estimate, a peer that rests may begin when it is asked. */
  get isCalm(): boolean {
    return this.#isCalm
  }

  /** Whether it may also begin unasked. */
  get mayBegin(): boolean {
    return this.#isCalm && this.#runtime.now() >= this.#pausesUntil
  }

  /** Whether one that follows should rest: the news of late were too many, for an overlay of `size` members, or nobody else follows. */
  isTooMuch(size: number, entryBytes: number): boolean {
    if (this.#refusals >= maxRefusals) return true
    const elapsedMs = this.#runtime.now() - this.#since
    if (elapsedMs < windowMs) return false
    const before = this.#rateBefore
    const rate = (1000 * this.#heard) / elapsedMs
    this.#beginWindow()
    this.#rateBefore = rate
    return costOf(Math.min(rate, before), size, entryBytes) > this.#maxBytesPerSecond * hysteresis
  }

  #beginWindow(): void {
    this.#heard = 0
    this.#since = this.#runtime.now()
  }
}

/** Bytes per second: each piece is passed on, and every other one is a newcomer who fills its table. */
function costOf(newsPerSecond: number, size: number, entryBytes: number): number {
  return size <= alwaysFollowed ? 0 : newsPerSecond * (sendsPerNews + 0.5) * entryBytes
}

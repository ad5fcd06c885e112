/**
 * Whether a peer can afford to hear of everybody who comes and goes: what that
 * costs, from the news that it hears or, while it hears none, from how often
 * its neighbours fail. And whether the others can: one alone has nobody to hear
 * it from.
 */
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { membershipDefaults } from "./membership-options.ts"

/** An overlay of so few is never too lively. */
export const alwaysFollowed = 128
/** How often each peer passes a piece of news on. */
export const sendsPerNews = 6
/** Once a peer follows, it takes this much more, in three windows in a row, to make it stop: a mass failure is over by then. */
const hysteresis = 1.5
const windowMs = 5_000
/** A table that after so long names less than this share of all members shows that the others do not follow. */
const fillMs = 15_000
const leastShare = 0.5
/** How many these are is a guess, off by two now and then: a table that agrees with another's counts for more. */
const leastAgreedShare = 0.125
/** Members in a row that rest, and say so, before this peer rests as they do. */
const maxRefusals = 4
/** For so long it then does not begin again by itself, on average. */
const pauseMs = 30_000

/** The rarest that full tables are compared. */
const maxComparisonMs = 600_000

/** See the head of this file. */
export class NewsWatch {
  readonly #runtime: Runtime
  readonly #maxMembers: number
  readonly #maxBytesPerSecond: number
  readonly #comparisonMs: number
  #comparesAt = -Infinity
  #heard = 0
  #since: number
  /** Pieces per second in the two windows before. */
  #ratesBefore: readonly [number, number] = [0, 0]
  #followsSince: number
  #refusals = 0
  /** The table has agreed with another's, and nobody has refused since. */
  #agrees = false
  #pausesUntil = -Infinity
  #isCalm = false

  constructor(runtime: Runtime, { maxMembers, maxNewsBytesPerSecond, maxFrameBytes }: typeof membershipDefaults) {
    this.#runtime = runtime
    this.#maxMembers = maxMembers
    this.#maxBytesPerSecond = maxNewsBytesPerSecond
    this.#comparisonMs = Math.min((1000 * maxFrameBytes) / maxNewsBytesPerSecond, maxComparisonMs)
    this.#since = runtime.now()
    this.#followsSince = this.#since
  }

  /** Begins anew. */
  reset(): void {
    this.#refusals = 0
    this.#agrees = false
    this.#ratesBefore = [0, 0]
    this.#followsSince = this.#runtime.now()
    this.#beginWindow()
  }

  /**
   * Whether to compare tables that differ. Full ones of a larger overlay always do: what they tell each other in vain is
   * a frame of entries, paid from what news may cost.
   */
  mayCompare(isFull: boolean): boolean {
    const now = this.#runtime.now()
    if (isFull && now < this.#comparesAt) return false
    this.#comparesAt = now + this.#comparisonMs * (0.5 + this.#runtime.random.float())
    return true
  }

  hear(): void {
    this.#heard++
  }

  /** Another member rests: enough said, if it was the first to be asked. */
  refused(isFirst: boolean): void {
    this.#agrees = false
    if (++this.#refusals === maxRefusals || isFirst) this.#pause()
  }

  /** Another member does not. */
  answered(): void {
    this.#refusals = 0
  }

  /** Another member has the same table. */
  agreed(): void {
    this.#agrees = true
  }

  /**
   * Takes a new estimate: about `size` members, of which each fails at
   * `failuresPerSecond` and is replaced, and entries of `entryBytes`.
   */
  weigh(size: number, failuresPerSecond: number, entryBytes: number): void {
    this.#isCalm = size <= this.#maxMembers && costOf(2 * size * failuresPerSecond, size, entryBytes) <= this.#maxBytesPerSecond
  }

  /** Whether, by the last estimate, a peer that rests may begin when it is asked. */
  get isCalm(): boolean {
    return this.#isCalm
  }

  /** Whether it may also begin unasked. */
  get mayBegin(): boolean {
    return this.#isCalm && this.#runtime.now() >= this.#pausesUntil
  }

  /** Whether nobody else follows: others say so, or of `size` members one that follows `knows` but a few. */
  isAlone(size: number, knows: number): boolean {
    if (this.#refusals >= maxRefusals) return true
    const expected = size * (this.#agrees ? leastAgreedShare : leastShare)
    if (size <= alwaysFollowed || knows >= expected || this.#runtime.now() - this.#followsSince < fillMs) return false
    this.#pause()
    return true
  }

  /** Whether the news of late were too many, for an overlay of `size` members. */
  isTooMuch(size: number, entryBytes: number): boolean {
    const elapsedMs = this.#runtime.now() - this.#since
    if (elapsedMs < windowMs) return false
    const [last, before] = this.#ratesBefore
    const rate = (1000 * this.#heard) / elapsedMs
    this.#beginWindow()
    this.#ratesBefore = [rate, last]
    return costOf(Math.min(rate, last, before), size, entryBytes) > this.#maxBytesPerSecond * hysteresis
  }

  #pause(): void {
    this.#pausesUntil = this.#runtime.now() + pauseMs * (0.5 + this.#runtime.random.float())
  }

  #beginWindow(): void {
    this.#heard = 0
    this.#since = this.#runtime.now()
  }
}

/** What a peer that rests answers. */
export function tooLively(): P2PSipError {
  return new P2PSipError("P2PSIP_LIMIT", "this peer keeps no table of members: the overlay is too lively")
}

/** Bytes per second: each piece is passed on, and every other one is a newcomer who fills its table. */
function costOf(newsPerSecond: number, size: number, entryBytes: number): number {
  return size <= alwaysFollowed ? 0 : newsPerSecond * (sendsPerNews + 0.5) * entryBytes
}

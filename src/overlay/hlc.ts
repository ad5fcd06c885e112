/**
 * A hybrid logical clock: orders changes by time where clocks agree, by
 * causality where they do not (Kulkarni et al., "Logical Physical Clocks",
 * 2014).
 *
 * Whoever observes an order that is ahead of its own clock goes on from there
 * at the pace of time (Lamport, "Time, Clocks, and the Ordering of Events",
 * 1978, "Physical Clocks"), instead of waiting for its clock to catch up. So
 * peers whose clocks are wrong agree once they have exchanged a record, and
 * still do when a partition keeps them apart: of two changes on either side,
 * the later wins.
 *
 * An order is one number below 2^53: milliseconds since 2020 × 4096 + a
 * counter. Running over the counter borrows from the next millisecond.
 */
import type { Counter, Runtime } from "../runtime/runtime.ts"

const epochMs = Date.UTC(2020, 0, 1)
const countersPerMs = 4096

/** Orders lie in [0, maxOrder]; the year 2089 is the last. */
export const maxOrder: number = Number.MAX_SAFE_INTEGER - countersPerMs

const hour = 60 * 60 * 1000

export interface ClockOptions {
  /**
   * An order that is further ahead of this peer's own clock is refused: nobody
   * shall run all clocks to their end. Peers whose clocks differ by more do
   * not take each other's records.
   * @default 86400000
   */
  readonly maxFutureMs?: number | undefined
}

export const clockDefaults = { maxFutureMs: 24 * hour }

/** See the head of this file. */
export class HybridClock {
  readonly #runtime: Pick<Runtime, "now" | "wallClock">
  readonly #maxFuture: number
  readonly #refused: Counter
  #last = 0
  /** The observed order that was furthest ahead, and when that was. */
  #ahead = 0
  #aheadAt = 0

  constructor(runtime: Pick<Runtime, "now" | "wallClock" | "metrics">, options: ClockOptions = {}) {
    this.#runtime = runtime
    this.#maxFuture = (options.maxFutureMs ?? clockDefaults.maxFutureMs) * countersPerMs
    this.#refused = runtime.metrics.counter("p2psip_overlay_future_orders_total", "orders refused because they lie too far ahead")
  }

  /** An order after all that were given out or observed. */
  tick(): number {
    this.#last = Math.max(this.#last + 1, this.#running(this.#physical()))
    return this.#last
  }

  /** Where this clock stands: not before any order that it gave out or observed. */
  read(): number {
    return Math.max(this.#last, this.#running(this.#physical()))
  }

  /** Takes another peer's order into account; false, and counted, when it lies too far ahead. */
  observe(order: number): boolean {
    if (order <= this.#last) return true
    const physical = this.#physical()
    if (order > physical + this.#maxFuture || order > maxOrder) {
      this.#refused.add()
      return false
    }
    if (order > this.#running(physical)) {
      this.#ahead = order
      this.#aheadAt = this.#runtime.now()
    }
    this.#last = order
    return true
  }

  /**
   * Where the furthest clock known stands by now. Only half of what may be
   * taken is run ahead, so that peers who are still behind take what comes of it.
   */
  #running(physical: number): number {
    const elapsed = Math.floor(this.#runtime.now() - this.#aheadAt) * countersPerMs
    return Math.max(physical, Math.min(this.#ahead + elapsed, physical + this.#maxFuture / 2))
  }

  #physical(): number {
    return Math.max(0, Math.floor(this.#runtime.wallClock()) - epochMs) * countersPerMs
  }
}

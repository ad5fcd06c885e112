/**
 * The event loop of one simulated process when it is held up: by a disk that
 * it waits for, or by a machine that gives it no time. What would happen
 * meanwhile happens afterwards, in the same order.
 */
import type { VirtualClock } from "./clock.ts"
import type { SimEvent } from "./event-heap.ts"

/** See the head of this file. */
export class Backlog {
  readonly #clock: VirtualClock
  readonly #events: SimEvent[] = []
  #until = 0
  #isReleasing = false
  #isScheduled = false

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  /** Until when nothing happens: what is sent in the present event leaves then. */
  get until(): number {
    return this.#until
  }

  /** Holds everything up for so much longer. */
  stall(durationMs: number): void {
    this.#until = Math.max(this.#until, this.#clock.now) + durationMs
  }

  /** True if the event was kept for later. */
  keeps(event: SimEvent): boolean {
    if (this.#isReleasing || (this.#events.length === 0 && this.#clock.now >= this.#until)) return false
    this.#events.push(event)
    this.#schedule()
    return true
  }

  /** Each kept event is one of its own, so that promises settle between them. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.call(this.#until, () => {
      this.#isScheduled = false
      if (this.#clock.now >= this.#until) this.#release()
      if (this.#events.length > 0) this.#schedule()
    })
  }

  #release(): void {
    const event = this.#events.shift()
    if (event === undefined || event.isCancelled) return
    this.#isReleasing = true
    try {
      event.fire()
    } finally {
      this.#isReleasing = false
    }
  }
}

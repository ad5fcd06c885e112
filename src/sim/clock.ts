/**
 * Virtual time: it stands still while an event is dealt with, and jumps to the
 * next one.
 *
 * It moves in steps of 1/1024 ms, so that sums and differences of moments are
 * exact: a timer for what is left until a deadline fires at the deadline, never
 * a rounding error before it (code that then waits for the rest would wait
 * without end, for time would not move any more).
 */
import { EventHeap } from "./event-heap.ts"
import type { SimEvent } from "./event-heap.ts"

const stepsPerMs = 1024

/** The clock of one simulation and the events that wait on it. Times are milliseconds since its start. */
export class VirtualClock {
  now = 0
  /** The peer that the present event happens at; undefined for those of the scenario. Set by the event. */
  eventPeer: string | undefined
  readonly heap = new EventHeap()

  /** Schedules an event; those of one moment happen in the order of scheduling. */
  at(time: number, event: SimEvent): void {
    this.heap.push(time <= this.now ? this.now : Math.ceil(time * stepsPerMs) / stepsPerMs, event)
  }

  /** Schedules a call that cannot be cancelled. */
  call(time: number, callback: () => void): void {
    this.at(time, { isCancelled: false, fire: callback })
  }
}

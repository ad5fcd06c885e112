/** Virtual time: it stands still while an event is dealt with, and jumps to the next one. */
import { EventHeap } from "./event-heap.ts"
import type { SimEvent } from "./event-heap.ts"

/** The clock of one simulation and the events that wait on it. Times are milliseconds since its start. */
export class VirtualClock {
  now = 0
  readonly heap = new EventHeap()

  /** Schedules an event; those of one moment happen in the order of scheduling. */
  at(time: number, event: SimEvent): void {
    this.heap.push(time < this.now ? this.now : time, event)
  }

  /** Schedules a call that cannot be cancelled. */
  call(time: number, callback: () => void): void {
    this.at(time, { isCancelled: false, fire: callback })
  }
}

/**
 * Lets events happen one after another, and all promises settle in between.
 *
 * Node empties the microtask queue completely before it takes the next tick.
 * So each event is a tick, and asks by a microtask for the tick of the next
 * one: by public means alone, and at about 0.1 µs, whatever an event has set
 * going by promises is over before the next event happens.
 */
import type { VirtualClock } from "./clock.ts"

/** How often the host's own event loop gets its turn, for signals and progress. */
const eventsPerTurn = 50_000

export interface LoopHooks {
  /** Ends the run when true; asked before each event. */
  isDone(): boolean
  /** Called when an event has happened and promises have settled. */
  afterEvent(): void
}

/** Runs events until `until` (inclusive) and leaves the clock there, unless `isDone` came first. */
export function driveEvents(clock: VirtualClock, until: number, hooks: LoopHooks): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = eventsPerTurn
    let isFirst = true
    const next = (): void => {
      if (--left > 0) return process.nextTick(step)
      left = eventsPerTurn
      setImmediate(step)
    }
    const step = (): void => {
      try {
        if (isFirst) isFirst = false
        else hooks.afterEvent()
        if (hooks.isDone()) return resolve()
        for (;;) {
          const time = clock.heap.nextTime
          if (time > until || time === Infinity) {
            if (until < Infinity) clock.now = until
            return resolve()
          }
          const event = clock.heap.pop()
          if (event === undefined || event.isCancelled) continue
          clock.now = time
          clock.eventPeer = undefined
          event.fire()
          break
        }
      } catch (error) {
        return reject(error instanceof Error ? error : new Error(String(error)))
      }
      queueMicrotask(next)
    }
    queueMicrotask(next)
  })
}

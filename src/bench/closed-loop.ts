/**
 * Load that always has so many operations under way: it finds out how many a
 * side can do, or how long it takes for a given number. Its response times say nothing, for it waits with the next
 * request until an answer has come.
 */
import type { Runtime } from "../runtime/runtime.ts"
import type { OpenLoop, Outcome } from "./open-loop.ts"

export interface ClosedLoop extends Pick<OpenLoop, "begin" | "timeoutMs"> {
  readonly underWay: number
  readonly seconds: number
  /** Exactly so many, however long they take. */
  readonly operations?: number | undefined
}

/** Resolves when the time is over and the last operation has ended, or its time is over. */
export function runClosedLoop(runtime: Pick<Runtime, "now" | "setTimer" | "defer">, { underWay, seconds, operations, timeoutMs, begin }: ClosedLoop): Promise<Outcome> {
  const endsAt = runtime.now() + seconds * 1000
  const latenciesMs: number[] = []
  let [begun, done, failed] = [0, 0, 0]
  const isOver = (): boolean => (operations === undefined ? runtime.now() >= endsAt : begun >= operations)
  return new Promise((resolve) => {
    const finish = (): void => {
      if (done + failed === begun) resolve({ done, failed, latenciesMs, lagMs: 0 })
    }
    const beginOne = (): void => {
      if (isOver()) return finish()
      const startedAt = runtime.now()
      let hasEnded = false
      const end = (isDone: boolean): void => {
        if (hasEnded) return
        hasEnded = true
        timer.cancel()
        latenciesMs.push(isDone ? runtime.now() - startedAt : timeoutMs)
        if (isDone) done++
        else failed++
        // Answers that are there at once must not make a tower of calls.
        runtime.defer(beginOne)
      }
      const timer = runtime.setTimer(timeoutMs, () => end(false))
      begin(begun++, end)
    }
    for (let count = 0; count < underWay; count++) beginOne()
  })
}

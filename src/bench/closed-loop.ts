/**
 * Load that always has so many operations under way: it finds out how many a
 * side can do. Its response times say nothing, for it waits with the next
 * request until an answer has come.
 */
import type { Runtime } from "../runtime/runtime.ts"
import type { OpenLoop, Outcome } from "./open-loop.ts"

export interface ClosedLoop extends Pick<OpenLoop, "begin" | "timeoutMs"> {
  readonly underWay: number
  readonly seconds: number
}

/** Resolves when the time is over and the last operation has ended, or its time is over. */
export function runClosedLoop(runtime: Pick<Runtime, "now" | "setTimer" | "defer">, { underWay, seconds, timeoutMs, begin }: ClosedLoop): Promise<Outcome> {
  const endsAt = runtime.now() + seconds * 1000
  const latenciesMs: number[] = []
  let [begun, done, failed] = [0, 0, 0]
  return new Promise((resolve) => {
    const finish = (): void => {
      if (done + failed === begun) resolve({ done, failed, latenciesMs, lagMs: 0 })
    }
    const beginOne = (): void => {
      if (runtime.now() >= endsAt) return finish()
      const startedAt = runtime.now()
      let isOver = false
      const end = (isDone: boolean): void => {
        if (isOver) return
        isOver = true
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

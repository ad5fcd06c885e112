/**
 * Load that does not wait for its answers.
 *
 * Operations begin when a Poisson process says so, and their time runs from
 * that moment, not from when the load got round to them: otherwise a server
 * that stalls would put off the very requests that would have shown it
 * (Tene's "coordinated omission").
 */
import type { Runtime } from "../runtime/runtime.ts"
import { quantile } from "./statistics.ts"

/** What became of the operations. */
export interface Outcome {
  readonly done: number
  readonly failed: number
  /** Of every operation; the time-out, where there was no answer or a wrong one. */
  readonly latenciesMs: readonly number[]
  /** The 99th percentile of how late operations began. */
  readonly lagMs: number
}

/** What is to be done. */
export interface OpenLoop {
  /** When operations are due, from the start on; rising. */
  readonly arrivalsMs: readonly number[]
  readonly timeoutMs: number
  /** Begins an operation, which calls `end` once it is over; must not throw. */
  readonly begin: (index: number, end: (isDone: boolean) => void) => void
}

/** Timers come up to so much late by their nature: that is no delay of the server's. */
const timerGrainMs = 2

/** The moments of a Poisson process with so many events a second on average. */
export function poissonArrivals(random: { exponential(mean: number): number }, perSecond: number, seconds: number): number[] {
  const arrivals: number[] = []
  if (perSecond <= 0) return arrivals
  for (let at = random.exponential(1000 / perSecond); at < seconds * 1000; at += random.exponential(1000 / perSecond)) arrivals.push(at)
  return arrivals
}

/** Resolves when every operation has ended, or its time is over. See the head of this file. */
export function runOpenLoop(runtime: Pick<Runtime, "now" | "setTimer">, { arrivalsMs, timeoutMs, begin }: OpenLoop): Promise<Outcome> {
  const startedAt = runtime.now()
  const latenciesMs: number[] = Array.from(arrivalsMs, () => NaN)
  const lags: number[] = []
  let [next, ended, failed] = [0, 0, 0]
  return new Promise((resolve) => {
    const end = (index: number, latencyMs: number, isDone: boolean): void => {
      if (!Number.isNaN(latenciesMs[index])) return
      latenciesMs[index] = isDone ? Math.min(latencyMs, timeoutMs) : timeoutMs
      if (!isDone || latencyMs > timeoutMs) failed++
      if (++ended < arrivalsMs.length) return
      resolve({ done: ended - failed, failed, latenciesMs, lagMs: quantile(lags.sort((a, b) => a - b), 0.99) })
    }
    const beginOne = (index: number, dueAt: number): void => {
      const lag = Math.max(0, runtime.now() - dueAt)
      lags.push(lag)
      const countsFrom = lag <= timerGrainMs ? dueAt + lag : dueAt + timerGrainMs
      begin(index, (isDone) => end(index, runtime.now() - countsFrom, isDone))
    }
    const giveUp = (): void => {
      for (const index of arrivalsMs.keys()) end(index, timeoutMs, false)
    }
    const tick = (): void => {
      for (;;) {
        const arrival = arrivalsMs[next]
        if (arrival === undefined) return void runtime.setTimer(timeoutMs, giveUp)
        const dueAt = startedAt + arrival
        const waitMs = dueAt - runtime.now()
        if (waitMs > 0) return void runtime.setTimer(waitMs, tick)
        beginOne(next++, dueAt)
      }
    }
    if (arrivalsMs.length === 0) resolve({ done: 0, failed: 0, latenciesMs, lagMs: 0 })
    else tick()
  })
}

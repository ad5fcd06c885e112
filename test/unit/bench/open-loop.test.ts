import fc from "fast-check"
import { expect, test } from "vitest"
import { poissonArrivals, runOpenLoop } from "../../../src/bench/open-loop.ts"
import type { Outcome } from "../../../src/bench/open-loop.ts"
import { mixture, workloadOf, workloads } from "../../../src/bench/workloads.ts"
import { SimRandom } from "../../../src/sim/sim-random.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

/** Serves one request after another, each for so long; `stallMs` before the first. */
async function loadServer(arrivalsMs: readonly number[], serviceMs: number, stallMs = 0): Promise<Outcome> {
  const runtime = new ManualRuntime()
  let freeAt = stallMs
  const begin = (_: number, end: (isDone: boolean) => void): void => {
    freeAt = Math.max(freeAt, runtime.now()) + serviceMs
    runtime.setTimer(freeAt - runtime.now(), () => end(true))
  }
  const outcome = runOpenLoop(runtime, { arrivalsMs, timeoutMs: 1_000_000, begin })
  runtime.advance(10_000_000)
  return outcome
}

test("each operation ends once, done or failed", async () => {
  const fates = ["done", "failed", "silent", "late", "twice"] as const
  const operations = fc.array(fc.tuple(fc.double({ min: 0, max: 50, noNaN: true }), fc.constantFrom(...fates)), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(operations, async (wanted) => {
      const runtime = new ManualRuntime()
      let at = 0
      const arrivalsMs = wanted.map(([gap]) => (at += gap))
      const chosen = wanted.map(([, fate]) => fate)
      const begin = (index: number, end: (isDone: boolean) => void): void => {
        const fate = chosen[index]
        if (fate === "done" || fate === "twice") end(true)
        if (fate === "failed" || fate === "twice") end(false)
        if (fate === "late") runtime.setTimer(101, () => end(true))
      }
      const running = runOpenLoop(runtime, { arrivalsMs, timeoutMs: 100, begin })
      runtime.advance(at + 200)
      const { done, failed, latenciesMs } = await running
      expect(done).toBe(chosen.filter((fate) => fate === "done" || fate === "twice").length)
      expect(done + failed).toBe(arrivalsMs.length)
      expect(latenciesMs.filter((latency) => latency === 100)).toHaveLength(failed)
    }),
  )
})

test("a server that stalls is seen in the time of every request that came meanwhile", async () => {
  const arrivalsMs = Array.from({ length: 100 }, (_, index) => index * 10)
  const { latenciesMs } = await loadServer(arrivalsMs, 1, 500)
  // A client that waited for each answer would have seen one long time and 99 short ones.
  expect(latenciesMs.filter((latency) => latency > 100).length).toBeGreaterThan(35)
  expect(latenciesMs[0]).toBe(501)
  expect(latenciesMs.at(-1)).toBe(1)
})

test("a load that comes late counts its lateness, but for what timers are late by nature", async () => {
  const runtime = new ManualRuntime()
  const late = { now: () => runtime.now(), setTimer: (delayMs: number, callback: () => void) => runtime.setTimer(delayMs + 30, callback) }
  const running = runOpenLoop(late, { arrivalsMs: [10], timeoutMs: 1000, begin: (_, end) => end(true) })
  runtime.advance(5000)
  expect(await running).toMatchObject({ done: 1, lagMs: 30, latenciesMs: [28] })
})

test("no operations are over at once", async () => {
  expect(await runOpenLoop(new ManualRuntime(), { arrivalsMs: [], timeoutMs: 5, begin: () => undefined })).toMatchObject({ done: 0, failed: 0 })
})

test("arrivals rise, lie within the time, and are as many as the rate says", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 100, max: 2000 }), fc.integer({ min: 1, max: 5 }), (seed, perSecond, seconds) => {
      const arrivals = poissonArrivals(new SimRandom(seed), perSecond, seconds)
      expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b))
      expect(arrivals.at(-1)).toBeLessThan(seconds * 1000)
      const expected = perSecond * seconds
      expect(Math.abs(arrivals.length - expected)).toBeLessThan(6 * Math.sqrt(expected))
    }),
  )
  expect(poissonArrivals(new SimRandom(1), 0, 10)).toEqual([])
})

test("the mixture is what its description says", () => {
  const count = (kind: string): number => mixture.filter((each) => each === kind).length
  expect(workloadOf("mixed").about).toBe(
    `of ${mixture.length}: ${count("refresh")} refresh, ${count("register")} register, ${count("remove")} remove, ${count("call")} calls`,
  )
  expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length)
})

import fc from "fast-check"
import { expect, test } from "vitest"
import { runClosedLoop } from "../../../src/bench/closed-loop.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

test("so many are under way until the time is over, and each ends once", async () => {
  const fates = fc.constantFrom("at once", "done", "failed", "silent")
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(fates, { minLength: 1, maxLength: 20 }), async (underWay, wanted) => {
      const runtime = new ManualRuntime()
      let [now, most, begun] = [0, 0, 0]
      const begin = (index: number, end: (isDone: boolean) => void): void => {
        begun++
        most = Math.max(most, ++now)
        const over = (isDone: boolean) => () => {
          now--
          end(isDone)
        }
        const fate = wanted[index % wanted.length]
        if (fate === "silent") runtime.setTimer(99, () => now--)
        else if (fate === "at once" && index > 0) runtime.setTimer(0.5, over(true))
        else runtime.setTimer(7, over(fate !== "failed"))
      }
      const running = runClosedLoop(runtime, { underWay, seconds: 0.2, timeoutMs: 100, begin })
      for (let step = 0; step < 500; step++) runtime.advance(1)
      const { done, failed, latenciesMs } = await running
      expect(most).toBe(underWay)
      expect(done + failed).toBe(begun)
      expect(latenciesMs).toHaveLength(begun)
    }),
  )
})

test("an operation that is answered while it begins does not stop the rest, and makes no tower of calls", async () => {
  const runtime = new ManualRuntime()
  const begin = (index: number, end: (isDone: boolean) => void): void => {
    if (index < 20_000) end(true)
    else runtime.setTimer(1, () => end(true))
  }
  const running = runClosedLoop(runtime, { underWay: 2, seconds: 0.01, timeoutMs: 50, begin })
  runtime.advance(100)
  const { done, failed } = await running
  expect(done).toBeGreaterThan(20_000)
  expect(failed).toBe(0)
})

test("a given number of operations is done, each once, however long they take", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 30 }), async (underWay, operations) => {
      const runtime = new ManualRuntime()
      const begun: number[] = []
      const begin = (index: number, end: (isDone: boolean) => void): void => {
        begun.push(index)
        runtime.setTimer(7, () => end(index % 5 !== 0))
      }
      const running = runClosedLoop(runtime, { underWay, seconds: 0, operations, timeoutMs: 100, begin })
      for (let step = 0; step < 300; step++) runtime.advance(1)
      const { done, failed } = await running
      expect(begun).toEqual(Array.from({ length: operations }, (_, index) => index))
      expect([done + failed, failed]).toEqual([operations, Math.ceil(operations / 5)])
    }),
  )
})

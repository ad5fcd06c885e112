import { expect, test } from "vitest"
import { ManualRuntime } from "../../support/manual-runtime.ts"

test("timers fire in the order of their deadlines, and deferred calls before the next timer", () => {
  const runtime = new ManualRuntime()
  const log: string[] = []
  runtime.setTimer(20, () => log.push(`b at ${runtime.now()}`))
  runtime.setTimer(10, () => {
    log.push(`a at ${runtime.now()}`)
    runtime.defer(() => log.push("deferred"))
    runtime.setTimer(10, () => log.push(`c at ${runtime.now()}`))
  })
  runtime.setTimer(15, () => log.push("cancelled")).cancel()
  runtime.advance(20)
  expect(log).toEqual(["a at 10", "deferred", "b at 20", "c at 20"])
  expect(runtime.timersPending).toBe(0)
})

test("advance stops at its moment", () => {
  const runtime = new ManualRuntime()
  let fired = false
  runtime.setTimer(10.5, () => (fired = true))
  runtime.advance(10)
  expect(fired).toBe(false)
  runtime.advance(0.5)
  expect(fired).toBe(true)
})

test("one seed gives one sequence, two seeds two", () => {
  const draw = (seed: number) => Buffer.from(new ManualRuntime(seed).random.bytes(16)).toString("hex")
  expect(draw(7)).toBe(draw(7))
  expect(draw(7)).not.toBe(draw(8))
})

test("counters are read by series and in sum", () => {
  const { metrics } = new ManualRuntime()
  metrics.counter("drops_total", "", { reason: "full" }).add()
  metrics.counter("drops_total", "", { reason: "late" }).add(2)
  expect(metrics.count("drops_total", { reason: "late" })).toBe(2)
  expect(metrics.count("drops_total")).toBe(3)
})

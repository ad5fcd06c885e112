import { expect, test, vi } from "vitest"
import { Deadline } from "../../../src/overlay/deadline.ts"
import { ManualRuntime, settle } from "../../support/manual-runtime.ts"

const never = (): Promise<void> => new Promise(() => undefined)

test("work that ends in time is told so, and not stopped", async () => {
  const runtime = new ManualRuntime()
  const deadline = new Deadline(runtime, 100, new AbortController().signal)
  let stopped: AbortSignal | undefined
  expect(await deadline.meetBy(async (signal) => void (stopped = signal))).toBe(true)
  deadline.cancel()
  runtime.advance(200)
  expect(stopped?.aborted).toBe(false)
})

test.each(["the time is over", "something sooner"])("work that takes too long is told to stop, and not waited for: %s", async (how) => {
  const runtime = new ManualRuntime()
  const sooner = new AbortController()
  const deadline = new Deadline(runtime, 100, sooner.signal)
  const stop = vi.fn()
  const met = deadline.meetBy((signal) => {
    signal.addEventListener("abort", stop)
    return never()
  })
  runtime.advance(99)
  await settle()
  expect(stop).not.toHaveBeenCalled()
  if (how === "something sooner") sooner.abort()
  else runtime.advance(1)
  expect(await met).toBe(false)
  expect(stop).toHaveBeenCalledTimes(1)
})

test("work does not begin any more once the time is over", async () => {
  const work = vi.fn(never)
  expect(await new Deadline(new ManualRuntime(), 100, AbortSignal.abort()).meetBy(work)).toBe(false)
  expect(work).not.toHaveBeenCalled()
})

test("rejects as the work does", async () => {
  const deadline = new Deadline(new ManualRuntime(), 100, new AbortController().signal)
  await expect(deadline.meetBy(() => Promise.reject(new Error("a defect")))).rejects.toThrow("a defect")
})

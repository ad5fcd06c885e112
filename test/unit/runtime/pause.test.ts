import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { pause } from "../../../src/runtime/pause.ts"
import { ManualRuntime, settle } from "../../support/manual-runtime.ts"

/** Whether the promise has resolved by now. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false
  void promise.then(() => (over = true))
  await settle()
  return over
}

test("a pause ends when its time has passed, and no earlier", async () => {
  const runtime = new ManualRuntime()
  const paused = pause(runtime, 100)
  await runtime.advanceAsync(99)
  expect(await isOver(paused)).toBe(false)
  await runtime.advanceAsync(1)
  expect(await isOver(paused)).toBe(true)
})

test("a pause ends when its signal fires, also when that was before", async () => {
  const runtime = new ManualRuntime()
  const controller = new AbortController()
  const paused = pause(runtime, 100, controller.signal)
  controller.abort()
  expect(await isOver(paused)).toBe(true)
  const late = pause(runtime, 100, controller.signal)
  await runtime.advanceAsync(0)
  expect(await isOver(late)).toBe(true)
})

test("a pause leaves nothing behind on a signal that did not fire", async () => {
  const runtime = new ManualRuntime()
  const { signal } = new AbortController()
  const paused = pause(runtime, 100, signal)
  expect(getEventListeners(signal, "abort")).toHaveLength(1)
  await runtime.advanceAsync(100)
  await paused
  expect(getEventListeners(signal, "abort")).toHaveLength(0)
})

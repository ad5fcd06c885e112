import { describe, expect, it } from "vitest"
import { HybridClock, maxOrder } from "../../../src/overlay/hlc.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const refusals = "p2psip_overlay_future_orders_total"
const dayMs = 24 * 60 * 60 * 1000
const ordersPerMs = 4096

describe("HybridClock", () => {
  it("only ever moves forward, also within a millisecond and when the wall clock stands still", () => {
    const clock = new HybridClock(new ManualRuntime())
    let last = 0
    for (let i = 0; i < 10_000; i++) {
      const order = clock.tick()
      expect(order).toBeGreaterThan(last)
      last = order
    }
  })

  it("comes after every order that it has observed", () => {
    const clock = new HybridClock(new ManualRuntime())
    const theirs = clock.tick() + 5_000 * ordersPerMs
    expect(clock.observe(theirs)).toBe(true)
    expect(clock.tick()).toBe(theirs + 1)
  })

  it("follows the wall clock once that has caught up", () => {
    const runtime = new ManualRuntime()
    const clock = new HybridClock(runtime)
    const before = clock.tick()
    runtime.advance(1_000)
    expect(clock.tick()).toBe(before + 1_000 * ordersPerMs)
  })

  it("refuses, and counts, what lies too far ahead, and does not move", () => {
    const runtime = new ManualRuntime()
    const clock = new HybridClock(runtime)
    const now = clock.tick()
    expect(clock.observe(now + dayMs * ordersPerMs)).toBe(true)
    for (const order of [now + (dayMs + 1) * ordersPerMs, maxOrder + 1, Number.MAX_SAFE_INTEGER]) expect(clock.observe(order)).toBe(false)
    expect(runtime.metrics.count(refusals)).toBe(3)
    expect(clock.tick()).toBe(now + dayMs * ordersPerMs + 1)
  })

  it("takes old orders without going back", () => {
    const clock = new HybridClock(new ManualRuntime())
    const now = clock.tick()
    expect(clock.observe(1)).toBe(true)
    expect(clock.tick()).toBe(now + 1)
  })
})

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { HybridClock, maxOrder } from "../../../src/overlay/hlc.ts"
import type { Runtime } from "../../../src/runtime/runtime.ts"
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

  it("goes on from a clock that is ahead at the pace of time", () => {
    const runtime = new ManualRuntime()
    const clock = new HybridClock(runtime)
    const theirs = clock.tick() + 5_000 * ordersPerMs
    clock.observe(theirs)
    runtime.advance(1_000)
    expect(clock.tick()).toBe(theirs + 1_000 * ordersPerMs)
  })

  it("agrees, when apart again, with all clocks that it once met: the later change wins whichever clock is fast", () => {
    const skewMs = fc.integer({ min: -60_000, max: 60_000 })
    fc.assert(fc.property(skewMs, skewMs, fc.boolean(), (skewOfA, skewOfB, isFirstAtA) => {
      const runtime = new ManualRuntime()
      const [a, b] = [skewOfA, skewOfB].map((skew) => new HybridClock(skewed(runtime, skew))) as [HybridClock, HybridClock]
      b.observe(a.tick())
      a.observe(b.tick())
      runtime.advance(30_000)
      const earlier = (isFirstAtA ? a : b).tick()
      runtime.advance(1)
      expect((isFirstAtA ? b : a).tick()).toBeGreaterThan(earlier)
    }))
  })

  it("runs ahead of its own clock by half of what others take, no further", () => {
    const runtime = new ManualRuntime()
    const clock = new HybridClock(runtime)
    const now = clock.tick()
    clock.observe(now + dayMs * ordersPerMs)
    runtime.advance(dayMs)
    expect(clock.tick()).toBe(now + 1.5 * dayMs * ordersPerMs)
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

/** The same time, told by a clock that is wrong. */
function skewed(runtime: ManualRuntime, skewMs: number): Pick<Runtime, "now" | "wallClock" | "metrics"> {
  return { now: () => runtime.now(), wallClock: () => runtime.wallClock() + skewMs, metrics: runtime.metrics }
}

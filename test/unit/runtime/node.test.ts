import { describe, expect, test } from "vitest"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { RegistryMetrics, noMetrics } from "../../../src/runtime/metrics.ts"
import { silentLogger } from "../../../src/runtime/log.ts"

const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })

describe("timers", () => {
  test("fire once, and not when cancelled", async () => {
    const fired: string[] = []
    runtime.setTimer(0, () => fired.push("cancelled")).cancel()
    await new Promise<void>((resolve) => {
      runtime.setTimer(1, () => {
        fired.push("kept")
        runtime.setTimer(1, resolve)
      })
    })
    expect(fired).toEqual(["kept"])
  })

  test("a delay beyond 2^31 ms does not fire at once", async () => {
    let fired = false
    const timer = runtime.setTimer(2 ** 40, () => { fired = true })
    await new Promise((resolve) => setTimeout(resolve, 5))
    timer.cancel()
    expect(fired).toBe(false)
  })

  test("deferred work runs after the microtasks of the event at hand", async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      runtime.defer(() => { order.push("deferred"); resolve() })
      void Promise.resolve().then(() => Promise.resolve()).then(() => order.push("microtask"))
    })
    expect(order).toEqual(["microtask", "deferred"])
  })
})

describe("randomness", () => {
  test("gives as many bytes as asked for, in memory of their own", () => {
    for (const length of [0, 1, 8, 20, 2048, 2049, 10_000]) {
      const bytes = runtime.random.bytes(length)
      expect(bytes.length).toBe(length)
      expect(bytes.buffer.byteLength).toBe(length)
    }
  })

  test("never repeats itself while the pool is refilled", () => {
    const seen = new Set<string>()
    for (let i = 0; i < 5000; i++) seen.add(Buffer.from(runtime.random.bytes(8)).toString("hex"))
    expect(seen.size).toBe(5000)
  })

  test("numbers are in range", () => {
    for (let i = 0; i < 5000; i++) {
      const float = runtime.random.float()
      expect(float >= 0 && float < 1).toBe(true)
      const whole = runtime.random.uint32()
      expect(Number.isInteger(whole) && whole >= 0 && whole < 2 ** 32).toBe(true)
    }
  })
})

describe("metrics", () => {
  test("the same name and labels give the same counter, whatever the labels' order", async () => {
    const metrics = new RegistryMetrics()
    metrics.counter("p2psip_drops_total", "Dropped.", { layer: "link", reason: "full" }).add()
    metrics.counter("p2psip_drops_total", "Dropped.", { reason: "full", layer: "link" }).add(2)
    metrics.counter("p2psip_drops_total", "Dropped.", { layer: "sip", reason: "full" }).add()
    expect(metrics.counts()).toEqual({
      'p2psip_drops_total{layer="link",reason="full"}': 3,
      'p2psip_drops_total{layer="sip",reason="full"}': 1,
    })
    const text = await metrics.text()
    expect(text).toContain('p2psip_drops_total{layer="link",reason="full"} 3')
    expect(await metrics.text()).toBe(text)
  })

  test("a gauge is read when somebody asks, and histograms fill their buckets", async () => {
    const metrics = new RegistryMetrics()
    let value = 1
    metrics.gauge("p2psip_peers", "Peers known.", () => value)
    metrics.histogram("p2psip_rtt_seconds", "Round trips.", [0.1, 1]).observe(0.5)
    metrics.histogram("p2psip_rtt_seconds", "Round trips.", [0.1, 1]).observe(0.05)
    value = 7
    const text = await metrics.text()
    expect(text).toContain("p2psip_peers 7")
    expect(text).toContain('p2psip_rtt_seconds_bucket{le="0.1"} 1')
    expect(text).toContain('p2psip_rtt_seconds_bucket{le="1"} 2')
  })

  test("other label names under the same name are refused", () => {
    const metrics = new RegistryMetrics()
    metrics.counter("p2psip_x_total", "X.", { a: "1" })
    expect(() => metrics.counter("p2psip_x_total", "X.", { b: "1" })).toThrow(/expected a, found "b"/)
  })
})

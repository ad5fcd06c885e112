import { expect, test } from "vitest"
import { oncePerTurn } from "../../../src/peer/once-per-turn.ts"
import { RegistryMetrics } from "../../../src/runtime/metrics.ts"

test("all gauges of a scrape share one look, and the next scrape takes another", async () => {
  let looks = 0
  const look = oncePerTurn(() => ++looks)
  const metrics = new RegistryMetrics()
  for (const name of ["p2psip_a", "p2psip_b", "p2psip_c"]) metrics.gauge(name, "One of three.", look)
  expect(await metrics.text()).toMatch(/p2psip_a 1\n(.*\n)*p2psip_b 1\n(.*\n)*p2psip_c 1\n/)
  expect(await metrics.text()).toContain("p2psip_a 2\n")
})

/** No gauge that counts something waiting grows beyond its bound. */
import type { Fleet } from "../fleet.ts"
import type { Violation } from "./records.ts"

const boundedGauge = /(queue|pending|waiting|in_flight)/

/** Looks at every peer's gauges of queues and pending tables. */
export function checkBounds(fleet: Fleet, limit = 50_000): Violation[] {
  const violations: Violation[] = []
  for (const { name } of fleet.running) {
    for (const gauge of fleet.simulation.metrics.gaugesOf(name)) {
      if (!boundedGauge.test(gauge.name) || gauge.read() <= limit) continue
      violations.push({ kind: "safety", law: "every queue is bounded", detail: `${gauge.name} of ${name}: ${gauge.read()}` })
    }
  }
  return violations
}

/** What has changed since an earlier report, and what of it is more than noise. Pure. */
import { describeSetup, figureOf, measurementOf, metricsOf } from "./figures.ts"
import type { Metric } from "./figures.ts"
import type { Report, Setup, WorkloadName } from "./model.ts"
import { changeOf } from "./statistics.ts"
import type { Change, Spread } from "./statistics.ts"

/** One figure, then and now. */
export interface Difference {
  readonly side: string
  readonly setup: Setup
  readonly workload: WorkloadName
  readonly metric: Metric
  readonly earlier: Spread
  readonly later: Spread
  readonly change: Change
  readonly verdict: "better" | "worse" | "noise"
}

/** Every figure that both have; the clear ones first, of these the largest. */
export function differences(earlier: Report, later: Report): Difference[] {
  const found = later.measurements.flatMap((now) => {
    const before = measurementOf(earlier, now.side, now.workload, now.setup)
    if (before === undefined) return []
    return metricsOf(now.workload).flatMap((metric) => {
      const [then, since] = [figureOf(before, metric), figureOf(now, metric)]
      const change = then === undefined || since === undefined ? undefined : changeOf(then, since)
      if (then === undefined || since === undefined || change === undefined) return []
      const { side, setup, workload } = now
      return [{ side, setup, workload, metric, earlier: then, later: since, change, verdict: verdictOf(metric, change) }]
    })
  })
  return found.sort((a, b) => Number(b.change.isClear) - Number(a.change.isClear) || size(b) - size(a))
}

/** What keeps two reports from being comparable, for people. */
export function obstacles(earlier: Report, later: Report): string[] {
  const said: string[] = []
  const differ = (what: string, then: unknown, now: unknown): void => {
    if (then !== now) said.push(`${what}: ${String(then)} then, ${String(now)} now`)
  }
  differ("processor", earlier.machine.processor, later.machine.processor)
  differ("processors", earlier.machine.processors, later.machine.processors)
  differ("Node", earlier.machine.node, later.machine.node)
  differ("users", earlier.question.users, later.question.users)
  differ("rate factor", earlier.question.rateFactor, later.question.rateFactor)
  differ("set-ups", earlier.question.setups.map(describeSetup).join("; "), later.question.setups.map(describeSetup).join("; "))
  return said
}

function verdictOf({ better }: Metric, { ratio, isClear }: Change): Difference["verdict"] {
  if (!isClear || ratio === 1) return "noise"
  return (ratio < 1) === (better === "less") ? "better" : "worse"
}

function size({ change }: Difference): number {
  return change.ratio > 0 ? Math.abs(Math.log(change.ratio)) : Infinity
}

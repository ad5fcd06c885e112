/** What a report amounts to, in sentences. Pure. */
import { cpu, figureOf, isFlatOut, measurementOf, rate, readable, setupsOf, sidesOf, workloadsOf } from "./figures.ts"
import type { Metric } from "./figures.ts"
import type { Report, Setup, WorkloadName } from "./model.ts"
import { changeOf } from "./statistics.ts"
import type { Spread } from "./statistics.ts"
import { workloadOf } from "./workloads.ts"

interface Standing {
  readonly side: string
  readonly figure: Spread
}

/** One sentence for each workload of the first set-up that several sides have done. */
export function sentences(report: Report): string[] {
  const [setup] = setupsOf(report)
  if (setup === undefined || sidesOf(report).length < 2) return []
  return workloadsOf(report, setup).flatMap((workload) => {
    if (workload === "idle") return []
    const metric = isFlatOut(workload) ? rate : cpu
    const said = rank(standings(report, setup, workload, metric), metric)
    return said === undefined ? [] : [`${capital(workloadOf(workload).title)}: ${said}`]
  })
}

/** The best side, and those that are not clearly apart from it. */
export function leaders(report: Report, setup: Setup, workload: WorkloadName, metric: Metric): ReadonlySet<string> {
  const [best, ...others] = standings(report, setup, workload, metric)
  if (best === undefined || others.length === 0) return new Set()
  return new Set([best, ...others.filter(({ figure }) => figure.count > 1 && changeOf(best.figure, figure)?.isClear !== true)].map(({ side }) => side))
}

/** All sides, the best first. */
export function standings(report: Report, setup: Setup, workload: WorkloadName, metric: Metric): Standing[] {
  const found = sidesOf(report).flatMap((side) => {
    const measurement = measurementOf(report, side, workload, setup)
    const figure = measurement === undefined ? undefined : figureOf(measurement, metric)
    return figure === undefined ? [] : [{ side, figure }]
  })
  return found.sort((a, b) => (metric.better === "less" ? a.figure.median - b.figure.median : b.figure.median - a.figure.median))
}

function rank(all: readonly Standing[], metric: Metric): string | undefined {
  const [best, ...others] = all
  const last = others.at(-1)
  if (best === undefined || last === undefined) return undefined
  const amount = ({ side, figure }: Standing): string => `${side}, ${readable(figure.median)} ${metric.unit}`
  const isBehind = ({ figure }: Standing): boolean => changeOf(best.figure, figure)?.isClear === true
  const level = others.filter((other) => !isBehind(other))
  if (level.length === others.length) return `no clear difference, from ${amount(best)}, to ${amount(last)}.`
  const ties = level.length === 0 ? "" : ` (not clearly apart from ${level.map(({ side }) => side).join(" and ")})`
  const isTied = level.includes(last)
  if (metric.better === "more") return `most with ${amount(best)}${ties}${isTied ? "" : `, fewest with ${amount(last)}`}.`
  const times = readable(last.figure.median / best.figure.median)
  return `least CPU time with ${amount(best)}${ties}${isTied ? "" : `, most with ${amount(last)}, ${times} times as much`}.`
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

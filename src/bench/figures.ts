/** What a report says, worked out of its runs: the figures that charts and tables show. Pure functions. */
import { quantiles } from "./model.ts"
import type { Measurement, Report, Run, Setup, WorkloadName } from "./model.ts"
import { workloadOf } from "./workloads.ts"
import { spreadOf } from "./statistics.ts"
import type { Spread } from "./statistics.ts"

/** One figure of a run. */
export interface Metric {
  readonly name: "cpu" | "median" | "p99" | "rate" | "upkeep-cpu" | "upkeep-bytes" | "memory" | "failed"
  readonly title: string
  readonly unit: string
  /** Undefined where the run cannot tell. */
  readonly of: (run: Run, setup: Setup) => number | undefined
  /** Which of two is to be preferred. */
  readonly better: "less" | "more"
}

const percentile = (run: Run, part: number): number | undefined => run.latencyMs[quantiles.indexOf(part)]

/** CPU time of all processes for one operation that was done. */
export const cpu: Metric = {
  name: "cpu", title: "CPU time per operation", unit: "µs", better: "less", of: (run) => (run.done === 0 ? undefined : run.cpuMicroseconds / run.done),
}
export const median: Metric = { name: "median", title: "response time, median", unit: "ms", better: "less", of: (run) => percentile(run, 0.5) }
export const p99: Metric = { name: "p99", title: "response time, 99th percentile", unit: "ms", better: "less", of: (run) => percentile(run, 0.99) }
export const rate: Metric = { name: "rate", title: "operations done", unit: "per second", better: "more", of: (run) => run.done / run.seconds }
export const failed: Metric = {
  name: "failed", title: "failed", unit: "%", better: "less", of: (run) => (run.offered === 0 ? undefined : (100 * run.failed) / run.offered),
}
export const upkeepCpu: Metric = {
  name: "upkeep-cpu", title: "CPU time of a peer that nobody asks", unit: "ms per second", better: "less",
  of: (run, { peers }) => run.cpuMicroseconds / 1000 / run.seconds / peers,
}
export const upkeepBytes: Metric = {
  name: "upkeep-bytes", title: "sent by a peer that nobody asks", unit: "bytes per second", better: "less",
  of: (run, { peers }) => (run.linkBytes === undefined ? undefined : run.linkBytes / run.seconds / peers),
}
export const memory: Metric = {
  name: "memory", title: "resident memory of a peer", unit: "MB", better: "less", of: (run, { peers }) => run.residentBytes / 1e6 / peers,
}

/** Which figures a workload is judged by. */
export function metricsOf(workload: WorkloadName): readonly Metric[] {
  if (workload === "idle") return [upkeepCpu, upkeepBytes, memory]
  return isFlatOut(workload) ? [rate, cpu, failed] : [cpu, median, p99, failed]
}

/** Whether it is made of as many operations as can be done: response times then say nothing. */
export function isFlatOut(workload: WorkloadName): boolean {
  return workloadOf(workload).underWay !== undefined
}

/** A figure over all rounds. */
export function figureOf({ runs, setup }: Measurement, metric: Metric): Spread | undefined {
  return spreadOf(runs.map((run) => metric.of(run, setup) ?? NaN))
}

/** The measurement of that workload at that side, put up like that. */
export function measurementOf(report: Report, side: string, workload: WorkloadName, setup: Setup): Measurement | undefined {
  const wanted = JSON.stringify(keyOfSetup(setup))
  return report.measurements.find((one) => one.side === side && one.workload === workload && JSON.stringify(keyOfSetup(one.setup)) === wanted)
}

/** All sides of a report, in their order. */
export function sidesOf(report: Report): string[] {
  return [...new Set([...report.measurements.map(({ side }) => side), ...report.simulated.map(({ side }) => side)])]
}

/** Set-ups for which there are measurements, in their order. */
export function setupsOf(report: Report): Setup[] {
  const byKey = new Map(report.measurements.map(({ setup }) => [JSON.stringify(keyOfSetup(setup)), setup]))
  return [...byKey.values()]
}

/** Workloads of a set-up, in the order in which they ran. */
export function workloadsOf(report: Report, setup: Setup): WorkloadName[] {
  const key = JSON.stringify(keyOfSetup(setup))
  return [...new Set(report.measurements.filter((one) => JSON.stringify(keyOfSetup(one.setup)) === key).map(({ workload }) => workload))]
}

/** As people say it. */
export function describeSetup({ kind, peers, entry, storage }: Setup): string {
  const size = peers === 1 ? "one peer" : `${peers} peers`
  const place = kind === "processes" ? "" : " in one process"
  const where = entry === "first" && peers > 1 ? ", all asked of the first" : ""
  return `${size}${place}${where}${storage === "sqlite" ? ", on disk" : ""}`
}

/** A number as people read it: three digits that count. */
export function readable(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en")
  return value === 0 ? "0" : value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

/** In a fixed order, whatever wrote it down. */
function keyOfSetup({ kind, peers, entry, storage }: Setup): readonly unknown[] {
  return [kind, peers, entry, storage]
}

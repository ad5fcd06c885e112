/** What an experiment is: scenarios whose reports make one table, with the figures that it is held against. */
import type { Chart } from "../chart.ts"
import type { ScenarioReport } from "../report.ts"
import type { LatencyChoice, Scenario } from "../scenario.ts"

/** What the caller may choose; everything has a default of its own in each experiment. */
export interface ExperimentChoice {
  readonly seed: number
  /** For whose peers the trials are; options of maintenance differ. @default "chord" */
  readonly backend?: string
  /** Whether its peers can start as a complete overlay; otherwise they join one after another. @default true */
  readonly takesFounders?: boolean
  /** Instead of the experiment's own sizes. */
  readonly peers?: number
  readonly latency?: LatencyChoice
  /** Virtual time with faults, instead of the experiment's own. */
  readonly minutes?: number
}

/** One line of the table. */
export interface Trial {
  readonly label: string
  /** Charts draw the trials of one series as one line. */
  readonly series?: string
  readonly scenario: Scenario
}

/** A figure to reach. */
export interface Bar {
  readonly label: string
  readonly column: string
  /** For one backend only. */
  readonly backend?: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** What a table shows of a report. */
export type Columns = Readonly<Record<string, (report: ScenarioReport) => number | undefined>>

export interface Experiment {
  readonly about: string
  readonly trials: (choice: ExperimentChoice) => readonly Trial[]
  readonly columns: Columns
  /** By the label of the trial; a bar of another size or model is none. */
  readonly bars: readonly Bar[]
  readonly chart?: Chart
}

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute

/** Between the starts of peers that cannot start together. */
const startGapMs = 50

/** What the scenarios of all experiments have in common. */
export function worldOf({ seed, latency, takesFounders = true }: ExperimentChoice): Pick<Scenario, "seed" | "latency" | "formed" | "startGapMs" | "watched"> {
  return { seed, watched: false, ...(takesFounders ? { formed: true } : { startGapMs }), ...(latency === undefined ? {} : { latency }) }
}

/** What readers saw. */
export const readColumns: Columns = {
  reads: ({ phase }) => phase?.reads?.answered,
  failed: ({ phase }) => phase?.reads?.failed,
  "consistent %": ({ phase }) => percent(phase?.reads?.consistentShare),
  "mean ms": ({ phase }) => phase?.reads?.latency.meanMs,
  "median ms": ({ phase }) => phase?.reads?.latency.medianMs,
  "p99 ms": ({ phase }) => phase?.reads?.latency.p99Ms,
}

/** What it took. */
export const costColumns: Columns = {
  hops: ({ phase }) => phase?.hops.mean,
  "time-outs/op": ({ phase }) => phase?.hops.silentPerOperation,
  "messages/s": ({ phase }) => phase?.messagesPerPeerSecond,
  "bytes/s": ({ phase }) => phase?.bytesPerPeerSecond,
}

/** What came after the faults. */
export const repairColumns: Columns = {
  "owners right after s": ({ repair }) => seconds(repair?.ownersMs),
  "reads right after s": ({ repair }) => seconds(repair?.readsMs),
}

function percent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : share * 100
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}

/** Series of scenarios whose reports make one table, each with the bars that it is held against. */
import type { Chart } from "./chart.ts"
import type { ScenarioReport } from "./report.ts"
import type { LatencyChoice, Scenario } from "./scenario.ts"

/** What the caller may choose; everything has a default of its own in each experiment. */
export interface ExperimentChoice {
  readonly seed: number
  /** Instead of the experiment's own sizes. */
  readonly peers?: number
  readonly latency?: LatencyChoice
  /** Virtual time with faults, instead of the experiment's own. */
  readonly minutes?: number
}

/** One line of the table. */
export interface Trial {
  readonly label: string
  readonly scenario: Scenario
}

/** A figure to reach. */
export interface Bar {
  readonly label: string
  readonly column: string
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Experiment {
  readonly about: string
  readonly trials: (choice: ExperimentChoice) => readonly Trial[]
  readonly columns: Readonly<Record<string, (report: ScenarioReport) => number | undefined>>
  /** By the label of the trial; a bar of another size or model is none. */
  readonly bars: readonly Bar[]
  readonly chart?: Chart
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const sessions: readonly (readonly [string, number])[] = [["3 h", 3 * hour], ["1 h", hour], ["15 min", 15 * minute], ["1.4 min", 1.4 * minute]]

const readColumns: Experiment["columns"] = {
  "session min": ({ scenario }) => (scenario.churn === undefined ? undefined : scenario.churn.medianSessionMs / minute),
  reads: ({ phase }) => phase?.reads?.answered,
  "consistent %": ({ phase }) => percent(phase?.reads?.consistentShare),
  "mean ms": ({ phase }) => phase?.reads?.latency.meanMs,
  "median ms": ({ phase }) => phase?.reads?.latency.medianMs,
  "p99 ms": ({ phase }) => phase?.reads?.latency.p99Ms,
}
const costColumns: Experiment["columns"] = {
  hops: ({ phase }) => phase?.hops.mean,
  "time-outs/op": ({ phase }) => phase?.hops.silentPerOperation,
  "messages/s": ({ phase }) => phase?.messagesPerPeerSecond,
  "bytes/s": ({ phase }) => phase?.bytesPerPeerSecond,
}

/** Maintenance so slow that it does not count: nobody fails, and only paths are measured. */
const still = { minStabilizeMs: 60_000, maxStabilizeMs: 120_000, minFingerRefreshMs: 600_000, maxFingerRefreshMs: 600_000, reunionMs: 3_600_000, repairIntervalMs: 3_600_000, strayIntervalMs: 3_600_000 }

/** The table. */
export const experiments: Readonly<Record<string, Experiment>> = {
  sessions: {
    about: "1,000 peers under Poisson churn, median sessions of 3 h, 1 h, 15 min and 1.4 min",
    trials: ({ seed, peers = 1000, latency, minutes = 10 }) =>
      sessions.map(([label, medianSessionMs]) => ({
        label,
        scenario: {
          seed, peers, formed: true, watched: false, ...(latency === undefined ? {} : { latency }),
          registrations: { phones: peers, meanIntervalMs: 2 * minute }, lookups: { perSecond: peers / 20 },
          churn: { medianSessionMs }, warmUpMs: minute, faultsMs: minutes * minute, healMs: minute, readers: 3,
        },
      })),
    columns: { ...readColumns, ...costColumns },
    bars: [
      { label: "3 h", column: "consistent %", atLeast: 99.99 },
      { label: "3 h", column: "mean ms", atMost: 220 },
      { label: "1.4 min", column: "consistent %", atLeast: 99 },
      { label: "1.4 min", column: "mean ms", atMost: 1000 },
      { label: "1.4 min", column: "bytes/s", atMost: 900 },
    ],
    chart: { title: "Success against churn", x: { column: "session min", scale: "log" }, y: ["consistent %"], unit: "consistent gets, %" },
  },
  paths: {
    about: "path lengths of 100 to 100,000 peers that start complete, with the table of all members off and on",
    trials: ({ seed, peers, latency }) =>
      (peers === undefined ? [100, 1000, 10_000, 100_000] : [peers]).flatMap((size) =>
        [false, true].filter((isTable) => !isTable || size <= 4096).map((isTable) => ({
          label: `${size}${isTable ? " with table" : ""}`,
          scenario: {
            seed, peers: size, formed: true, watched: false, ...(latency === undefined ? {} : { latency }),
            backendOptions: { ...still, ...(isTable ? {} : { membership: { maxMembers: 1 } }) },
            registrations: { phones: 1000, meanIntervalMs: hour }, lookups: { perSecond: 200 },
            warmUpMs: second, faultsMs: 20 * second, healMs: second, readers: 1,
          },
        })),
      ),
    columns: {
      ...costColumns,
      "½·log2 N": ({ scenario }) => Math.log2(scenario.peers) / 2,
      "mean ms": ({ phase }) => phase?.reads?.latency.meanMs,
      events: ({ events }) => events,
    },
    bars: [
      { label: "100000", column: "hops", atMost: Math.log2(100_000) / 2 },
      { label: "1000 with table", column: "hops", atMost: 1.01 },
    ],
    chart: { title: "Path length against size", x: { column: "peers", scale: "log" }, y: ["hops", "½·log2 N"], unit: "hops" },
  },
  "half-crash": {
    about: "half of 1,000 peers crash at once, with 8 and with 20 successors",
    trials: ({ seed, peers = 1000, latency }) =>
      [8, 20].map((successors) => ({
        label: `r = ${successors}`,
        scenario: {
          seed, peers, formed: true, watched: false, ...(latency === undefined ? {} : { latency }), backendOptions: { successors },
          registrations: { phones: peers, meanIntervalMs: 5 * minute }, lookups: { perSecond: peers / 20 },
          warmUpMs: minute, faults: [{ atMs: 0, kind: "crash", victims: Math.floor(peers / 2) }], faultsMs: minute,
          healMs: 2 * minute, readers: 3,
        },
      })),
    columns: {
      ...readColumns,
      failed: ({ phase }) => phase?.reads?.failed,
      "lost records": ({ records }) => records?.lost,
      "live records": ({ records }) => records?.live,
      ...costColumns,
      "owners right after s": ({ repair }) => seconds(repair?.ownersMs),
      "reads right after s": ({ repair }) => seconds(repair?.readsMs),
    },
    bars: [],
  },
  halves: {
    about: "two halves for ten minutes with writes on both sides, then healed: every law must hold",
    trials: ({ seed, peers = 100, latency, minutes = 10 }) => [
      {
        label: `${peers} peers`,
        scenario: {
          seed, peers, formed: true, watched: false, ...(latency === undefined ? {} : { latency }),
          registrations: { phones: peers * 2, meanIntervalMs: minute, removals: 0.2 }, lookups: { perSecond: peers / 10 },
          faults: [{ atMs: 0, kind: "partition", share: 0.5, forMs: minutes * minute }], healMs: 5 * minute, readers: 10,
        },
      },
    ],
    columns: {
      acknowledged: ({ writes }) => writes.acknowledged,
      "not acknowledged": ({ writes }) => writes.failed,
      violations: ({ violations }) => violations.length,
      "owners right after s": ({ repair }) => seconds(repair?.ownersMs),
      "reads right after s": ({ repair }) => seconds(repair?.readsMs),
      "bytes/s": ({ phase }) => phase?.bytesPerPeerSecond,
    },
    bars: [],
  },
  costs: {
    about: "what gets cost in time against what maintenance costs in bytes: 500 peers, sessions of 15 min, stabilisation from slow to fast",
    trials: ({ seed, peers = 500, latency, minutes = 5 }) =>
      [20, 10, 5, 2, 1].map((stabilizeSeconds) => ({
        label: `${stabilizeSeconds} s`,
        scenario: {
          seed, peers, formed: true, watched: false, ...(latency === undefined ? {} : { latency }),
          backendOptions: {
            minStabilizeMs: stabilizeSeconds * second, maxStabilizeMs: stabilizeSeconds * second,
            minFingerRefreshMs: stabilizeSeconds * 15 * second, maxFingerRefreshMs: stabilizeSeconds * 15 * second, membership: { maxMembers: 1 },
          },
          registrations: { phones: peers, meanIntervalMs: 2 * minute }, lookups: { perSecond: peers / 20 },
          churn: { medianSessionMs: 15 * minute }, warmUpMs: minute, faultsMs: minutes * minute, healMs: minute, readers: 3,
        },
      })),
    columns: { ...readColumns, ...costColumns },
    bars: [],
    chart: { title: "Latency of gets against maintenance", x: { column: "bytes/s" }, y: ["mean ms", "median ms"], unit: "ms" },
  },
}

function percent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : share * 100
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}

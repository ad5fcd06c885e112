/**
 * What a bench asks, measures and says, as plain data: fit for JSON, and read
 * back from it when a later run is held against an earlier one.
 */

/** The kinds of work. The names stay as they are: reports are compared by them. */
export type WorkloadName =
  | "idle" | "register" | "refresh" | "lookup" | "lookup-zipf" | "put" | "put-or-get" | "call" | "mixed" | "remove"
  | "register-max" | "refresh-max" | "lookup-max" | "put-max" | "call-max" | "session-create" | "session-get" | "session-destroy"

/** One kind of work. */
export interface Workload {
  readonly name: WorkloadName
  /** As charts call it. */
  readonly title: string
  /** For people. */
  readonly about: string
  /** By a phone's SIP messages over UDP, by the library's own methods within the peer, or by nobody. */
  readonly by: "sip" | "servlet" | "nobody"
  /** What is offered to all peers of a side together, whether they answer or not. */
  readonly perSecond: number
  /** Instead of a rate: so many operations are always under way, to find out how many can be done. */
  readonly underWay?: number
  /** Instead of a time: exactly so many, of which those that warm up come first and are not counted. */
  readonly operations?: { readonly warmUp: number; readonly counted: number }
}

/** How the peers of a side are put up. */
export interface Setup {
  /** One process a peer, with libp2p between them; or all in one process, with the memory Link. */
  readonly kind: "processes" | "one-process"
  readonly peers: number
  /** Whom requests go to: all peers alike, or the first alone. */
  readonly entry: "spread" | "first"
  readonly storage: "memory" | "sqlite"
}

/** One run of one workload at one side; sums, from which all else follows. */
export interface Run {
  /** Sides take turns; runs of one round belong together. */
  readonly round: number
  readonly seconds: number
  readonly offered: number
  /** Answered as they should be, in time. */
  readonly done: number
  readonly failed: number
  /** Response times at {@link quantiles}, those of failures counted as the time-out. Empty where nothing was offered. */
  readonly latencyMs: readonly number[]
  /** User and system time of all processes of the side. */
  readonly cpuMicroseconds: number
  /** Of all processes of the side, at the end. */
  readonly residentBytes: number
  /** Sent by all peers to other peers; absent where the side cannot tell. */
  readonly linkBytes?: number
  /** The 99th percentile of how late the load itself was: where that is much, the figures tell of the machine. */
  readonly lagMs: number
}

/** At which parts of all response times {@link Run.latencyMs} are noted. */
export const quantiles: readonly number[] = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1]

/** All runs of one workload at one side. */
export interface Measurement {
  readonly side: string
  readonly setup: Setup
  readonly workload: WorkloadName
  readonly runs: readonly Run[]
}

/** What was measured on a virtual clock. */
export interface SimulatedRow {
  readonly side: string
  readonly peers: number
  /** Whether each knew all the others, as small overlays do by default. */
  readonly hasTable: boolean
  /** Peers asked for one operation, on average. */
  readonly hops: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly failed: number
  readonly bytesPerPeerSecond: number
}

/** Something that did not go as it should: what was measured before it is kept. */
export interface Flaw {
  readonly side: string
  readonly what: string
  readonly round?: number
}

/** Where it was measured. */
export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly memoryBytes: number
  readonly system: string
  readonly node: string
  /** How many processes wanted a processor on average in the minute before: much of it makes figures worse. */
  readonly loadBefore: number
}

/** All that one `p2psip bench compare` found out. */
export interface Report {
  readonly format: "p2psip bench 1"
  /** ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
  readonly version: string
  /** Of the clone; "+" behind it tells of changes that are not committed. */
  readonly commit?: string
  readonly machine: Machine
  readonly question: Question
  readonly measurements: readonly Measurement[]
  readonly simulated: readonly SimulatedRow[]
  readonly skipped: readonly Flaw[]
  readonly flaws: readonly Flaw[]
}

/** What was asked for. */
export interface Question {
  readonly backends: readonly string[]
  /** Programs of others. */
  readonly outside: readonly string[]
  readonly workloads: readonly WorkloadName[]
  readonly setups: readonly Setup[]
  readonly rounds: number
  /** Time of each run that counts, and that before it which does not. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Addresses-of-record that are registered beforehand. */
  readonly users: number
  /** Sizes of simulated overlays. */
  readonly simulatedPeers: readonly number[]
  /** Multiplies the rates of all workloads. */
  readonly rateFactor: number
}

/**
 * A scenario: what the world is like, what goes wrong in it, and what must
 * hold all the same. Plain data, so that a failing one can be kept, replayed
 * and shrunk.
 */
import type { ChurnOptions } from "./churn.ts"
import type { TimedFault } from "./faults.ts"
import type { NetworkConditions } from "./sim-network.ts"
import type { CallOptions } from "./workloads/calls.ts"
import type { LookupOptions } from "./workloads/lookups.ts"
import type { RegistrationOptions } from "./workloads/registrations.ts"

/** How far apart the peers are. */
export type LatencyChoice =
  | { readonly kind: "constant"; readonly oneWayMs: number }
  | { readonly kind: "plane"; readonly sideMs?: number; readonly meanHeightMs?: number }
  /** A file of round-trip times; see `readLatencyMatrix`. */
  | { readonly kind: "matrix"; readonly file: string }

/** See the head of this file. All times are virtual milliseconds. */
export interface Scenario {
  readonly seed: number
  readonly peers: number
  /** Gap between the starts of the first peers; 0 is a flash crowd. @default 500 */
  readonly startGapMs?: number
  /** The first peers do not join one after another, but start as a complete overlay. @default false */
  readonly formed?: boolean
  /** @default 20 ms one way */
  readonly latency?: LatencyChoice
  readonly network?: Partial<NetworkConditions>
  readonly backendOptions?: Readonly<Record<string, unknown>>
  readonly maxClockSkewMs?: number
  /** Where peers keep their records; on disks they outlive a restart. @default "memory" */
  readonly storage?: "memory" | "disk"
  /** So many of those who join after the first are behind a NAT: nobody can dial them. @default 0 */
  readonly nattedShare?: number
  readonly registrations: RegistrationOptions
  readonly lookups?: LookupOptions
  /** Phones that register and call by SIP. @default none */
  readonly calls?: CallOptions
  /** Work without faults before they start. @default 30_000 */
  readonly warmUpMs?: number
  readonly faults?: readonly TimedFault[]
  readonly churn?: ChurnOptions
  /** A file of sessions (see `readTrace`): who comes and goes besides the first peers, from the start of the faults on. */
  readonly trace?: string
  /** How long faults and churn go on. @default until the last fault */
  readonly faultsMs?: number
  /** The report's figures of the time of faults leave out so much of its beginning, in which the overlay gets used to them. @default 0 */
  readonly settleMs?: number
  /** After this long without faults everything must be repaired. @default 120_000 */
  readonly healMs?: number
  /** Copies of each record. @default 3 */
  readonly replication?: number
  /** Whether the ring is judged after every event, which takes time in a large overlay. @default true */
  readonly watched?: boolean
  /** Peers from which all is read in the end, at random. @default all */
  readonly readers?: number
  /** Two crashes within this time may together take the last copies of a record. @default 60_000 */
  readonly repairIntervalMs?: number
}

/** When the faults of a scenario are over, in milliseconds from their start. */
export function faultsEndMs(scenario: Scenario): number {
  return Math.max(scenario.faultsMs ?? 0, lastTroubleMs(scenario))
}

/** How much virtual time a run takes, about. */
export function expectedMs(scenario: Scenario): number {
  const startMs = scenario.formed === true ? 0 : scenario.peers * (scenario.startGapMs ?? 500)
  return startMs + (scenario.warmUpMs ?? 30_000) + faultsEndMs(scenario) + (scenario.healMs ?? 120_000) + 60_000
}

/** Like `faultsEndMs`, without the time for which a scenario goes on when its last fault has ended. */
export function lastTroubleMs(scenario: Scenario): number {
  const comingAndGoing = scenario.churn !== undefined || scenario.trace !== undefined
  const endsMs = (scenario.faults ?? []).map((fault) => fault.atMs + lastsMs(fault))
  return Math.max(comingAndGoing ? (scenario.faultsMs ?? 0) : 0, ...endsMs)
}

function lastsMs(fault: TimedFault): number {
  const forMs = "forMs" in fault ? fault.forMs : 0
  const downMs = "downMs" in fault ? fault.downMs : 0
  return forMs + downMs + (fault.kind === "restart" && fault.graceful === true ? leaveMs : 0)
}

/** No peer takes longer to leave. */
const leaveMs = 10_000

/**
 * Whether the faults go beyond what replication promises to survive: more than
 * one crash within one repair interval, or a crash while peers are cut off and
 * cannot copy. Such a scenario may lose records; everything else must hold.
 * A peer that comes back with its disk has taken nothing away, however many do so at once.
 */
export function mayLoseRecords(scenario: Scenario): boolean {
  return isBeyondReplication(scenario, (fault) => losesCopies(fault, scenario))
}

function losesCopies(fault: TimedFault, { storage }: Scenario): boolean {
  switch (fault.kind) {
    case "crash":
      return true
    case "restart":
      return fault.graceful !== true && (storage !== "disk" || (fault.disk ?? "kept") !== "kept")
    case "blackout":
      return storage !== "disk"
    default:
      return false
  }
}

/** For a while at least, what peers hold is out of reach. */
function takesCopiesAway(fault: TimedFault, { storage }: Scenario): boolean {
  switch (fault.kind) {
    case "crash":
    case "blackout":
      return true
    case "restart":
      return fault.graceful !== true
    case "crash-in-commit":
      return storage === "disk"
    default:
      return false
  }
}

function isBeyondReplication(scenario: Scenario, isCrash: (fault: TimedFault) => boolean): boolean {
  if (scenario.trace !== undefined || (scenario.churn !== undefined && (scenario.churn.graceful ?? 0) < 1)) return true
  const interval = scenario.repairIntervalMs ?? 60_000
  const faults = scenario.faults ?? []
  const crashes = faults.filter(isCrash)
  if (crashes.some((crash) => crash.kind === "blackout" || ("victims" in crash && crash.victims > 1))) return true
  const times = crashes.map((crash) => [crash.atMs, crash.atMs + ("forMs" in crash ? crash.forMs : 0)] as const).sort(([a], [b]) => a - b)
  if (times.some(([from], index) => index > 0 && from - (times[index - 1]?.[1] ?? 0) < interval)) return true
  const cuts = faults.filter((fault) => fault.kind === "partition" || fault.kind === "one-way" || fault.kind === "loss")
  return cuts.some((cut) => times.some(([from, to]) => to > cut.atMs - interval && from < cut.atMs + cut.forMs + interval))
}

/**
 * Whether all peers of one side may have gone before the sides meet again: what
 * this side acknowledged since they were parted nobody could take over, and
 * should others have come in their place, neither side knows anybody of the
 * other. A side is also who stands still while the others go.
 */
export function mayEmptyASide(scenario: Scenario): boolean {
  const faults = scenario.faults ?? []
  const goneBy = (from: number, to: number): number =>
    faults.reduce((sum, fault) => sum + (fault.atMs > from && fault.atMs <= to ? departuresOf(fault) : 0), 0)
  return faults.some((cut) => {
    const here = scenario.peers - goneBy(-1, cut.atMs)
    const smaller = smallerSide(cut, here)
    if (smaller === undefined) return false
    if (scenario.churn !== undefined && lastsMs(cut) > scenario.churn.medianSessionMs / 8) return true
    // Whoever is about to leave when the cut comes may have nobody left to hand over to.
    const leavers = goneBy(cut.atMs - leaveMs, cut.atMs + lastsMs(cut))
    return leavers > 0 && leavers >= smaller
  })
}

/** Of so many peers, how many are on the side of the fewer; undefined where nobody is parted. */
function smallerSide(fault: TimedFault, peers: number): number | undefined {
  if (fault.kind === "partition") return Math.floor(Math.min(fault.share, 1 - fault.share) * peers)
  return fault.kind === "pause" ? peers - fault.victims : undefined
}

function departuresOf(fault: TimedFault): number {
  return fault.kind === "leave" || fault.kind === "crash" || fault.kind === "restart" ? fault.victims : 0
}

/**
 * Whether readers may be shown something old while the faults go on: the
 * network lets peers take each other for dead, and then two of them may answer
 * for one key; or all who hold a record are away. Without such faults every
 * read is right at any moment.
 */
export function mayReadStale(scenario: Scenario): boolean {
  const hasWrongClocks = (scenario.maxClockSkewMs ?? 0) > 0 || (scenario.faults ?? []).some(({ kind }) => kind === "clock")
  const mayMiss = isBeyondReplication(scenario, (fault) => takesCopiesAway(fault, scenario))
  return mayMiss || mayMistakeForDead(scenario) || hasWrongClocks
}

/** Nobody who lives and can be reached is taken for dead because of them. */
const harmless: readonly TimedFault["kind"][] = [
  "crash", "restart", "crash-in-commit", "blackout", "disk-full", "leave", "join", "reset", "clock",
]

/** Whether peers that live and can be reached may take each other for dead. */
export function mayMistakeForDead(scenario: Scenario): boolean {
  const { lossRate = 0, uploadBytesPerSecond = Infinity } = scenario.network ?? {}
  if (lossRate > 0 || uploadBytesPerSecond < Infinity) return true
  return (scenario.faults ?? []).some(({ kind }) => !harmless.includes(kind))
}

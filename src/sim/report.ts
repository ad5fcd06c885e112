/** What a run amounted to, as plain data. */
import type { Violation } from "./checkers/records.ts"
import { summariseLatency } from "./latency-summary.ts"
import type { LatencySummary } from "./latency-summary.ts"
import type { PhaseReport } from "./phase.ts"
import type { RepairReport } from "./repair.ts"
import type { Scenario } from "./scenario.ts"
import type { Calls } from "./workloads/calls.ts"
import type { Contradiction } from "./workloads/ledger.ts"
import type { World } from "./world.ts"

export interface ScenarioReport {
  readonly scenario: Scenario
  readonly violations: readonly Violation[]
  readonly eventHash: string
  readonly events: number
  readonly virtualMs: number
  readonly peersAtEnd: number
  readonly joins: number
  readonly failedJoins: number
  readonly crashes: number
  readonly leaves: number
  readonly writes: {
    readonly acknowledged: number
    readonly failed: number
    readonly refused: number
    readonly byCode: Readonly<Record<string, number>>
    readonly latency: LatencySummary
  }
  readonly reads?: {
    readonly answered: number
    readonly failed: number
    /** Their askers died. */
    readonly abandoned: number
    readonly byCode: Readonly<Record<string, number>>
    /** Look-ups during the faults that showed something else than what was acknowledged. */
    readonly inconsistent: number
    readonly examples: readonly (Contradiction & { readonly at: number; readonly peer: string })[]
    readonly latency: LatencySummary
  }
  readonly calls?: {
    readonly established: number
    /** By status; 0 where the caller gave up. */
    readonly failed: Readonly<Record<string, number>>
    /** Of them all, those of which it was certain whether they must come about. */
    readonly judged: number
    readonly setUp: LatencySummary
  }
  /** The time of the faults alone. */
  readonly phase?: PhaseReport
  /** What came after them. */
  readonly repair?: RepairReport
  /** Records that should have been there in the end, and those of them that nobody found. */
  readonly records?: { readonly live: number; readonly lost: number }
  readonly network: {
    readonly framesSent: number
    readonly bytesSent: number
    readonly bytesPerPeerSecond: number
    /** Bytes per peer and second by kind of frame, the heaviest first. */
    readonly byKind: Readonly<Record<string, number>>
    readonly dropped: Readonly<Record<string, number>>
  }
}

/** The report of a run that is over. */
export function summarise(world: World): ScenarioReport {
  const { scenario, simulation, fleet, ledger, registrations, lookups, violations } = world
  const { network } = simulation
  const peerSeconds = scenario.peers * (simulation.now / 1000)
  return {
    scenario,
    violations,
    eventHash: simulation.eventHash,
    events: simulation.events,
    virtualMs: Math.round(simulation.now),
    peersAtEnd: fleet.running.length,
    joins: fleet.joins,
    failedJoins: fleet.failedJoins,
    crashes: fleet.crashes,
    leaves: fleet.leaves,
    writes: {
      acknowledged: ledger.acknowledged,
      failed: ledger.failed,
      refused: ledger.refused,
      byCode: Object.fromEntries(registrations.failures),
      latency: summariseLatency(registrations.latenciesMs),
    },
    ...(lookups === undefined
      ? {}
      : {
          reads: {
            answered: lookups.answered,
            failed: lookups.failed,
            abandoned: lookups.abandoned,
            byCode: Object.fromEntries(lookups.failures),
            inconsistent: lookups.inconsistent,
            examples: lookups.contradictions.slice(0, 5),
            latency: summariseLatency(lookups.latenciesMs),
          },
        }),
    ...(world.calls === undefined ? {} : { calls: reportCalls(world.calls) }),
    ...(world.phase === undefined ? {} : { phase: world.phase }),
    ...(world.records === undefined ? {} : { records: world.records }),
    ...(world.repair === undefined ? {} : { repair: world.repair }),
    network: {
      framesSent: network.framesSent,
      bytesSent: network.bytesSent,
      bytesPerPeerSecond: Math.round(network.bytesSent / peerSeconds),
      byKind: Object.fromEntries(network.traffic.heaviest().map(([kind, { bytes }]) => [kind, Math.round((bytes / peerSeconds) * 10) / 10])),
      dropped: { ...network.dropped },
    },
  }
}

function reportCalls({ established, failures, judged, setUpMs }: Calls): NonNullable<ScenarioReport["calls"]> {
  return { established, failed: Object.fromEntries(failures), judged, setUp: summariseLatency(setUpMs) }
}

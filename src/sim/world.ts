/** Everything of one run, as the scenario asks for it. */
import type { BackendModule } from "../servlet/backend.ts"
import type { Violation } from "./checkers/records.ts"
import { RingWatch } from "./checkers/ring-watch.ts"
import { Fleet } from "./fleet.ts"
import { constantLatency, euclideanLatency, matrixLatency, readLatencyMatrix } from "./latency.ts"
import type { LatencyModel } from "./latency.ts"
import type { PhaseReport } from "./phase.ts"
import type { RepairReport, RepairWatch } from "./repair.ts"
import type { LatencyChoice, Scenario } from "./scenario.ts"
import type { LogLevel } from "./sim-log.ts"
import { Simulation } from "./simulation.ts"
import { Calls } from "./workloads/calls.ts"
import { Ledger } from "./workloads/ledger.ts"
import { Lookups } from "./workloads/lookups.ts"
import { Registrations } from "./workloads/registrations.ts"

export interface WorldComponents {
  readonly backend: BackendModule
  readonly logLevel?: LogLevel
}

/** What checkers and reports look at. */
export interface World {
  readonly scenario: Scenario
  readonly simulation: Simulation
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly registrations: Registrations
  readonly lookups: Lookups | undefined
  readonly calls: Calls | undefined
  readonly ringWatch: RingWatch
  readonly violations: Violation[]
  phase?: PhaseReport
  repairWatch?: RepairWatch
  repair?: RepairReport
  /** Of the records that should be there in the end. */
  records?: { readonly live: number; readonly lost: number }
}

/** Before the first event. */
export function createWorld(scenario: Scenario, components: WorldComponents): World {
  const simulation = new Simulation({
    seed: scenario.seed,
    latency: latencyModel(scenario.latency ?? { kind: "constant", oneWayMs: 20 }),
    network: scenario.network ?? {},
    logLevel: components.logLevel ?? "warn",
  })
  const fleet = new Fleet(
    { simulation, backend: components.backend },
    { backendOptions: scenario.backendOptions ?? {}, maxClockSkewMs: scenario.maxClockSkewMs ?? 0, storage: scenario.storage ?? "memory", nattedShare: scenario.nattedShare ?? 0 },
  )
  const ledger = new Ledger()
  const registrations = new Registrations({ fleet, ledger }, scenario.registrations)
  const lookups = scenario.lookups === undefined ? undefined : new Lookups({ fleet, ledger }, scenario.lookups)
  const calls = scenario.calls === undefined ? undefined : new Calls({ fleet }, scenario.calls)
  return { scenario, simulation, fleet, ledger, registrations, lookups, calls, ringWatch: new RingWatch(fleet), violations: [] }
}

/** The model that a scenario names. */
function latencyModel(choice: LatencyChoice): LatencyModel {
  switch (choice.kind) {
    case "constant":
      return constantLatency(choice.oneWayMs)
    case "plane":
      return euclideanLatency(choice)
    case "matrix":
      return matrixLatency(readLatencyMatrix(choice.file))
  }
}

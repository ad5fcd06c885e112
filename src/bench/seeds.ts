/** Wauthy's measurements of 2007, made again with this package: the sides, and what they did. */
import { backendSide } from "./backend-sides.ts"
import { figureOf, measurementOf, rate } from "./figures.ts"
import type { Question, Report, Setup, WorkloadName } from "./model.ts"
import { implementations } from "./seeds-2007.ts"
import type { Deployment, Implementation, Scenario } from "./seeds-2007.ts"
import type { SideKind } from "./side.ts"
import type { Spread } from "./statistics.ts"

export interface SeedsChoice {
  readonly nodes: readonly number[]
  readonly seconds: number
  readonly rounds: number
  readonly users: number
}

const workloads: Readonly<Record<Scenario, WorkloadName>> = { registration: "register-max", call: "call-max" }

/** What is to be measured: every number of nodes, all asked alike or the first alone, in memory and on disk. */
export function seedsQuestion({ nodes, seconds, rounds, users }: SeedsChoice): Question {
  const entries = ["spread", "first"] as const
  const setups = nodes.flatMap((peers) => entries.filter((entry) => peers > 1 || entry === "spread").flatMap((entry) => storages.map((storage) => setupOf(peers, entry, storage))))
  return {
    backends: ["chord", "bamboo"], outside: [], workloads: ["register-max", "call-max"], setups, rounds, seconds, warmUpSeconds: seconds / 2, users,
    simulatedPeers: [], rateFactor: 1,
  }
}

const storages = ["memory", "sqlite"] as const

/** Those that stand for his three. Bamboo kept its records on disk, or on one that was memory; OpenChord in memory. */
export function seedsSides(): SideKind[] {
  return implementations.map(({ now }) => {
    const isOnDisk = now.endsWith(", on disk")
    const side = backendSide(isOnDisk ? now.slice(0, -", on disk".length) : now)
    return { ...side, name: now, does: (workload, setup) => (setup.storage === "sqlite") === isOnDisk && side.does(workload, setup) }
  })
}

/**
 * How many requests a second were done. A single server and several with the
 * load balanced are the same here, where all nodes share one machine: requests
 * go to all alike. With one node nobody else could be asked.
 */
export function doneNow(report: Report, deployment: Deployment, scenario: Scenario, { now }: Implementation, nodes: number): Spread | undefined {
  const entry = deployment === "distributed" && nodes > 1 ? "first" : "spread"
  const setup = setupOf(nodes, entry, now.endsWith(", on disk") ? "sqlite" : "memory")
  const measurement = measurementOf(report, now, workloads[scenario], setup)
  return measurement === undefined ? undefined : figureOf(measurement, rate)
}

function setupOf(peers: number, entry: Setup["entry"], storage: Setup["storage"]): Setup {
  return { kind: "processes", peers, entry, storage }
}

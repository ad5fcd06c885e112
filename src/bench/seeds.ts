/** Wauthy's measurements of 2007, made again with this package: the sides, and what they did. */
import { backendSide } from "./backend-sides.ts"
import { figureOf, measurementOf, rate } from "./figures.ts"
import type { Question, Report, Setup, Workload, WorkloadName } from "./model.ts"
import { implementations } from "./seeds-2007.ts"
import type { Deployment, Implementation, Scenario } from "./seeds-2007.ts"
import type { SideKind } from "./side.ts"
import { spreadOf } from "./statistics.ts"
import type { Spread } from "./statistics.ts"

export interface SeedsChoice {
  readonly nodes: readonly number[]
  readonly seconds: number
  readonly rounds: number
  readonly users: number
}

const workloads: Readonly<Record<Scenario, WorkloadName>> = { registration: "register-max", call: "call-max" }

/** The three steps of his test of the Session Registry, and with how many agents he made it. */
export const sessionSteps = ["session-create", "session-get", "session-destroy"] as const
export const agentCounts: readonly number[] = [2, 4, 8]

/** What is to be measured: every number of nodes, all asked alike or the first alone, in memory and on disk. */
export function seedsQuestion({ nodes, seconds, rounds, users }: SeedsChoice): Question {
  const entries = ["spread", "first"] as const
  const setups = nodes.flatMap((peers) => entries.filter((entry) => peers > 1 || entry === "spread").flatMap((entry) => storages.map((storage) => setupOf(peers, entry, storage))))
  return {
    backends: ["chord", "bamboo"], outside: [], workloads: ["register-max", "call-max", ...sessionSteps], setups, rounds, seconds, warmUpSeconds: seconds / 2, users,
    simulatedPeers: [], rateFactor: 1,
  }
}

const storages = ["memory", "sqlite"] as const

/** Those that stand for his three. Bamboo kept its records on disk, or on one that was memory; OpenChord in memory. */
export function seedsSides(): SideKind[] {
  return implementations.map(({ now }) => {
    const isOnDisk = now.endsWith(", on disk")
    const side = backendSide(isOnDisk ? now.slice(0, -", on disk".length) : now)
    const isAsked = ({ name }: Workload, { peers, entry }: Setup): boolean => !isSessionStep(name) || (!isOnDisk && entry === "first" && agentCounts.includes(peers))
    return { ...side, name: now, does: (workload, setup) => (setup.storage === "sqlite") === isOnDisk && isAsked(workload, setup) && side.does(workload, setup) }
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

/** How many seconds a step took for all sessions, asked of the first of so many agents. */
export function sessionSeconds(report: Report, side: string, step: (typeof sessionSteps)[number], agents: number): Spread | undefined {
  const measurement = measurementOf(report, side, step, setupOf(agents, "first", "memory"))
  return measurement === undefined ? undefined : spreadOf(measurement.runs.map(({ seconds, failed }) => (failed > 0 ? NaN : seconds)))
}

function isSessionStep(name: WorkloadName): boolean {
  return sessionSteps.some((step) => step === name)
}

function setupOf(peers: number, entry: Setup["entry"], storage: Setup["storage"]): Setup {
  return { kind: "processes", peers, entry, storage }
}

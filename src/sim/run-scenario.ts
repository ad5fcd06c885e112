/** Plays a scenario: join, work, faults, then quiet, and the questions whether all laws hold. */
import type { BackendModule } from "../servlet/backend.ts"
import { checkBounds } from "./checkers/bounds.ts"
import { checkCopies } from "./checkers/copies.ts"
import { checkDefects } from "./checkers/defects.ts"
import { checkOwnership } from "./checkers/ownership.ts"
import { checkRecords } from "./checkers/records.ts"
import type { Violation } from "./checkers/records.ts"
import { RingWatch, checkRing } from "./checkers/ring-watch.ts"
import { Churn } from "./churn.ts"
import { injectFault } from "./faults.ts"
import { Fleet } from "./fleet.ts"
import { constantLatency, euclideanLatency, matrixLatency, readLatencyMatrix } from "./latency.ts"
import type { LatencyModel } from "./latency.ts"
import { Phase } from "./phase.ts"
import type { PhaseReport } from "./phase.ts"
import { RepairWatch } from "./repair.ts"
import type { RepairReport } from "./repair.ts"
import { summarise } from "./report.ts"
import type { ScenarioReport } from "./report.ts"
import { faultsEndMs, lastTroubleMs, mayLoseRecords, mayMistakeForDead, mayReadStale } from "./scenario.ts"
import type { LatencyChoice, Scenario } from "./scenario.ts"
import type { LogLevel } from "./sim-log.ts"
import { Simulation } from "./simulation.ts"
import { playTrace, readTrace, traceEndMs } from "./trace.ts"
import { Calls } from "./workloads/calls.ts"
import { Ledger } from "./workloads/ledger.ts"
import { Lookups, recoveryMs } from "./workloads/lookups.ts"
import { Registrations } from "./workloads/registrations.ts"

export interface ScenarioComponents {
  readonly backend: BackendModule
  /** Called before the first event: a place for checks after every event. */
  readonly onStart?: (world: World) => void
  readonly logLevel?: LogLevel
}

/** Everything of one run, for checkers and reports. */
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

const joinLimitMs = 120_000
const drainMs = 40_000
const ownershipSamples = 8

/** See the head of this file. Rejects only when an event throws: a bug that no law describes. */
export async function runScenario(scenario: Scenario, components: ScenarioComponents): Promise<ScenarioReport> {
  const world = createWorld(scenario, components)
  const watch = (): void => {
    if (scenario.watched !== false && !mayMistakeForDead(scenario)) world.simulation.onEvent((peer) => world.ringWatch.look(peer))
  }
  // Those who start together take their places one after another, in no time.
  if (scenario.formed !== true) watch()
  components.onStart?.(world)
  await startPeers(world)
  if (scenario.formed === true) watch()
  if (world.violations.length === 0) {
    world.registrations.start()
    world.lookups?.start()
    world.calls?.start()
    await world.simulation.run(scenario.warmUpMs ?? 30_000)
    await playFaults(world)
    await quiet(world)
    await judge(world)
  }
  return summarise(world)
}

function createWorld(scenario: Scenario, components: ScenarioComponents): World {
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
export function latencyModel(choice: LatencyChoice): LatencyModel {
  switch (choice.kind) {
    case "constant":
      return constantLatency(choice.oneWayMs)
    case "plane":
      return euclideanLatency(choice)
    case "matrix":
      return matrixLatency(readLatencyMatrix(choice.file))
  }
}

async function startPeers(world: World): Promise<void> {
  const { scenario, simulation, fleet } = world
  const gapMs = scenario.startGapMs ?? 500
  if (scenario.formed === true) {
    await simulation.wait(fleet.form(scenario.peers))
    return
  }
  void fleet.start(fleet.freshName(), { first: true })
  for (let count = 1; count < scenario.peers; count++) {
    if (gapMs > 0) await simulation.run(gapMs)
    void fleet.start(fleet.freshName())
  }
  await untilAllServe(world, "every peer joins", joinLimitMs)
}

async function playFaults(world: World): Promise<void> {
  const { scenario, simulation, fleet } = world
  for (const fault of scenario.faults ?? []) simulation.after(fault.atMs, () => injectFault(fleet, fault))
  const churn = scenario.churn === undefined ? undefined : new Churn({ fleet }, scenario.churn)
  churn?.start()
  const sessions = scenario.trace === undefined ? [] : readTrace(scenario.trace)
  playTrace(fleet, sessions)
  const traceMs = traceEndMs(sessions)
  world.repairWatch = new RepairWatch(fleet, simulation.now + Math.max(traceMs, lastTroubleMs(scenario)))
  const totalMs = Math.max(traceMs, faultsEndMs(scenario))
  const settleMs = Math.min(scenario.settleMs ?? 0, totalMs)
  await simulation.run(settleMs)
  const phase = new Phase(fleet, world)
  await simulation.run(totalMs - settleMs)
  world.phase = phase.end()
  churn?.stop()
}

/** Time to repair, the work going on; then time for the last requests to end. */
async function quiet(world: World): Promise<void> {
  const { scenario, simulation, registrations, lookups } = world
  const healMs = scenario.healMs ?? 120_000
  const start = simulation.now
  await untilAllServe(world, "every running peer joins in the end", healMs)
  await simulation.run(Math.max(0, start + healMs - simulation.now))
  if (world.repairWatch !== undefined) world.repair = world.repairWatch.end(lookups)
  registrations.stop()
  lookups?.stop()
  world.calls?.stop()
  await simulation.run(drainMs)
}

async function untilAllServe(world: World, law: string, limitMs: number): Promise<void> {
  const { simulation, fleet } = world
  const waiting = () => fleet.running.filter((member) => member.joinedAt === undefined || member.isLeaving)
  const deadline = simulation.now + limitMs
  while (waiting().length > 0 && simulation.now < deadline) await simulation.run(100)
  const names = waiting().map((member) => `${member.name}${member.isLeaving ? " (leaving)" : ""}`)
  if (names.length > 0) world.violations.push({ kind: "liveness", law, detail: `${names.join(", ")} did not within ${limitMs} ms` })
}

async function judge(world: World): Promise<void> {
  const { scenario, simulation, fleet, ledger, lookups, violations } = world
  const mayLose = mayLoseRecords(scenario)
  violations.push(...checkBounds(fleet), ...checkDefects(simulation), ...world.ringWatch.violations, ...checkRing(fleet))
  if (lookups !== undefined && !mayReadStale(scenario)) violations.push(...judgeReads(lookups))
  if (world.calls !== undefined) violations.push(...judgeCalls(world.calls, mayReadStale(scenario)))
  if (!mayLose) violations.push(...checkCopies(fleet, ledger, scenario.replication ?? 3))
  const records = await checkRecords(fleet, ledger, scenario.readers)
  const lost = new Set(records.filter(isLoss).map(({ detail }) => detail.replace(/read from \S+/, "")))
  world.records = { live: ledger.liveRecords(simulation.now).length, lost: lost.size }
  violations.push(...(mayLose ? records.filter((violation) => !isLoss(violation)) : records))
  violations.push(...(await checkOwnership(fleet, simulation.random.sample(ledger.keys, ownershipSamples), scenario.readers)))
}

function judgeReads({ contradictions, lateFailures }: Lookups): Violation[] {
  const stale = contradictions.slice(0, 5).map(({ kind, key, hash, detail, at, peer }): Violation => {
    const what = `${kind}: ${key} ${hash}, read from ${peer} at ${Math.round(at)} ms: ${detail}`
    return { kind: "safety", law: "no read is stale while peers only come and go", detail: what }
  })
  const late = lateFailures.slice(0, 5).map(({ code, key, at, peer }): Violation => {
    const what = `${code}: ${key}, read from ${peer} at ${Math.round(at)} ms`
    return { kind: "liveness", law: `reads succeed again ${recoveryMs} ms after a change`, detail: what }
  })
  return [...stale, ...late]
}

function judgeCalls({ faults }: Calls, mayMiss: boolean): Violation[] {
  const kept = faults.filter(({ isSafety }) => isSafety || !mayMiss)
  return kept.slice(0, 5).map(({ isSafety, law, detail }) => ({ kind: isSafety ? "safety" : "liveness", law, detail }))
}

function isLoss(violation: Violation): boolean {
  return violation.law === "no acknowledged record is lost"
}

/** Plays a scenario: join, work, faults, then quiet, and the questions whether all laws hold. */
import { checkBounds } from "./checkers/bounds.ts"
import { checkCopies } from "./checkers/copies.ts"
import { checkDefects } from "./checkers/defects.ts"
import { checkOwnership } from "./checkers/ownership.ts"
import { checkRecords, laws } from "./checkers/records.ts"
import type { Violation } from "./checkers/records.ts"
import { checkRing } from "./checkers/ring-watch.ts"
import { Churn } from "./churn.ts"
import { injectFault } from "./faults.ts"
import { Phase } from "./phase.ts"
import { RepairWatch } from "./repair.ts"
import { summarise } from "./report.ts"
import type { ScenarioReport } from "./report.ts"
import { faultsEndMs, lastTroubleMs, mayEmptyASide, mayLoseRecords, mayMistakeForDead, mayReadStale } from "./scenario.ts"
import type { Scenario } from "./scenario.ts"
import { playTrace, readTrace, traceEndMs } from "./trace.ts"
import type { Calls } from "./workloads/calls.ts"
import { recoveryMs } from "./workloads/lookups.ts"
import type { Lookups } from "./workloads/lookups.ts"
import { createWorld } from "./world.ts"
import type { World, WorldComponents } from "./world.ts"

export interface ScenarioComponents extends WorldComponents {
  /** Called before the first event: a place for checks after every event. */
  readonly onStart?: (world: World) => void
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
  const isTroubled = churn !== undefined || sessions.length > 0 || (scenario.faults ?? []).length > 0
  if (isTroubled) world.repairWatch = new RepairWatch(fleet, simulation.now + Math.max(traceMs, lastTroubleMs(scenario)))
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
  const mayPart = mayEmptyASide(scenario)
  violations.push(...checkBounds(fleet), ...checkDefects(simulation), ...world.ringWatch.violations)
  if (!mayPart) violations.push(...checkRing(fleet))
  if (lookups !== undefined && !mayReadStale(scenario)) violations.push(...judgeReads(lookups))
  if (world.calls !== undefined) violations.push(...judgeCalls(world.calls, mayReadStale(scenario)))
  if (!mayLose && !mayPart) violations.push(...checkCopies(fleet, ledger, scenario.replication ?? 3))
  const records = await checkRecords(fleet, ledger, scenario.readers)
  const lost = new Set(records.filter(isLoss).map(({ detail }) => detail.replace(/read from \S+/, "")))
  world.records = { live: ledger.liveRecords(simulation.now).length, lost: lost.size }
  // What a side that is no more had changed is as it was before.
  const isExcused = mayPart ? isOfRecords : mayLose ? isLoss : () => false
  violations.push(...records.filter((violation) => !isExcused(violation)))
  if (!mayPart) violations.push(...(await checkOwnership(fleet, simulation.random.sample(ledger.keys, ownershipSamples), scenario.readers)))
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

function isLoss({ law }: Violation): boolean {
  return law === laws.kept
}

function isOfRecords({ law }: Violation): boolean {
  return law === laws.kept || law === laws.truth
}

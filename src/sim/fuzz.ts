/**
 * Looks for scenarios that break a law: draws them from seeds, stops at the
 * first that does, and takes away from it whatever is not needed to break it.
 */
import type { ScenarioReport } from "./report.ts"
import { runScenario } from "./run-scenario.ts"
import type { ScenarioComponents } from "./run-scenario.ts"
import type { Fault, TimedFault } from "./faults.ts"
import type { DiskFate } from "./fleet.ts"
import { mayLoseRecords, mayReadStale } from "./scenario.ts"
import type { LatencyChoice, Scenario } from "./scenario.ts"
import type { NetworkConditions } from "./sim-network.ts"
import { SimRandom } from "./sim-random.ts"

/** What a scenario did: its report, or the error that an event threw. */
export interface Trial {
  readonly scenario: Scenario
  readonly report?: ScenarioReport
  readonly error?: Error
}

/** Whether a trial broke something. */
export function isBroken(trial: Trial): boolean {
  return trial.error !== undefined || (trial.report?.violations.length ?? 0) > 0
}

/** Plays a scenario and catches what it throws, and the promises that it leaves rejected. One at a time. */
export async function tryScenario(scenario: Scenario, components: ScenarioComponents): Promise<Trial> {
  let unhandled: Error | undefined
  const onUnhandled = (reason: unknown): void => {
    unhandled ??= asError(reason)
  }
  process.on("unhandledRejection", onUnhandled)
  try {
    const report = await runScenario(scenario, components)
    // Node reports them when all ticks are done: give it that chance before the next scenario starts.
    await new Promise((resolve) => setImmediate(resolve))
    return { scenario, report, ...(unhandled === undefined ? {} : { error: unhandled }) }
  } catch (error) {
    return { scenario, error: asError(error) }
  } finally {
    process.off("unhandledRejection", onUnhandled)
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

/**
 * - `changes`: peers come and go, inside what replication promises to survive;
 *   nothing may be lost, and no read may be wrong at any time.
 * - `network`: also partitions, loss, slowness; nothing may be lost.
 * - `storm`: anything; only what no fault excuses must hold.
 */
type Weather = "changes" | "network" | "storm"

/** The scenario of a seed: a few peers, a few phones, a few faults. */
export function drawScenario(seed: number): Scenario {
  const random = new SimRandom(seed, "fuzz")
  const weather: Weather = random.pick(["changes", "changes", "network", "network", "storm"] as const) ?? "changes"
  const peers = 1 + random.below(random.chance(0.3) ? 30 : 8)
  const scenario: Scenario = {
    seed,
    peers,
    startGapMs: random.chance(0.2) ? 0 : Math.round(random.between(50, 3000)),
    latency: drawLatency(random),
    network: {
      jitter: random.chance(0.5) ? 0 : random.between(0, 2),
      dialRoundTrips: random.below(4),
      resetOnCrash: random.pick([0, 0.5, 1]) ?? 0,
      breakAfterMs: Math.round(random.between(1000, 60_000)),
      ...(weather !== "changes" && random.chance(0.2) ? drawUpload(random) : {}),
    },
    registrations: {
      phones: 2 + random.below(20),
      phonesPerKey: 1 + random.below(3),
      ttlSeconds: random.pick([30, 120, 600, 3600]) ?? 600,
      meanIntervalMs: Math.round(random.between(500, 30_000)),
      removals: random.pick([0, 0.1, 0.4]) ?? 0.1,
    },
    lookups: { perSecond: random.between(0.5, 20) },
    storage: random.chance(0.4) ? "disk" : "memory",
    faults: [],
    ...(weather !== "changes" && random.chance(0.15) ? { maxClockSkewMs: Math.round(random.between(100, 60_000)) } : {}),
    ...(weather === "storm" && random.chance(0.3) ? { churn: { medianSessionMs: random.between(30_000, 600_000), graceful: random.float() } } : {}),
  }
  const { registrations } = scenario
  return {
    ...scenario,
    registrations: registrations.phonesPerKey === 1 ? { ...registrations, clearances: 0.5 } : registrations,
    faults: drawFaults(random, scenario, weather),
  }
}

function drawFaults(random: SimRandom, scenario: Scenario, weather: Weather): TimedFault[] {
  const count = 1 + random.below(weather === "changes" ? 16 : 8)
  // Few faults far apart, or many at once.
  const windowMs = random.pick([500, 5000, 60_000, 300_000]) ?? 60_000
  const faults: TimedFault[] = []
  for (let tries = 0; faults.length < count && tries < 60; tries++) {
    const fault = { atMs: Math.round(random.between(0, windowMs)), ...drawFault(random, weather, scenario.storage === "disk") }
    if (isIn(weather, { ...scenario, faults: [...faults, fault] })) faults.push(fault)
  }
  return faults.sort((a, b) => a.atMs - b.atMs)
}

function isIn(weather: Weather, scenario: Scenario): boolean {
  switch (weather) {
    case "changes":
      return !mayReadStale(scenario)
    case "network":
      return !mayLoseRecords(scenario)
    case "storm":
      return true
  }
}

/** From what a household has to what a house full of servers has. */
function drawUpload(random: SimRandom): Partial<NetworkConditions> {
  return {
    uploadBytesPerSecond: Math.round(30_000 * 100 ** random.float()),
    maxQueueBytes: random.pick([65_536, 524_288, 4_194_304]) ?? 65_536,
  }
}

function drawLatency(random: SimRandom): LatencyChoice {
  if (random.chance(0.5)) return { kind: "constant", oneWayMs: random.pick([1, 10, 50, 150]) ?? 10 }
  return { kind: "plane", sideMs: Math.round(random.between(5, 200)), meanHeightMs: Math.round(random.between(0, 20)) }
}

const changes = ["crash", "restart", "leave", "leave", "join", "join", "reset"] as const
const faultKinds = [...changes, "partition", "one-way", "loss", "slow", "pause"] as const
const diskChanges = [...changes, "restart", "disk-full", "crash-in-commit"] as const
const diskFaultKinds = [...faultKinds, "restart", "disk-full", "crash-in-commit", "slow-disk", "blackout"] as const

function drawFault(random: SimRandom, weather: Weather, onDisk: boolean): Fault {
  const kinds = weather === "changes" ? (onDisk ? diskChanges : changes) : onDisk ? diskFaultKinds : faultKinds
  const forMs = Math.round(random.between(1000, 90_000))
  const few = 1 + random.below(random.chance(0.3) ? 3 : 1)
  const downMs = Math.round(random.between(10, 30_000))
  const kind = random.pick(kinds) ?? "crash"
  switch (kind) {
    case "crash":
      return { kind, victims: few }
    case "restart":
      return { kind, victims: few, downMs, ...drawRestart(random, onDisk) }
    case "crash-in-commit":
      return { kind, victims: few, downMs, forMs }
    case "blackout":
      return { kind, downMs }
    case "disk-full":
      return { kind, victims: few, forMs }
    case "slow-disk":
      return { kind, victims: few, byMs: Math.round(random.between(5, 2000)), forMs }
    case "pause":
      return { kind, victims: few, forMs: Math.round(200 * 300 ** random.float()) }
    case "leave":
      return { kind, victims: few }
    case "join":
      return { kind, newcomers: 1 + random.below(random.chance(0.2) ? 12 : 4) }
    case "partition":
      return { kind, share: random.between(0.1, 0.5), forMs }
    case "one-way":
      return { kind, forMs }
    case "loss":
      return { kind, rate: random.between(0.01, 0.3), forMs }
    case "reset":
      return { kind, share: random.between(0.05, 1) }
    case "slow":
      return { kind, victims: few, byMs: Math.round(random.between(50, 3000)), forMs }
  }
}

function drawRestart(random: SimRandom, onDisk: boolean): { readonly disk?: DiskFate; readonly graceful?: boolean } {
  return {
    ...(onDisk ? { disk: random.pick(["kept", "kept", "unsynced", "lost"] as const) ?? "kept" } : {}),
    ...(random.chance(0.3) ? { graceful: true } : {}),
  }
}

/**
 * Makes a broken scenario smaller as long as it stays broken: fewer faults,
 * peers and phones, a plainer network. At most `maxRuns` runs.
 */
export async function shrinkScenario(broken: Scenario, components: ScenarioComponents, maxRuns = 100): Promise<Scenario> {
  let best = broken
  let runs = 0
  for (let improved = true; improved && runs < maxRuns; ) {
    improved = false
    for (const candidate of smallerScenarios(best)) {
      if (++runs > maxRuns) break
      if (mayLoseRecords(candidate) !== mayLoseRecords(best) || !isBroken(await tryScenario(candidate, components))) continue
      best = candidate
      improved = true
      break
    }
  }
  return best
}

function* smallerScenarios(scenario: Scenario): Generator<Scenario> {
  const { registrations, peers, network, lookups, ...rest } = scenario
  const faults = scenario.faults ?? []
  const same = { ...rest, registrations, peers, ...(network === undefined ? {} : { network }) }
  const withLookups = { ...same, ...(lookups === undefined ? {} : { lookups }) }
  for (let at = faults.length - 1; at >= 0; at--) yield { ...withLookups, faults: faults.filter((_, index) => index !== at) }
  if (lookups !== undefined) yield same
  for (const phones of [1, Math.floor(registrations.phones / 2), registrations.phones - 1]) {
    if (phones > 0 && phones < registrations.phones) yield { ...withLookups, registrations: { ...registrations, phones } }
  }
  for (const fewer of [1, 2, Math.floor(peers / 2), peers - 1]) {
    if (fewer >= 1 && fewer < peers) yield { ...withLookups, peers: fewer }
  }
  if ((network?.jitter ?? 0) > 0) yield { ...withLookups, network: { ...network, jitter: 0 } }
  if (network?.uploadBytesPerSecond !== undefined) {
    const { uploadBytesPerSecond: _rate, maxQueueBytes: _bytes, ...wide } = network
    yield { ...withLookups, network: wide }
  }
  const { maxClockSkewMs, ...punctual } = withLookups
  if (maxClockSkewMs !== undefined) yield punctual
  if (scenario.storage === "disk") yield { ...withLookups, storage: "memory" }
  if (scenario.latency?.kind === "plane") yield { ...withLookups, latency: { kind: "constant", oneWayMs: 20 } }
}

/** One line that replays a scenario. */
export function replayCommand(backend: string, scenario: Scenario): string {
  return `p2psip sim run --backend ${backend} '${JSON.stringify(scenario)}'`
}

/** What the algorithms do on a virtual clock, at sizes that no machine has processes for: hops, delay, bytes. */
import { loadBackend } from "../../backends/index.ts"
import type { BackendModule } from "../servlet/backend.ts"
import { runScenario } from "../sim/run-scenario.ts"
import type { Scenario } from "../sim/scenario.ts"
import type { SimulatedRow } from "./model.ts"

/** Virtual time in which an overlay comes to rest, and in which it is looked at. */
const [warmUpMs, observedMs] = [20_000, 30_000]
const startGapMs = 200

const withoutTable = { membership: { maxMembers: 1 } }

/**
 * Overlays of so many peers: one with the options of the configuration, and so
 * with a table of all members, and one without that table, so that the
 * algorithm has to find its way. A backend that knows no such table has but
 * the second.
 */
export async function simulatePeers(backendName: string, peers: number): Promise<SimulatedRow[]> {
  const backend = await loadBackend(backendName)
  const isSettable = backend.optionsSchema.safeParse(withoutTable).success
  const rows: SimulatedRow[] = []
  for (const hasTable of isSettable ? [true, false] : [false]) rows.push(await simulateOne(backend, peers, { hasTable, isSettable }))
  return rows
}

interface Kind {
  readonly hasTable: boolean
  readonly isSettable: boolean
}

async function simulateOne(backend: BackendModule, peers: number, { hasTable, isSettable }: Kind): Promise<SimulatedRow> {
  const scenario: Scenario = {
    seed: 1,
    peers,
    latency: { kind: "plane" },
    watched: false,
    ...(backend.takesFounders === true ? { formed: true } : { startGapMs }),
    ...(hasTable || !isSettable ? {} : { backendOptions: withoutTable }),
    registrations: { phones: 500, meanIntervalMs: 60_000 },
    lookups: { perSecond: 50 },
    warmUpMs,
    faultsMs: observedMs,
    healMs: 1000,
    readers: 1,
  }
  const { phase } = await runScenario(scenario, { backend })
  if (phase?.reads === undefined) throw new Error(`${peers} simulated peers: they did not all join`)
  const { hops, reads, bytesPerPeerSecond } = phase
  return {
    side: backend.name, peers, hasTable, hops: hops.mean, medianMs: reads.latency.medianMs, p99Ms: reads.latency.p99Ms, failed: reads.failed, bytesPerPeerSecond,
  }
}

/** Calls by SIP through simulated peers: registrar, proxy, location service and overlay together. */
import { describe, expect, test } from "vitest"
import { backend } from "../../backends/chord/index.ts"
import { runScenario } from "../../src/sim/run-scenario.ts"
import type { Scenario } from "../../src/sim/scenario.ts"
import { namedScenario } from "../../src/sim/scenarios.ts"
import { sharedBackend } from "../unit/sim/shared-backend.ts"
import type { Flaw } from "../unit/sim/shared-backend.ts"

test("phones reach each other through any peer, while peers come and go and datagrams are lost and doubled", async () => {
  const { violations, calls } = await runScenario(namedScenario("calls", { seed: 1, peers: 8 }), { backend })
  expect(violations).toEqual([])
  expect(calls?.judged).toBeGreaterThan(200)
  expect(calls?.established).toBeGreaterThan(200)
  expect(calls?.failed[480]).toBeGreaterThan(10)
})

test("whatever happens to the network, a call reaches nobody but the phone that is called", async () => {
  const { violations, calls } = await runScenario({
    seed: 2,
    peers: 8,
    storage: "disk",
    registrations: { phones: 4 },
    calls: { phones: 24, perSecond: 3, meanUpMs: 20_000, lossRate: 0.1, duplicationRate: 0.1 },
    faults: [
      { atMs: 0, kind: "partition", share: 0.4, forMs: 40_000 },
      { atMs: 60_000, kind: "pause", victims: 2, forMs: 20_000 },
      { atMs: 90_000, kind: "blackout", downMs: 3000 },
    ],
  }, { backend })
  expect(violations).toEqual([])
  expect(calls?.established).toBeGreaterThan(100)
})

describe.each<[Flaw, string]>([
  ["forgets puts", "a call reaches the phone that is registered"],
  ["ignores removals", "a call does not reach a phone that has unregistered"],
])("an overlay that %s", (flaw, law) => {
  test(`breaks the law that ${law}`, async () => {
    const scenario: Scenario = { seed: 3, peers: 4, registrations: { phones: 1 }, calls: { phones: 20, perSecond: 5, meanUpMs: 10_000 }, faultsMs: 60_000 }
    const { violations } = await runScenario(scenario, { backend: sharedBackend(flaw) })
    expect(violations.map((violation) => violation.law)).toContain(law)
  })
})

import { expect, test } from "vitest"
import { loadBackend } from "../../backends/index.ts"
import type { OverlayServlet } from "../../src/overlay/index.ts"
import { idOfPeer } from "../../src/overlay/index.ts"
import { findRingDefects } from "../../src/sim/checkers/zave.ts"
import { Fleet } from "../../src/sim/fleet.ts"
import { Simulation } from "../../src/sim/index.ts"
import { runScenario } from "../../src/sim/run-scenario.ts"
import { sharedBackend } from "../unit/sim/shared-backend.ts"

async function form(count: number, backendOptions: Readonly<Record<string, unknown>> = {}): Promise<Fleet> {
  const fleet = new Fleet({ simulation: new Simulation({ seed: 5 }), backend: await loadBackend("chord") }, { backendOptions })
  await fleet.simulation.wait(fleet.form(count))
  return fleet
}

function ringOf(fleet: Fleet) {
  return fleet.serving.map(({ name, servlet }) => {
    const { predecessors, successors } = (servlet as OverlayServlet).routing?.describe().neighbours ?? {}
    const self = idOfPeer(name)
    return { id: self, predecessor: predecessors?.[0]?.id ?? self, successors: successors?.map(({ id }) => id) ?? [] }
  })
}

test.each([1, 2, 5, 60])("%i peers that start as a complete ring have nothing left to repair", async (count) => {
  const fleet = await form(count)
  expect(fleet.simulation.now).toBe(0)
  expect(findRingDefects(ringOf(fleet), 8)).toEqual([])
  await fleet.simulation.run(60_000)
  expect(findRingDefects(ringOf(fleet), 8)).toEqual([])
})

test("peers that start as a complete ring know fingers where they do not know everybody", async () => {
  const fleet = await form(200, { membership: { maxMembers: 1 } })
  for (const { servlet } of fleet.serving) {
    expect((servlet as OverlayServlet).routing?.describe().neighbours["fingers"]?.length).toBeGreaterThan(5)
  }
})

test("an overlay that started complete takes newcomers, and survives its founders' crashes", async () => {
  const report = await runScenario(
    {
      seed: 3, peers: 12, formed: true, registrations: { phones: 8, meanIntervalMs: 5000 }, lookups: { perSecond: 2 },
      faults: [{ atMs: 0, kind: "join", newcomers: 4 }, { atMs: 10_000, kind: "crash", victims: 1 }],
    },
    { backend: await loadBackend("chord") },
  )
  expect(report.violations).toEqual([])
  expect(report.peersAtEnd).toBe(15)
})

test("a backend whose peers cannot start together says so", async () => {
  const scenario = { seed: 1, peers: 3, formed: true, registrations: { phones: 1 } }
  await expect(runScenario(scenario, { backend: sharedBackend() })).rejects.toThrow(/formed: expected a backend whose peers can start together/)
})

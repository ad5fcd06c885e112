/** From a table of all members to routing in O(log N), and back, while phones register and call. */
import { expect, test } from "vitest"
import { loadBackend } from "../../backends/index.ts"
import { runScenario } from "../../src/sim/run-scenario.ts"
import { namedScenario } from "../../src/sim/scenarios.ts"

test.each(["chord", "bamboo", "kademlia"])("%s outgrows its table and shrinks again, and breaks no law", async (name) => {
  const backend = await loadBackend(name)
  const report = await runScenario(namedScenario("outgrown", { seed: 5, peers: 36 }), { backend })
  expect(report.violations).toEqual([])
  expect(report.reads?.inconsistent).toBe(0)
  expect(report.reads?.failed).toBe(0)
  expect(report.writes.acknowledged).toBeGreaterThan(200)
  // While it was large, not every operation was one hop.
  expect(report.phase?.hops?.mean).toBeGreaterThan(1.01)
})

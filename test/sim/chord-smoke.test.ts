/** A short sample of what `p2psip sim fuzz` does for hours. */
import { expect, test } from "vitest"
import { backend } from "../../backends/chord/index.ts"
import { drawScenario, tryScenario } from "../../src/sim/fuzz.ts"
import { runScenario } from "../../src/sim/run-scenario.ts"
import { namedScenario } from "../../src/sim/scenarios.ts"

test("twelve scenarios drawn from seeds break no law on Chord", async () => {
  for (let seed = 100_000; seed < 100_012; seed++) {
    const { report, error } = await tryScenario(drawScenario(seed), { backend })
    expect(error, `seed ${seed}`).toBeUndefined()
    expect(report?.violations, `seed ${seed}`).toEqual([])
  }
})

test("one change after another loses nothing, and no read is wrong", async () => {
  const report = await runScenario(namedScenario("rolling", { seed: 7, peers: 12 }), { backend })
  expect(report.violations).toEqual([])
  expect(report.reads?.inconsistent).toBe(0)
  expect(report.writes.acknowledged).toBeGreaterThan(20)
})

test("two halves that wrote apart for ten minutes agree after healing, and no removal is undone", async () => {
  const report = await runScenario(namedScenario("partition", { seed: 3, peers: 10 }), { backend })
  expect(report.violations).toEqual([])
})

test("a removal holds though all who had the value were on the other side of a partition", async () => {
  for (const seed of [1, 3, 5]) {
    const { violations } = await runScenario({
      seed, peers: 12, warmUpMs: 300_000, healMs: 60_000,
      registrations: { phones: 100, meanIntervalMs: 240_000, removals: 0.4, ttlSeconds: 3600 },
      faults: [{ atMs: 0, kind: "partition", share: 0.5, forMs: 200_000 }],
    }, { backend })
    expect(violations, `seed ${seed}`).toEqual([])
  }
})

test("the same seed gives the same events on Chord", async () => {
  const first = await runScenario(drawScenario(5), { backend })
  const second = await runScenario(drawScenario(5), { backend })
  expect(second.eventHash).toBe(first.eventHash)
  expect(second.events).toBe(first.events)
})

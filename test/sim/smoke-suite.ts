/** A short sample of what `p2psip sim fuzz` does for hours, and the laws in a few scenarios by name. */
import { describe, expect, test } from "vitest"
import { drawScenario, tryScenario } from "../../src/sim/fuzz.ts"
import { runScenario } from "../../src/sim/run-scenario.ts"
import { namedScenario } from "../../src/sim/scenarios.ts"
import type { BackendModule } from "../../src/servlet/index.ts"

/** Declares the tests. */
export function keepsTheLaws(backend: BackendModule): void {
  describe(`simulated, ${backend.name}:`, () => {
    test.each([
      ["with the table of all members", {}],
      ["without", { membership: { maxMembers: 1 } }],
    ])("scenarios drawn from seeds break no law, %s", async (_name, backendOptions) => {
      for (let seed = 100_000; seed < 100_008; seed++) {
        const { report, error } = await tryScenario({ ...drawScenario(seed), backendOptions }, { backend })
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

    test("the same seed gives the same events", async () => {
      const first = await runScenario(drawScenario(5), { backend })
      const second = await runScenario(drawScenario(5), { backend })
      expect(second.eventHash).toBe(first.eventHash)
      expect(second.events).toBe(first.events)
    })
  })
}

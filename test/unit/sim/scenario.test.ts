import { describe, expect, test } from "vitest"
import { drawScenario, isBroken, shrinkScenario, tryScenario } from "../../../src/sim/fuzz.ts"
import { runScenario } from "../../../src/sim/run-scenario.ts"
import { mayEmptyASide, mayLoseRecords } from "../../../src/sim/scenario.ts"
import type { Scenario } from "../../../src/sim/scenario.ts"
import { sharedBackend } from "./shared-backend.ts"
import type { Flaw } from "./shared-backend.ts"

const scenario: Scenario = {
  seed: 1,
  peers: 6,
  registrations: { phones: 12, meanIntervalMs: 2000, removals: 0.4, ttlSeconds: 120 },
  lookups: { perSecond: 2 },
  faults: [
    { atMs: 1000, kind: "leave", victims: 1 },
    { atMs: 2000, kind: "join", newcomers: 2 },
    { atMs: 30_000, kind: "loss", rate: 0.1, forMs: 5000 },
  ],
  healMs: 30_000,
}

test("an overlay without mistakes breaks no law, whatever happens to its peers", async () => {
  const report = await runScenario(scenario, { backend: sharedBackend() })
  expect(report.violations).toEqual([])
  expect(report.reads?.inconsistent).toBe(0)
  expect(report.writes.acknowledged).toBeGreaterThan(100)
  expect(report.peersAtEnd).toBe(7)
})

describe.each<[Flaw, string]>([
  ["forgets puts", "no acknowledged record is lost"],
  ["ignores removals", "no reader sees what is not so"],
  ["disagrees about owners", "all peers agree on the owner of a key"],
  ["does not answer", "every read is answered"],
])("an overlay that %s", (flaw, law) => {
  test(`breaks the law that ${law}`, async () => {
    const report = await runScenario(scenario, { backend: sharedBackend(flaw) })
    expect(report.violations.map((violation) => violation.law)).toContain(law)
  })
})

test("the same scenario gives the same report", async () => {
  const drawn = drawScenario(42)
  const first = await runScenario(drawn, { backend: sharedBackend() })
  expect(await runScenario(drawn, { backend: sharedBackend() })).toEqual(first)
})

test("a broken scenario shrinks to a small one that is broken too", async () => {
  const components = {
    get backend() {
      return sharedBackend("forgets puts")
    },
  }
  const small = await shrinkScenario(drawScenario(3), components, 60)
  expect(isBroken(await tryScenario(small, components))).toBe(true)
  expect(small.faults).toEqual([])
  expect(small.registrations.phones).toBeLessThan(drawScenario(3).registrations.phones)
  expect(small.peers).toBeLessThan(3)
})

test("two crashes within one repair interval, or one while peers are cut off, are beyond the promise", () => {
  const base = { ...scenario, repairIntervalMs: 10_000 }
  const crash = (atMs: number) => ({ atMs, kind: "crash", victims: 1 }) as const
  expect(mayLoseRecords({ ...base, faults: [crash(0), crash(20_000)] })).toBe(false)
  expect(mayLoseRecords({ ...base, faults: [crash(0), crash(9000)] })).toBe(true)
  expect(mayLoseRecords({ ...base, faults: [{ atMs: 0, kind: "crash", victims: 2 }] })).toBe(true)
  const cut = { atMs: 5000, kind: "partition", share: 0.5, forMs: 1000 } as const
  expect(mayLoseRecords({ ...base, faults: [cut, crash(12_000)] })).toBe(true)
  expect(mayLoseRecords({ ...base, faults: [cut, crash(30_000)] })).toBe(false)
})

test("who leaves while cut off may have nobody to hand over to, unless others stay on the same side", () => {
  const cut = { atMs: 5000, kind: "partition", share: 0.5, forMs: 60_000 } as const
  const leave = (atMs: number, victims: number) => ({ atMs, kind: "leave", victims }) as const
  expect(mayEmptyASide({ ...scenario, peers: 8, faults: [cut, leave(9000, 4)] })).toBe(true)
  expect(mayEmptyASide({ ...scenario, peers: 8, faults: [cut, leave(9000, 3)] })).toBe(false)
  expect(mayEmptyASide({ ...scenario, peers: 8, faults: [leave(4900, 4), cut] })).toBe(true)
  expect(mayEmptyASide({ ...scenario, peers: 8, faults: [cut, leave(70_000, 7)] })).toBe(false)
  const churn = (medianSessionMs: number) => ({ medianSessionMs })
  expect(mayEmptyASide({ ...scenario, peers: 8, churn: churn(60_000), faults: [cut] })).toBe(true)
  expect(mayEmptyASide({ ...scenario, peers: 8, churn: churn(3_600_000), faults: [cut] })).toBe(false)
  const pause = { atMs: 5000, kind: "pause", victims: 1, forMs: 60_000 } as const
  expect(mayEmptyASide({ ...scenario, peers: 3, faults: [pause, leave(9000, 2)] })).toBe(true)
  expect(mayEmptyASide({ ...scenario, peers: 3, faults: [pause, leave(9000, 1)] })).toBe(false)
})

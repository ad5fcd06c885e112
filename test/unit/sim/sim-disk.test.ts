import fc from "fast-check"
import { expect, test } from "vitest"
import { backend } from "../../../backends/chord/index.ts"
import { DurableStore } from "../../../src/overlay/durable-store.ts"
import type { Batch, Journal } from "../../../src/runtime/journal.ts"
import { runScenario } from "../../../src/sim/run-scenario.ts"
import type { Scenario } from "../../../src/sim/scenario.ts"
import { mayLoseRecords, mayReadStale } from "../../../src/sim/scenario.ts"
import { SimDisk } from "../../../src/sim/sim-disk.ts"
import { storeContract } from "../overlay/store-contract.ts"

let now = 0
const stalls: number[] = []
const user = () => ({ now: () => now, stall: (durationMs: number) => void stalls.push(durationMs) })
const batch = (text: string, forgottenAt = 0): Omit<Batch, "id"> => ({ forgottenAt, records: 1, body: Buffer.from(text) })
const texts = (journal: Journal): string[] => [...journal.oldest()].map(({ body }) => Buffer.from(body).toString())

storeContract("DurableStore on a simulated disk", (runtime, options) => new DurableStore({ runtime, journal: new SimDisk().open(user()) }, options))

test("the next process finds what was committed, and the last one writes no more", () => {
  const disk = new SimDisk()
  const first = disk.open(user())
  expect(first.commit([], [batch("a", 5), batch("b", 3)])).toEqual([1, 2])
  const second = disk.open(user())
  expect(texts(second)).toEqual(["a", "b"])
  expect([...second.past(5)].map(({ id }) => id)).toEqual([2])
  expect(() => first.commit([], [batch("c")])).toThrow(expect.objectContaining({ code: "P2PSIP_STORAGE" }))
  second.commit([...second.past(5)], [batch("d")])
  expect(texts(second)).toEqual(["a", "d"])
  expect(second.records).toBe(2)
})

test("a full disk refuses a commit as a whole, a slow one holds its process up", () => {
  const disk = new SimDisk()
  const journal = disk.open(user())
  journal.commit([], [batch("a")])
  disk.isFull = true
  expect(() => journal.commit([...journal.oldest()], [batch("b")])).toThrow(/no space is left/)
  expect(texts(journal)).toEqual(["a"])
  disk.isFull = false
  disk.commitMs = 250
  stalls.length = 0
  journal.commit([], [batch("b")])
  expect(stalls).toEqual([250])
})

test.each([["begin", ["a"]], ["end", ["a", "b"]]] as const)("a process that dies at the %s of a commit leaves all of it, or nothing", (at, left) => {
  const disk = new SimDisk()
  const journal = disk.open(user())
  journal.commit([], [batch("a")])
  let dead = 0
  disk.trap = { at, spring: () => ++dead > 0 }
  try {
    journal.commit([], [batch("b")])
  } catch (error) {
    expect(at).toBe("begin")
    expect(error).toMatchObject({ code: "P2PSIP_STORAGE" })
  }
  expect(dead).toBe(1)
  expect(texts(disk.open(user()))).toEqual(left)
})

test("a loss of power takes whole commits, and only those of the last five seconds", () => {
  const step = fc.record({ waitMs: fc.integer({ min: 0, max: 3000 }), added: fc.integer({ min: 0, max: 3 }), removed: fc.integer({ min: 0, max: 3 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const disk = new SimDisk()
      const journal = disk.open(user())
      const history: { readonly at: number; readonly texts: string[] }[] = [{ at: -Infinity, texts: [] }]
      let count = 0
      for (const { waitMs, added, removed } of steps) {
        now += waitMs
        const old = [...journal.oldest()].slice(0, removed)
        journal.commit(old, Array.from({ length: added }, () => batch(`${count++}`)))
        history.push({ at: now, texts: texts(journal) })
      }
      disk.losePower(now)
      const safe = history.filter(({ at }) => at <= now - 5000).at(-1)
      expect(texts(disk.open(user()))).toEqual(safe?.texts)
      expect(disk.records).toBe(safe?.texts.length)
    }),
  )
})

const blackout: Scenario = {
  seed: 4, peers: 8, startGapMs: 100, storage: "disk", healMs: 60_000,
  registrations: { phones: 20, meanIntervalMs: 200_000, ttlSeconds: 3600 },
  warmUpMs: 200_000,
  faults: [{ atMs: 1000, kind: "blackout", downMs: 5000 }],
}

test("when all peers die at once, their disks bring everything back; without disks it is gone, and that is seen", async () => {
  expect(mayLoseRecords(blackout)).toBe(false)
  expect(mayReadStale(blackout)).toBe(true)
  const report = await runScenario(blackout, { backend })
  expect(report.violations).toEqual([])
  expect(report.records?.live).toBeGreaterThan(10)
  const inMemory = { ...blackout, storage: "memory" } as const
  expect(mayLoseRecords(inMemory)).toBe(true)
  expect((await runScenario(inMemory, { backend })).records?.lost).toBeGreaterThan(5)
})

test("peers with full disks refuse changes and go on answering reads; slow ones, and processes that die while they write, lose nothing", async () => {
  const { writes, reads, violations } = await runScenario({
    ...blackout,
    registrations: { phones: 20, meanIntervalMs: 2000 },
    lookups: { perSecond: 5 },
    warmUpMs: 20_000,
    faults: [
      { atMs: 0, kind: "disk-full", victims: 4, forMs: 20_000 },
      { atMs: 30_000, kind: "slow-disk", victims: 2, byMs: 300, forMs: 10_000 },
      { atMs: 60_000, kind: "crash-in-commit", victims: 3, downMs: 3000, forMs: 20_000 },
    ],
  }, { backend })
  expect(violations).toEqual([])
  expect(writes.byCode["P2PSIP_STORAGE"]).toBeGreaterThan(10)
  expect(reads?.byCode["P2PSIP_STORAGE"]).toBeUndefined()
})

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { fingerprintOf } from "../../../src/overlay/fingerprint.ts"
import type { Id } from "../../../src/overlay/id.ts"
import { bucketOf, contains, wholeRing } from "../../../src/overlay/key-range.ts"
import type { StoreOptions } from "../../../src/overlay/memory-store.ts"
import { graceMs, merge } from "../../../src/overlay/record.ts"
import type { StoredRecord } from "../../../src/overlay/record.ts"
import type { RecordStore } from "../../../src/overlay/store.ts"
import { floorHash, liveRecords } from "../../../src/overlay/view.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { id as earlyId, record } from "./arbitraries.ts"

/** Some differ in their first digits, some in their last alone. */
const id = fc.oneof(earlyId, earlyId.map((digits) => digits.slice(4) + digits.slice(0, 4)))
const entries = fc.array(fc.tuple(id, record()), { maxLength: 30 })
export const simple: StoredRecord = { valueHash: "h", value: "v", order: 1, operationId: "12345678", series: "", number: 0, liveUntil: 1000, keptUntil: 1000 }
export const key = (digits: string): Id => digits.padEnd(40, "0")

/** What every store keeps to. */
export function storeContract(name: string, open: (runtime: ManualRuntime, options: StoreOptions) => RecordStore): void {
  function storeOf(
    entries: readonly (readonly [Id, StoredRecord])[] = [], options: StoreOptions = {},
  ): { store: RecordStore; runtime: ManualRuntime } {
    const runtime = new ManualRuntime()
    const store = open(runtime, options)
    for (const [key, one] of entries) store.put(key, one)
    return { store, runtime }
  }

  describe(name, () => {
    it("holds what merging everything in any order gives", () => {
      fc.assert(fc.property(entries, (list) => {
        const { store } = storeOf(list)
        const model = new Map<string, StoredRecord>()
        for (const [at, one] of list) {
          const name = at + one.valueHash
          const old = model.get(name)
          model.set(name, old === undefined ? one : merge(old, one))
        }
        for (const [at] of list) {
          for (const one of store.get(at)) expect(one).toMatchObject(model.get(at + one.valueHash) ?? {})
        }
        const { values, tombstones } = store.counts()
        expect(values).toBe([...model.values()].filter((one) => one.value !== undefined).length)
        expect(values + tombstones).toBe(model.size)
      }))
    })

    it("walks any range clockwise, page by page", () => {
      fc.assert(fc.property(entries, id, id, fc.integer({ min: 1, max: 4 }), (list, from, to, page) => {
        const { store } = storeOf(list)
        const range = { from, to }
        const found: Id[] = []
        for (let after: Id | undefined; ;) {
          const keys = store.keys(range, page, after)
          found.push(...keys)
          if (keys.length < page) break
          after = keys.at(-1)
        }
        const inside = [...new Set(list.map(([at]) => at))].filter((at) => contains(range, at)).sort()
        expect(found).toEqual([...inside.filter((at) => at > from), ...inside.filter((at) => at <= from)])
      }), { numRuns: 1_000 })
    })

    it("gives digests equal to those of its keys, one by one", () => {
      fc.assert(fc.property(entries, id, id, (list, from, to) => {
        const { store } = storeOf(list)
        const range = { from, to }
        const expected = new Map<number, { bucket: number; high: number; low: number }>()
        for (const at of store.keys(range, 1000)) {
          const bucket = bucketOf(at)
          const sum = expected.get(bucket) ?? { bucket, high: 0, low: 0 }
          const own = fingerprintOf(at, store.get(at))
          expected.set(bucket, { bucket, high: (sum.high ^ own.high) >>> 0, low: (sum.low ^ own.low) >>> 0 })
        }
        expect(store.digest(range)).toEqual([...expected.values()].sort((a, b) => a.bucket - b.bucket))
      }))
    })

    it("forgets a record some while after its time, whatever else its key has", () => {
      const { store, runtime } = storeOf([[key("1"), simple], [key("1"), { ...simple, valueHash: "i", liveUntil: 100_000, keptUntil: 100_000 }]])
      runtime.advance(1000 + graceMs - 1)
      expect(store.get(key("1"))).toHaveLength(2)
      runtime.advance(10_000)
      expect(store.get(key("1"))).toHaveLength(1)
      runtime.advance(100_000)
      expect(store.counts()).toEqual({ keys: 0, values: 0, tombstones: 0 })
    })

    it("forgets a record that was renewed only after its new time", () => {
      const { store, runtime } = storeOf([[key("1"), simple]])
      store.put(key("1"), { ...simple, order: 2, liveUntil: 50_000, keptUntil: 50_000 })
      runtime.advance(45_000 + graceMs)
      expect(store.get(key("1"))).toHaveLength(1)
      runtime.advance(10_000)
      expect(store.get(key("1"))).toHaveLength(0)
    })

    it.each([
      ["maxRecords", { maxRecords: 1 }],
      ["maxBytes", { maxBytes: 200 }],
      ["maxRecordsPerKey", { maxRecordsPerKey: 1 }],
      ["maxBytesPerKey", { maxBytesPerKey: 3 }],
    ] as const)("refuses what is beyond %s and stays as it was", (name, options) => {
      const { store } = storeOf([[key("1"), simple]], options)
      const before = store.digest(wholeRing)
      expect(() => store.put(key("1"), { ...simple, valueHash: "other" })).toThrow(name)
      expect(store.digest(wholeRing)).toEqual(before)
      expect(store.put(key("1"), { ...simple, order: 2 }).order).toBe(2)
    })

    it("takes the floor of a key that it has, full or not, and no other when it is full", () => {
      const floor = { ...simple, valueHash: floorHash, value: undefined, order: 2 }
      const { store } = storeOf([[key("1"), simple]], { maxRecords: 1, maxBytes: 200, maxRecordsPerKey: 1, maxBytesPerKey: 3 })
      store.requireRoom(key("1"), [floor])
      store.put(key("1"), floor)
      expect(liveRecords(store.get(key("1")), 0)).toEqual([])
      expect(store.counts()).toEqual({ keys: 1, values: 1, tombstones: 1 })
      expect(() => store.put(key("2"), floor)).toThrow("maxRecords")
    })

    it("has no timers left once closed", () => {
      const { store, runtime } = storeOf([[key("1"), simple]])
      store.close()
      runtime.runDeferred()
      expect(runtime.timersPending).toBe(0)
      expect(store.counts().keys).toBe(0)
    })

    it("keeps values of any size, and each as it was when others grow and shrink around it", () => {
      const value = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom("", "ÿ", "x\x00y".repeat(100), "z".repeat(70_000), "y".repeat(30_000)))
      fc.assert(fc.property(fc.array(value, { maxLength: 40 }), (list) => {
        const { store } = storeOf()
        const model = new Map<Id, string>()
        list.forEach(([number, text], order) => {
          store.put(key(`${number}`), { ...simple, value: text, order })
          model.set(key(`${number}`), text)
        })
        for (const [at, text] of model) expect(store.get(at).map((one) => one.value)).toEqual([text])
      }))
    })

    it("drops a key without a trace", () => {
      const { store } = storeOf([[key("1"), simple]])
      store.drop(key("1"))
      expect(store.digest(wholeRing)).toEqual([])
      expect(store.counts().keys).toBe(0)
    })
  })
}

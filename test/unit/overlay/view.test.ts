/** A removal of everything holds for what it did not know, in whatever order a peer hears of both. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ByteReader, ByteWriter } from "../../../src/codec.ts"
import { merge } from "../../../src/overlay/record.ts"
import type { StoredRecord } from "../../../src/overlay/record.ts"
import { readRecord, writeRecord } from "../../../src/overlay/record-codec.ts"
import type { UpdateOutcome } from "../../../src/overlay/update.ts"
import { applyUpdate } from "../../../src/overlay/update.ts"
import { floorHash, isFloor, liveRecords, liveValues, viewOf } from "../../../src/overlay/view.ts"
import type { NormalMutation } from "../../../src/servlet/index.ts"
import { unseenRemovalSeconds } from "../../../src/servlet/index.ts"
import { record } from "./arbitraries.ts"

type Records = readonly StoredRecord[]

/** What a store makes of records that arrive one after another. */
const met = (arrivals: Records, first: Records = []): Records => {
  const stored = new Map(first.map((one) => [one.valueHash, one]))
  for (const one of arrivals) {
    const old = stored.get(one.valueHash)
    stored.set(one.valueHash, old === undefined ? one : merge(old, one))
  }
  return [...stored.values()].sort((a, b) => (a.valueHash < b.valueHash ? -1 : 1))
}

const arrivals = fc.array(record(), { maxLength: 8 })
const removal: NormalMutation = { kind: "removeAll", sequence: undefined }
const put = (valueHash: string, more: { ttlSeconds?: number; number?: number } = {}): NormalMutation => ({
  kind: "put", value: Buffer.from("v"), valueHash: Buffer.from(valueHash), ttlSeconds: more.ttlSeconds ?? 600,
  sequence: more.number === undefined ? undefined : { series: Buffer.from("s"), number: more.number },
})

/** One key at one side of a cut; the orders of both sides follow the order of time. */
class Side {
  static order = 0
  records: Records = []

  update(mutations: readonly NormalMutation[], { operationId = `op${Side.order}`.padEnd(8), now = 0 } = {}): UpdateOutcome {
    const outcome = applyUpdate(this.records, { mutations, preconditions: [], operationId }, { now, maxValuesPerKey: 64, tick: () => ++Side.order })
    if (outcome.kind === "applied") this.records = met(outcome.changed, this.records)
    return outcome
  }

  hear(other: Side): void {
    this.records = met(other.records, this.records)
  }

  hashes(now = 0): string[] {
    return liveRecords(this.records, now).map(({ valueHash }) => valueHash).sort()
  }
}

describe("the records of a key, floors among them,", () => {
  it("merge in any order, in any grouping, any number of times, to the same", () => {
    fc.assert(fc.property(arrivals, arrivals, arrivals, (a, b, c) => {
      const [one, two, three] = [met(a), met(b), met(c)]
      expect(met(one, two)).toEqual(met(two, one))
      expect(met(met(one, two), three)).toEqual(met(one, met(two, three)))
      expect(met(one, one)).toEqual(one)
    }), { numRuns: 1_000 })
  })

  it("show nothing that is below the floor, and all the rest as it is, whatever came first", () => {
    fc.assert(fc.property(arrivals, fc.nat(6_000), (list, now) => {
      const stored = met(list)
      const floor = stored.find(isFloor)
      const view = viewOf(stored)
      expect(viewOf(met([...list].reverse()))).toEqual(view)
      expect(view.some(isFloor)).toBe(false)
      expect(view.map(({ valueHash }) => valueHash)).toEqual(stored.map(({ valueHash }) => valueHash).filter((hash) => hash !== floorHash))
      for (const one of view) {
        const original = stored.find(({ valueHash }) => valueHash === one.valueHash)
        const isAbove = floor === undefined || original === undefined || original.order > floor.order
          || (original.order === floor.order && original.operationId >= floor.operationId)
        if (isAbove || original.value === undefined) expect(one).toBe(original)
        else expect(one).toEqual({ ...floor, valueHash: one.valueHash, keptUntil: original.keptUntil })
      }
      expect(liveValues(stored, now)).toHaveLength(liveRecords(stored, now).length)
    }), { numRuns: 1_000 })
  })

  it("are read as they are where there is no floor", () => {
    const stored = met([{ valueHash: "a", value: "v", order: 1, operationId: "12345678", series: "", number: 0, liveUntil: 9, keptUntil: 9 }])
    expect(viewOf(stored)).toBe(stored)
  })
})

describe("a removal of everything", () => {
  const step = fc.record({
    side: fc.nat(1),
    mutations: fc.array(fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("a", "b", "c").map((hash) => put(hash)) },
      { weight: 1, arbitrary: fc.constantFrom("a", "b", "c").map((hash): NormalMutation => ({ kind: "remove", valueHash: Buffer.from(hash), sequence: undefined })) },
      { weight: 2, arbitrary: fc.constant(removal) },
    ), { minLength: 1, maxLength: 3 }),
    /** The sides hear of each other before. */
    meet: fc.boolean(),
  })

  it("in one of two halves, between any other changes in both, leaves what it would have left in one", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (history) => {
      const [left, right, whole] = [new Side(), new Side(), new Side()]
      for (const { side, mutations, meet } of history) {
        if (meet) left.hear(right)
        ;(side === 0 ? left : right).update(mutations)
        whole.update(mutations)
      }
      left.hear(right)
      right.hear(left)
      expect(left.hashes()).toEqual(whole.hashes())
      expect(right.hashes()).toEqual(whole.hashes())
    }), { numRuns: 1_000 })
  })

  it("is made once, also where nothing but itself tells of it", () => {
    const side = new Side()
    expect(side.update([removal], { operationId: "removal!" }).kind).toBe("applied")
    side.update([put("a")])
    expect(side.update([removal], { operationId: "removal!" }).kind).toBe("repeated")
    expect(side.hashes()).toEqual(["a"])
  })

  it("holds for as long as any value that was there may live, and then costs nothing", () => {
    const [left, right] = [new Side(), new Side()]
    right.update([put("a", { ttlSeconds: unseenRemovalSeconds })])
    left.update([removal])
    left.hear(right)
    expect(left.hashes(unseenRemovalSeconds * 1000 - 1)).toEqual([])
    expect(left.records.find(isFloor)?.keptUntil).toBe(unseenRemovalSeconds * 1000)
  })

  it("counts neither what it removed nor itself as values, and what it removed as older than its own sequence", () => {
    const [left, right] = [new Side(), new Side()]
    right.update([put("a", { number: 3 }), put("b")])
    left.update([{ ...removal, sequence: { series: Buffer.from("s"), number: 5 } }])
    left.hear(right)
    expect(left.update([put("a", { number: 4 })])).toMatchObject({ kind: "rejected", code: "P2PSIP_OUT_OF_ORDER" })
    const update = { mutations: [put("a", { number: 6 })], preconditions: [{ kind: "empty" as const }, { kind: "atMost" as const, values: 1 }], operationId: "12345678" }
    const outcome = applyUpdate(left.records, update, { now: 0, maxValuesPerKey: 64, tick: () => ++Side.order })
    expect(outcome).toMatchObject({ kind: "applied", changed: [{ valueHash: "a" }] })
  })

  it("does not let through what it has overtaken, whatever was there", () => {
    const side = new Side()
    side.update([{ ...removal, sequence: { series: Buffer.from("s"), number: 5 } }])
    expect(side.update([put("a", { number: 4 })])).toMatchObject({ kind: "rejected", code: "P2PSIP_OUT_OF_ORDER" })
    expect(side.update([{ ...removal, sequence: { series: Buffer.from("s"), number: 5 } }])).toMatchObject({ kind: "rejected" })
    expect(side.update([put("a", { number: 6 })]).kind).toBe("applied")
  })

  it("can be made of a key that has as many records as it may", () => {
    const full = Array.from({ length: 8 }, (_, at): StoredRecord => ({
      valueHash: `${at}`, value: undefined, order: 0, operationId: "earlier!", series: "", number: 0, liveUntil: 0, keptUntil: 9,
    }))
    const outcome = applyUpdate(full, { mutations: [removal], preconditions: [], operationId: "12345678" }, { now: 0, maxValuesPerKey: 1, tick: () => 1 })
    expect(outcome.kind).toBe("applied")
  })
})

describe("a floor on the wire", () => {
  const floor: StoredRecord = { valueHash: floorHash, value: undefined, order: 7, operationId: "12345678", series: "s", number: 1, liveUntil: 0, keptUntil: 5_000 }
  const sent = (one: StoredRecord): StoredRecord => {
    const writer = new ByteWriter()
    writeRecord(writer, one, 0)
    return readRecord(new ByteReader(writer.finish()), 0)
  }

  it("arrives as it was sent, but is kept for no longer than one that is made now", () => {
    expect(sent(floor)).toEqual(floor)
    expect(sent({ ...floor, keptUntil: 1e12 }).keptUntil).toBe(unseenRemovalSeconds * 1000)
  })

  it("has no value", () => {
    expect(() => sent({ ...floor, value: "v", liveUntil: 5_000 })).toThrow("valueHash of a value")
  })
})

it("live values are shown with whole seconds, rounded up", () => {
  const base = { valueHash: "h", value: "v", order: 1, operationId: "12345678", series: "", number: 0 }
  const records = [{ ...base, liveUntil: 1_001, keptUntil: 1_001 }, { ...base, liveUntil: 0, keptUntil: 9 }]
  expect(liveValues(records, 0)).toEqual([{ valueHash: Buffer.from("h"), value: Buffer.from("v"), ttlSeconds: 2 }])
})

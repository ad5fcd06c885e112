import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ByteReader, ByteWriter } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { compareRecords, isLive, merge } from "../../../src/overlay/record.ts"
import type { StoredRecord } from "../../../src/overlay/record.ts"
import { readRecord, writeRecord } from "../../../src/overlay/record-codec.ts"
import { record } from "./arbitraries.ts"

const one = record(fc.constant("a"))

describe("merge", () => {
  it("is commutative, associative and idempotent", () => {
    fc.assert(fc.property(one, one, one, (a, b, c) => {
      expect(merge(a, b)).toEqual(merge(b, a))
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)))
      expect(merge(a, a)).toEqual(a)
      expect(merge(merge(a, b), b)).toEqual(merge(a, b))
    }), { numRuns: 2_000 })
  })

  it("never shortens how long a record is remembered", () => {
    fc.assert(fc.property(one, one, (a, b) => {
      expect(merge(a, b).keptUntil).toBe(Math.max(a.keptUntil, b.keptUntil))
    }))
  })

  it("never lets an older value live, however copies meet and expire", () => {
    // Copies are merged pairwise in any order; each is dropped once nobody needs to remember it.
    fc.assert(fc.property(fc.array(one, { minLength: 2, maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 8 }), fc.nat(6_000), (records, order, now) => {
      const newest = records.reduce((a, b) => (compareRecords(a, b) >= 0 ? a : b))
      const last = records.reduce((most, other) => Math.max(most, other.keptUntil), 0)
      const copies: (StoredRecord | undefined)[] = records.map((other) => merge(other, { ...newest, keptUntil: last }))
      const kept = copies.map((copy) => (copy !== undefined && copy.keptUntil > now ? copy : undefined))
      let seen: StoredRecord | undefined
      for (const index of order) {
        const copy = kept[index % kept.length]
        if (copy !== undefined) seen = seen === undefined ? copy : merge(seen, copy)
      }
      if (seen !== undefined) expect(seen.order).toBe(newest.order)
    }))
  })
})

describe("a record on the wire", () => {
  it("arrives as it was sent, its times counted from the moment of arrival", () => {
    fc.assert(fc.property(record(), fc.nat(10_000), (sent, later) => {
      const writer = new ByteWriter()
      writeRecord(writer, sent, 0)
      const received = readRecord(new ByteReader(writer.finish()), later)
      expect(compareRecords(sent, received)).toBe(0)
      expect(received.keptUntil).toBe(sent.keptUntil + later)
      if (sent.value !== undefined) expect(received.liveUntil).toBe(sent.liveUntil + later)
      expect(isLive(received, later)).toBe(isLive(sent, 0))
    }))
  })

  it("is refused, without a crash, when it is anything else", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        const read = readRecord(new ByteReader(bytes), 0)
        expect(read.liveUntil <= 0 || read.liveUntil <= read.keptUntil).toBe(true)
      } catch (error) {
        expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
      }
    }), { numRuns: 2_000 })
  })

  it("is refused when it would live for longer than a value can", () => {
    const writer = new ByteWriter().uint8(1).binary("a").uint53(1).fixedBinary("12345678").varint(2 ** 52)
    expect(() => readRecord(new ByteReader(writer.finish()), 0)).toThrow("to live")
  })
})

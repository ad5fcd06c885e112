import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bucketOf, contains, containsAny, intersect, subtract } from "../../../src/overlay/key-range.ts"
import { id } from "./arbitraries.ts"

const range = fc.record({ from: id, to: id })
const ranges = fc.array(range, { maxLength: 3 })

describe("sets of arcs", () => {
  it("subtracting leaves exactly what is in the first and not in the second", () => {
    fc.assert(fc.property(ranges, ranges, id, (a, b, key) => {
      expect(containsAny(subtract(a, b), key)).toBe(containsAny(a, key) && !containsAny(b, key))
    }), { numRuns: 5_000 })
  })

  it("intersecting leaves exactly what is in both", () => {
    fc.assert(fc.property(ranges, ranges, id, (a, b, key) => {
      expect(containsAny(intersect(a, b), key)).toBe(containsAny(a, key) && containsAny(b, key))
    }), { numRuns: 5_000 })
  })

  it("nothing is left of an arc without itself", () => {
    fc.assert(fc.property(range, (one) => {
      expect(subtract([one], [one])).toEqual([])
    }))
  })

  it("an arc from a key to itself is the whole ring", () => {
    fc.assert(fc.property(id, id, (from, key) => {
      expect(contains({ from, to: from }, key)).toBe(true)
    }))
  })
})

it("a bucket is the number in the first three digits", () => {
  expect(bucketOf(`abc${"0".repeat(37)}`)).toBe(0xabc)
  expect(bucketOf(`09f${"0".repeat(37)}`)).toBe(0x09f)
})

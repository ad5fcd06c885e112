import fc from "fast-check"
import { expect, test } from "vitest"
import { changeOf, quantile, quantilesOf, spreadOf } from "../../../src/bench/statistics.ts"

const times = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
const part = fc.double({ min: 0, max: 1, noNaN: true })

test("a quantile is one of the values, and so large a part of them do not exceed it", () => {
  fc.assert(
    fc.property(times, part, (values, share) => {
      const found = quantile([...values].sort((a, b) => a - b), share)
      expect(values).toContain(found)
      expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(share * values.length)
      expect(values.filter((value) => value < found).length).toBeLessThanOrEqual(share * values.length)
    }),
  )
})

test("quantiles rise with their parts, from the least to the most, whatever the order of the values", () => {
  fc.assert(
    fc.property(times, fc.array(part), (values, parts) => {
      const found = quantilesOf(values, [0, ...parts.sort((a, b) => a - b), 1])
      expect(found).toEqual([...found].sort((a, b) => a - b))
      expect(found[0]).toBe(Math.min(...values))
      expect(found.at(-1)).toBe(Math.max(...values))
      expect(quantilesOf(values.toReversed(), [0.5])).toEqual(quantilesOf(values, [0.5]))
    }),
  )
  expect(quantilesOf([], [0.5])).toEqual([])
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2)
})

test("a median has as many values on either side, and lies between the extremes", () => {
  fc.assert(
    fc.property(times, (values) => {
      const spread = spreadOf(values)
      if (spread === undefined) throw new Error("there were values")
      const { median, least, most, count } = spread
      expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(count / 2)
      expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(count / 2)
      expect([least, most, count]).toEqual([Math.min(...values), Math.max(...values), values.length])
    }),
  )
  expect(spreadOf([4, 1, 3, 2])?.median).toBe(2.5)
  expect(spreadOf([])).toBeUndefined()
  expect(spreadOf([NaN, 2])).toEqual({ median: 2, least: 2, most: 2, count: 1 })
})

test("nothing differs from itself, and a change and its reverse undo each other", () => {
  fc.assert(
    fc.property(times, times, (before, after) => {
      const [earlier, later] = [spreadOf(before), spreadOf(after)]
      if (earlier === undefined || later === undefined) throw new Error("there were values")
      expect(changeOf(earlier, earlier)).toMatchObject({ ratio: 1, isClear: false })
      const [there, back] = [changeOf(earlier, later), changeOf(later, earlier)]
      expect((there?.ratio ?? 0) * (back?.ratio ?? 0)).toBeCloseTo(1, 9)
      expect(there?.isClear).toBe(back?.isClear)
    }),
  )
})

test("a change is clear only between runs that lie apart, and never from a single one", () => {
  const of = (...values: number[]) => spreadOf(values) ?? { median: 0, least: 0, most: 0, count: 0 }
  expect(changeOf(of(10, 11, 12), of(13, 14, 15))).toEqual({ ratio: 14 / 11, noise: 2 / 11, isClear: true })
  expect(changeOf(of(10, 11, 13), of(12, 14, 15))?.isClear).toBe(false)
  expect(changeOf(of(10), of(20))?.isClear).toBe(false)
  expect(changeOf(of(0, 0), of(1, 1))).toBeUndefined()
})

import fc from "fast-check"
import { expect, test } from "vitest"
import type { Coordinate } from "../../../backends/bamboo/vivaldi.ts"
import { foretoldMs, moved, origin } from "../../../backends/bamboo/vivaldi.ts"
import { SimRandom } from "../../../src/sim/sim-random.ts"

test("coordinates come to foretell the round-trip times between points on a plane", () => {
  const random = new SimRandom(1, "vivaldi")
  const points = Array.from({ length: 30 }, () => ({ x: random.between(0, 150), y: random.between(0, 150) }))
  const rttMs = (a: number, b: number): number => Math.hypot((points[a]?.x ?? 0) - (points[b]?.x ?? 0), (points[a]?.y ?? 0) - (points[b]?.y ?? 0)) + 10
  const coordinates: Coordinate[] = points.map(() => origin)
  for (let round = 0; round < 6_000; round++) {
    const a = random.below(30)
    const b = (a + 1 + random.below(29)) % 30
    coordinates[a] = moved(coordinates[a] ?? origin, coordinates[b] ?? origin, rttMs(a, b), random.float())
  }
  const errors = points.flatMap((_, a) => points.map((_point, b) => Math.abs(foretoldMs(coordinates[a] ?? origin, coordinates[b] ?? origin) - rttMs(a, b)) / rttMs(a, b)).filter((_error, b) => a !== b))
  expect(errors.sort((a, b) => a - b)[errors.length >> 1]).toBeLessThan(0.15)
})

test("no measurement, and no coordinate that somebody tells, drives one out of bounds", () => {
  const coordinate = fc.record({
    x: fc.double({ min: -8_192, max: 8_192, noNaN: true }), y: fc.double({ min: -8_192, max: 8_192, noNaN: true }),
    height: fc.double({ min: 0, max: 8_192, noNaN: true }), error: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  fc.assert(
    fc.property(coordinate, coordinate, fc.double(), fc.double({ min: 0, max: 0.999, noNaN: true }), (own, other, rttMs, angle) => {
      const { x, y, height, error } = moved(own, other, rttMs, angle)
      for (const value of [x, y]) expect(Math.abs(value)).toBeLessThanOrEqual(8_192)
      expect(height).toBeGreaterThanOrEqual(0)
      expect(height).toBeLessThanOrEqual(8_192)
      expect(error).toBeGreaterThanOrEqual(0)
      expect(error).toBeLessThanOrEqual(1)
    }),
  )
})

test("a round trip shorter than any clock can tell leaves a coordinate that is one", () => {
  const sure = { ...origin, error: 0 }
  expect(moved(sure, { ...sure, height: 1e-15 }, 5e-324, 0).error).toBe(0.01)
})

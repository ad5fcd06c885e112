import fc from "fast-check"
import { expect, test } from "vitest"
import { euclideanLatency, matrixLatency, parseLatencyMatrix, readLatencyMatrix } from "../../../src/sim/latency.ts"
import { SimRandom } from "../../../src/sim/sim-random.ts"
import { zipfRank } from "../../../src/sim/workloads/lookups.ts"

test("distances on the plane are symmetric, and going round is never shorter than both heights less", () => {
  const model = euclideanLatency({ sideMs: 100, meanHeightMs: 5 })
  const random = new SimRandom(1)
  for (let host = 0; host < 20; host++) model.addHost(random)
  const host = fc.nat(19)
  fc.assert(
    fc.property(host, host, host, (a, b, c) => {
      expect(model.oneWayMs(a, b)).toBeCloseTo(model.oneWayMs(b, a), 9)
      expect(model.oneWayMs(a, c)).toBeLessThanOrEqual(model.oneWayMs(a, b) + model.oneWayMs(b, c) + 1e-9)
    }),
  )
})

test("a matrix of round trips gives half of them one way", () => {
  const model = matrixLatency(parseLatencyMatrix("0 10\n30 0\n", "text"))
  const random = new SimRandom(1)
  for (let host = 0; host < 20; host++) model.addHost(random)
  const seen = new Set<number>()
  for (let from = 0; from < 20; from++) for (let to = 0; to < 20; to++) seen.add(Math.round(model.oneWayMs(from, to) * 10) / 10)
  expect([...seen].sort((a, b) => a - b)).toEqual([0.1, 5, 15])
})

test.each([
  ["", "expected at least one row, found an empty file"],
  ["0 1 2\n1 0 2\n", "expected 2 columns, as there are rows, found 3 in row 1"],
  ["0 x\n1 0\n", 'expected milliseconds, 0 or more, found "x" in row 1, column 2'],
  ["0 -1\n1 0\n", 'expected milliseconds, 0 or more, found "-1" in row 1, column 2'],
])("the matrix %j is refused in one line", (text, message) => {
  expect(() => parseLatencyMatrix(text, "m.txt")).toThrow(`latency: ${message}, in m.txt`)
})

test("a matrix file that is not there is refused by name", () => {
  expect(() => readLatencyMatrix("/no/such/file")).toThrow("latency: expected a readable file of round-trip times, found none at /no/such/file")
})

test("Zipf ranks stay in range and favour the first", () => {
  const random = new SimRandom(1)
  const counts = new Array<number>(100).fill(0)
  for (let draw = 0; draw < 100_000; draw++) {
    const rank = zipfRank(random, 100, 0.9)
    counts[rank] = (counts[rank] ?? 0) + 1
  }
  expect(counts.reduce((sum, count) => sum + count)).toBe(100_000)
  expect(counts[0]).toBeGreaterThan(5 * (counts[20] ?? 0))
  expect(counts[99]).toBeGreaterThan(0)
})

import { expect, test } from "vitest"
import { FailureWatch } from "../../../src/overlay/failure-watch.ts"
import { estimateSize } from "../../../src/overlay/size-estimate.ts"

const second = 1000

function watchOf(count: number): FailureWatch {
  const watch = new FailureWatch(0)
  watch.sawNeighbours(0, Array.from({ length: count }, (_, at) => `p${at}`))
  return watch
}

test("what fails more often counts as such", () => {
  const rates = [1, 4, 16, 64].map((failures) => {
    const watch = watchOf(16)
    for (let at = 1; at <= failures; at++) watch.sawFailure((100 * second * at) / failures)
    return watch.mostFailuresPerSecond(100 * second)
  })
  for (const [at, rate] of rates.entries()) expect(rate).toBeGreaterThan(rates[at - 1] ?? 0)
})

test("the rate is never below what was seen", () => {
  const watch = watchOf(10)
  for (let at = 1; at <= 20; at++) watch.sawFailure(at * second)
  expect(watch.mostFailuresPerSecond(20 * second)).toBeGreaterThanOrEqual(20 / 20 / 10)
})

test("a neighbour that comes anew has its age from then on", () => {
  const watch = watchOf(2)
  watch.sawNeighbours(60 * second, ["p0", "p2", "p3"])
  expect(watch.medianAgeMs(90 * second)).toBe(30 * second)
})

test("members spread evenly around the ring tell how many there are", () => {
  const ids = Array.from({ length: 9 }, (_, at) => (BigInt(at) << 153n).toString(16).padStart(40, "0"))
  expect(estimateSize(ids)).toBe(128)
  expect(estimateSize(ids.slice(0, 1))).toBe(1)
})

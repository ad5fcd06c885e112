import { describe, expect, it } from "vitest"
import { RttEstimator } from "../../../src/overlay/rto.ts"

const options = { initialRtoMs: 500, minRtoMs: 10, maxRtoMs: 4000 }

describe("RttEstimator", () => {
  it("starts with the initial timeout and knows no round-trip time", () => {
    const estimator = new RttEstimator(options)
    expect(estimator.rtoMs).toBe(500)
    expect(estimator.rttMs).toBeUndefined()
  })

  it("takes the first measurement as RFC 6298 (2.2) says", () => {
    const estimator = new RttEstimator(options)
    estimator.sample(100)
    expect(estimator.rttMs).toBe(100)
    expect(estimator.rtoMs).toBe(100 + 4 * 50)
  })

  it("takes later ones as RFC 6298 (2.3) says", () => {
    const estimator = new RttEstimator(options)
    estimator.sample(100)
    estimator.sample(200)
    expect(estimator.rttMs).toBeCloseTo(112.5)
    expect(estimator.rtoMs).toBeCloseTo(112.5 + 4 * (0.75 * 50 + 0.25 * 100))
  })

  it("doubles up to the maximum until the next measurement", () => {
    const estimator = new RttEstimator(options)
    for (let i = 0; i < 10; i++) estimator.backOff()
    expect(estimator.rtoMs).toBe(4000)
    estimator.sample(100)
    expect(estimator.rtoMs).toBe(300)
  })

  it("never falls below the minimum", () => {
    const estimator = new RttEstimator(options)
    for (let i = 0; i < 50; i++) estimator.sample(0.1)
    expect(estimator.rtoMs).toBe(10)
  })
})

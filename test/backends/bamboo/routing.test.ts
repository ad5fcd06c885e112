import { describe, expect, test } from "vitest"
import { withoutTable } from "../routing-overlay.ts"
import { describeRouting } from "../routing-suite.ts"
import { BambooOverlay } from "./bamboo-overlay.ts"

describeRouting({ create: (options) => new BambooOverlay(options), maxBytesPerSecond: 250 })

describe("a look-up by prefixes alone", () => {
  test("takes at most log16 N + 1 hops, once the tables have filled", async () => {
    const overlay = new BambooOverlay({ seed: 12, bamboo: withoutTable })
    await overlay.grow(128)
    await overlay.settle(10_000)
    await overlay.simulation.run(60_000)
    expect(overlay.expectAgreement(500)).toBeLessThanOrEqual(Math.log2(128) / 4 + 1)
  })

  test("takes at most log16 N + 1 hops among a thousand peers that start together", async () => {
    const overlay = new BambooOverlay({ seed: 24, bamboo: withoutTable })
    await overlay.form(1000)
    expect(overlay.defects()).toEqual([])
    expect(overlay.expectAgreement(500)).toBeLessThanOrEqual(Math.log2(1000) / 4 + 1)
  })
})

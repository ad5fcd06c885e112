import { expect, test } from "vitest"
import { withoutTable } from "../routing-overlay.ts"
import { describeRouting } from "../routing-suite.ts"
import { ChordOverlay } from "./chord-overlay.ts"

describeRouting({ create: (options) => new ChordOverlay(options), maxBytesPerSecond: 150 })

test("a look-up takes about half log2 N hops by fingers alone", async () => {
  const overlay = new ChordOverlay({ seed: 12, chord: withoutTable })
  await overlay.grow(128)
  await overlay.settle(10_000)
  await overlay.simulation.run(60_000)
  expect(overlay.expectAgreement(500)).toBeLessThanOrEqual(0.5 * Math.log2(128))
})

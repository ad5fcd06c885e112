/**
 * Scenarios that once broke a law on Chord, shortened to what it takes, with
 * the seed that found them.
 */
import { expect, test } from "vitest"
import { backend } from "../../backends/chord/index.ts"
import { drawScenario, tryScenario } from "../../src/sim/fuzz.ts"

test.each([
  // A lone peer copied nothing to the first that joined it, and left.
  [81, "a neighbour that becomes a replica without anything else having changed gets its copies"],
  // Timers fired while the neighbours were being told of a leave.
  [25, "a peer that is leaving keeps nothing of its ring going"],
  // The time-out of a call to a dead peer doubled until the callers had given up.
  [34, "requests succeed again soon after the only other peer fell silent"],
  // All three replicas of a key left at once, each handing over to another.
  [1267, "all replicas of a key may leave at the same moment"],
  // The same, and one of them crashed on its way out.
  [2030, "all replicas of a key may leave at the same moment, and one of them die"],
])("seed %i: %s", async (seed) => {
  const { report, error } = await tryScenario(drawScenario(seed), { backend })
  expect(error).toBeUndefined()
  expect(report?.violations).toEqual([])
})

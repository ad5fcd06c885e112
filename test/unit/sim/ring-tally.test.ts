import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { RingTally } from "../../../src/sim/checkers/ring-tally.ts"
import { findInvariantViolations, findPrincipals, findShapeDefects } from "../../../src/sim/checkers/zave.ts"

const places = ["0", "1", "2", "3", "4", "5", "6", "7"]

/** `"a: bc"`: member a lists b, then c. */
function members(...texts: readonly string[]): { id: string; predecessor: string; successors: string[] }[] {
  return texts.map((text) => ({ id: text.slice(0, 1), predecessor: text.slice(0, 1), successors: [...text.slice(3)] }))
}

describe("the tally of a ring", () => {
  test("agrees with the invariant as it is written down, whatever the history", () => {
    const change = fc.record({
      id: fc.constantFrom(...places),
      successors: fc.option(fc.array(fc.constantFrom(...places), { maxLength: 4 }), { nil: undefined, freq: 4 }),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (history) => {
        const tally = new RingTally()
        for (const { id, successors } of history) {
          tally.set(id, successors)
          const all = [...tally.members()].map(([member, list]) => ({ id: member, predecessor: member, successors: list }))
          expect(tally.principals).toBe(findPrincipals(all).length)
          const starving = findInvariantViolations(all, 0).filter((violation) => violation.includes("no live successor"))
          expect(tally.starving).toBe(starving.length)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe("the shape of a ring", () => {
  test.each([
    ["a lone peer", members("3: ")],
    ["a ring", members("1: 35", "3: 51", "5: 13")],
    ["a ring with a newcomer that leads to it", members("1: 35", "3: 51", "4: 5", "5: 13")],
    ["a ring whose lists begin with the dead", members("1: 23", "3: 41")],
  ])("is right for %s", (_, ring) => {
    expect(findShapeDefects(ring)).toEqual([])
  })

  test.each([
    ["two rings", members("1: 3", "3: 1", "5: 7", "7: 5"), "2 rings: [1 3] [5 7]"],
    ["a member that lists nobody who lives", members("1: 3", "3: 1", "5: 6"), "2 rings: [1 3] [5]"],
    ["a ring that is not in order", members("1: 5", "5: 3", "3: 7", "7: 1"), "a ring that goes round 2 times: [1 5 3 7]"],
  ])("is wrong for %s", (_, ring, defect) => {
    expect(findShapeDefects(ring)).toEqual([defect])
  })
})

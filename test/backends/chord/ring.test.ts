import fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as chord from "../../../backends/chord/ring.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { findInvariantViolations, findRingDefects } from "../../../src/sim/checkers/zave.ts"
import type { Event, Model } from "./ring-model.ts"
import { apply, fingerprint, idealRing, memberOf, settle, view } from "./ring-model.ts"

const events: readonly Event["kind"][] = ["join", "fail", "step"]

/** Visits every state that can be reached, up to `maxStates`. */
function explore(start: Model, ids: readonly string[], maxStates: number, visit: (model: Model) => void): number {
  const seen = new Set([fingerprint(start)])
  const queue = [start]
  for (let model = queue.shift(); model !== undefined && seen.size < maxStates; model = queue.shift()) {
    for (const id of ids) {
      for (const kind of events) {
        const next = apply(model, { kind, id })
        if (next === undefined || seen.has(fingerprint(next))) continue
        seen.add(fingerprint(next))
        visit(next)
        queue.push(next)
      }
    }
  }
  return seen.size
}

describe("Zave's invariant", () => {
  test("holds in every state that five places can reach with lists of two", () => {
    let visited = 0
    explore(idealRing(["0", "3", "6"], 2), ["0", "2", "3", "5", "6"], 30_000, (model) => {
      visited++
      const violations = findInvariantViolations(view(model), model.r)
      if (violations.length > 0) expect.fail(`${fingerprint(model)}: ${violations.join("; ")}`)
      if (visited % 16 === 0) expect(findRingDefects(view(settle(model, 20)), model.r)).toEqual([])
    })
    expect(visited).toBeGreaterThan(10_000)
  })

  test.each([
    [2, 8],
    [3, 12],
    [4, 16],
  ])("holds after every step of any history, with lists of %i among %i places, and the ring settles", (r, places) => {
    const ids = Array.from({ length: places }, (_, index) => index.toString(16))
    const event = fc.record({
      kind: fc.constantFrom<Event["kind"]>("join", "fail", "return", "step", "step", "step"),
      id: fc.constantFrom(...ids),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200, size: "max" }), (history) => {
        let model = idealRing(ids.filter((_, index) => index % 2 === 0), r)
        for (const each of history) {
          model = apply(model, each) ?? model
          expect(findInvariantViolations(view(model), r)).toEqual([])
        }
        expect(findRingDefects(view(settle(model, 4 * places)), r)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})

describe("a small overlay", () => {
  test("grows from one peer to full mutual lists, whatever the order of joins and steps", () => {
    const ids = ["1", "3", "5", "7", "9"]
    const event = fc.record({ kind: fc.constantFrom<Event["kind"]>("join", "step", "step"), id: fc.constantFrom(...ids) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (history) => {
        let model: Model = { r: 8, rings: new Map([["5", chord.found(memberOf("5"), 8)]]), pending: new Map(), lives: 1 }
        for (const each of history) model = apply(model, each) ?? model
        expect(findRingDefects(view(settle(model, 30)), 8)).toEqual([])
      }),
    )
  })

  test("shrinks to a lone peer that answers for everything", () => {
    const { rings } = settle({ ...idealRing(["2", "8"], 4), rings: new Map([...idealRing(["2", "8"], 4).rings].slice(0, 1)) }, 10)
    const alone = rings.get("2")
    expect(alone).toMatchObject({ successors: [], predecessor: { id: "2" }, accepted: true })
    expect(alone !== undefined && chord.isResponsible(alone, "7")).toBe(true)
  })
})

describe("responsibility", () => {
  const ids = Array.from({ length: 16 }, (_, index) => index.toString(16))
  const ownersOf = (model: Model, key: string) => [...model.rings.values()].filter((ring) => chord.isResponsible(ring, key)).map(({ self }) => self.id)

  test.each([
    ["while nobody fails", []],
    ["while members come back before anybody has noticed that they failed", ["return"]],
  ] as const)("%s, never lies with two members, whatever the order of joins and steps", (_, failures) => {
    const event = fc.record({
      kind: fc.constantFrom<Event["kind"]>(...failures, "join", "step", "step", "step"),
      id: fc.constantFrom(...ids),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200, size: "max" }), (history) => {
        let model = idealRing(["0", "5", "a", "d"], 3)
        for (const each of history) {
          model = apply(model, each) ?? model
          const disputed = ids.find((key) => ownersOf(model, key).length > 1)
          if (disputed !== undefined) expect.fail(`${disputed} in ${fingerprint(model)}`)
        }
        model = settle(model, 64)
        for (const key of ids) expect(ownersOf(model, key), key).toHaveLength(1)
      }),
      { numRuns: 200 },
    )
  })
})

describe("a member of the ring", () => {
  const [two, four, six] = ["2", "4", "6"].map(memberOf) as [Member, Member, Member]
  const ring: chord.Ring = { ...chord.found(four, 3), predecessor: two, successors: [six] }

  test("gives up its keys when its successor answers for them", () => {
    const refuted = chord.stabilizeFromSuccessor(ring, six, { predecessor: two, successors: [two, four], accepted: true })
    expect(chord.isResponsible(refuted.ring, "3")).toBe(false)
    expect(refuted.next).toEqual({ kind: "notify", successor: six })
  })

  test.each([
    ["has them from it", { predecessor: four, successors: [two, four], accepted: true }],
    ["has none itself", { predecessor: two, successors: [two, four], accepted: false }],
    ["has a nearer predecessor", { predecessor: memberOf("5"), successors: [two, four], accepted: true }],
  ])("keeps its keys when its successor %s", (_, told) => {
    expect(chord.isResponsible(chord.stabilizeFromSuccessor(ring, six, told).ring, "3")).toBe(true)
  })

  test("does not listen to one that is its successor no more", () => {
    const told = { predecessor: two, successors: [two, four], accepted: true }
    expect(chord.stabilizeFromSuccessor(ring, memberOf("8"), told)).toEqual({ ring, next: { kind: "notify", successor: six } })
  })

  test("takes all the keys that it is granted, whoever was before it when it joined", () => {
    const joined = chord.join(four, 3, two, { predecessor: memberOf("0"), successors: [six], accepted: true }, 1)
    // Two left: its successor answered for its keys, and grants them as well.
    const { ring: granted } = chord.notified(joined, six, { adopted: true, grant: "given", previous: [memberOf("0")], givers: [] })
    expect(["1", "2", "3", "4", "5"].filter((key) => chord.isResponsible(granted, key)).join("")).toBe("1234")
  })

  test("leaves what it gave away with those who have it, when keys are granted to it once more", () => {
    const given = chord.rectify(ring, memberOf("3"), 1).ring
    const refuted = chord.stabilizeFromSuccessor(given, six, { predecessor: two, successors: [], accepted: true }).ring
    expect(refuted.accepted).toBe(false)
    const { ring: granted } = chord.notified(refuted, six, { adopted: true, grant: "given", previous: [memberOf("0")], givers: [] })
    expect(["1", "2", "3", "4"].filter((key) => chord.isResponsible(granted, key)).join("")).toBe("4")
  })

  test("that comes back takes the keys of its earlier life when it hears from its predecessor, and not what it gave away", () => {
    const returned = chord.join(four, 3, two, { predecessor: memberOf("0"), successors: [six], accepted: true }, 8)
    const { ring: waiting } = chord.notified(returned, six, { adopted: true, grant: "earlier", previous: [memberOf("0")], givers: [] })
    expect(["1", "2", "3", "4"].filter((key) => chord.isResponsible(waiting, key)).join("")).toBe("")
    const { ring: heard } = chord.rectify(waiting, two, 1)
    expect(["1", "2", "3", "4"].filter((key) => chord.isResponsible(heard, key)).join("")).toBe("34")
  })

  test("grants keys to the life that it adopted, again if need be, and to no later one", () => {
    const { ring: adopted } = chord.rectify(ring, memberOf("3"), 7)
    expect(chord.answerTo(adopted, memberOf("3"), 7)).toMatchObject({ adopted: true, grant: "given" })
    expect(chord.answerTo(chord.rectify(adopted, memberOf("3"), 8).ring, memberOf("3"), 8)).toMatchObject({ adopted: true, grant: "earlier" })
  })

  test("knows through whose hands its keys came: whoever takes a dead newcomer's keys finds whom that one had them from", () => {
    const [zero, one] = ["0", "1"].map(memberOf) as [Member, Member]
    const place = { predecessor: six, successors: [six], accepted: true }
    // Six, which has the records, gives keys to two, and then to four. Two dies, and one comes in its place.
    const withTwo = chord.rectify({ ...chord.found(six, 1), predecessor: zero, successors: [zero] }, two, 2).ring
    const withFour = chord.rectify(withTwo, four, 4).ring
    const granted = chord.notified(chord.join(four, 1, zero, place, 4), six, chord.answerTo(withFour, four, 4)).ring
    expect([granted.predecessor, granted.givers]).toEqual([two, [six]])
    const alone = chord.acquainted(chord.replaceDeadPredecessor(granted, two.id, one), one.id)
    const joined = chord.join(one, 1, zero, { ...place, successors: [four] }, 1)
    const { ring: taker } = chord.notified(joined, four, chord.answerTo(alone, one, 1))
    expect([taker.successors, taker.givers]).toEqual([[four], [four, six]])
    expect([chord.withoutGiver(taker, four.id).givers, chord.withoutGivers(taker).givers]).toEqual([[six], []])
  })

  test("names no givers without a grant", () => {
    const given: chord.Ring = { ...ring, givers: [six] }
    expect(chord.answerTo(given, two, 1)).toMatchObject({ grant: "earlier", givers: [six] })
    expect(chord.answerTo({ ...given, accepted: false }, two, 1)).toMatchObject({ grant: "none", givers: [] })
  })

  test("replaces a predecessor that was found dead, unless another took its place meanwhile", () => {
    expect(chord.replaceDeadPredecessor(ring, "2", memberOf("1")).predecessor.id).toBe("1")
    expect(chord.replaceDeadPredecessor(ring, "0", memberOf("1"))).toBe(ring)
  })

  test("grants nothing yet to a stranger in the place of a dead predecessor, but knows who had their part before", () => {
    const before: chord.Ring = { ...ring, accepted: true, predecessor: two, former: [memberOf("1")] }
    expect(chord.answerTo(chord.replaceDeadPredecessor(before, "2", memberOf("0")), memberOf("0"), 1)).toMatchObject({ adopted: true, grant: "none" })
    const acquainted = chord.acquainted(chord.replaceDeadPredecessor(before, "2", memberOf("0")), "0")
    expect(chord.answerTo(acquainted, memberOf("0"), 1)).toMatchObject({ adopted: true, grant: "earlier" })
    expect(chord.answerTo(chord.inherit(before, "2", memberOf("0")), memberOf("0"), 1)).toMatchObject({ adopted: true, grant: "earlier" })
    expect(chord.answerTo(chord.replaceDeadPredecessor(before, "2", memberOf("1")), memberOf("1"), 1)).toMatchObject({ adopted: true, grant: "earlier" })
  })
})

describe("a list of successors", () => {
  const self = memberOf("4")
  const list = (ids: string) => [...ids].map(memberOf)
  const text = (members: readonly chord.Ring["self"][]) => members.map(({ id }) => id).join("")

  test("ends before it would name its owner, or leave the clockwise order", () => {
    expect(text(chord.ordered(self, 8, list("68a02456")))).toBe("68a02")
    expect(text(chord.ordered(self, 8, list("6a8c")))).toBe("6a")
    expect(text(chord.ordered(self, 8, list("66")))).toBe("6")
    expect(text(chord.ordered(self, 2, list("68a")))).toBe("68")
    expect(text(chord.ordered(self, 8, list("4")))).toBe("")
  })

  test("takes the list of a successor that leaves in its place", () => {
    const predecessor = memberOf("2")
    const ring: chord.Ring = { ...chord.found(self, 3), predecessor, successors: list("68a") }
    const told = { predecessor: self, successors: list("8ac"), accepted: true }
    expect(text(chord.spliceOutSuccessor(ring, memberOf("6"), told).successors)).toBe("8ac")
    expect(chord.spliceOutSuccessor(ring, memberOf("7"), told)).toBe(ring)
  })
})

/** How keys change hands along the ring. */
import { expect, test } from "vitest"
import type { Tenure } from "../../../backends/ssr/tenure.ts"
import { begun, drawnTo, hasGrown, isBeyond, taken } from "../../../backends/ssr/tenure.ts"

test("the first node of a mesh has the whole ring, and draws back from what it gives", () => {
  const alone = begun(10, undefined, undefined)
  expect(alone).toEqual({ end: 10, limit: 10 })
  const drawnBack = drawnTo(10, alone, 20, false)
  expect(drawnBack).toEqual({ end: 20, limit: 10 })
  expect(begun(20, 10, drawnBack.limit)).toEqual({ end: 10, limit: 10 })
  expect(taken(drawnBack)).toEqual({ end: 20, limit: 20 })
})

test("a newcomer has no keys beyond what it was given, whatever it has agreed upon with others", () => {
  expect(begun(20, 40, 30)).toEqual({ end: 30, limit: 30 })
  expect(begun(20, 25, 30)).toEqual({ end: 25, limit: 30 })
  expect(isBeyond(20, { end: 30, limit: 30 }, 40)).toBe(true)
  expect(isBeyond(20, { end: 30, limit: 30 }, 30)).toBe(false)
})

test("of newcomers side by side each gives on what it was given", () => {
  const first = begun(20, 25, 30)
  expect(begun(25, 30, first.limit)).toEqual({ end: 30, limit: 30 })
})

test("a newcomer that goes before it took its keys leaves them to the node before it", () => {
  const drawnBack = drawnTo(10, { end: 30, limit: 30 }, 20, false)
  expect(drawnTo(10, drawnBack, 30, true)).toEqual({ end: 30, limit: 30 })
})

test("the keys of a node that is gone go to the one before it, as far as the next one agrees", () => {
  expect(drawnTo(10, { end: 20, limit: 20 }, 40, true)).toEqual({ end: 40, limit: 40 })
})

test("newcomers in place of a node that is gone take over from hand to hand, up to one that answers for keys", () => {
  const inherited = drawnTo(10, { end: 20, limit: 20 }, 40, false)
  expect(inherited).toEqual({ end: 40, limit: 10 })
  const first = begun(40, 50, inherited.limit)
  expect(first).toEqual({ end: 50, limit: 10 })
  const last = drawnTo(50, begun(50, undefined, first.limit), 60, true)
  expect(taken(last)).toEqual({ end: 60, limit: 60 })
})

test("a node that comes back, and was not missed yet, has its keys up to whoever agrees", () => {
  const { limit } = taken(drawnTo(10, { end: 30, limit: 30 }, 20, false))
  expect(begun(20, 30, limit)).toEqual({ end: 30, limit: 30 })
})

test("who has more keys than before has those of nodes that are gone", () => {
  const upTo = (end: number): Tenure => ({ end, limit: end })
  expect(hasGrown(10, upTo(20), upTo(40))).toBe(true)
  expect(hasGrown(10, upTo(40), upTo(10))).toBe(true)
  expect(hasGrown(10, upTo(40), upTo(5))).toBe(true)
  expect(hasGrown(10, upTo(40), { end: 20, limit: 40 })).toBe(false)
  expect(hasGrown(10, upTo(10), upTo(40))).toBe(false)
  expect(hasGrown(10, upTo(40), upTo(40))).toBe(false)
})

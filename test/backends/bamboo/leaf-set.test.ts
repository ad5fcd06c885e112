import fc from "fast-check"
import { expect, test } from "vitest"
import type { LeafSet } from "../../../backends/bamboo/leaf-set.ts"
import { closerOf, closestOf, isCloser, midpoint, sharedDigits } from "../../../backends/bamboo/ring-distance.ts"
import {
  covers, emptyLeafSet, hasLeaf, isWhole, leafSetOf, leavesOf, sizeOf, withLeaf, withoutLeaf, wouldFit,
} from "../../../backends/bamboo/leaf-set.ts"
import { isBetweenOrAt } from "../../../src/overlay/id.ts"
import { byCloseness, clockwise, distance, id, memberOf, members } from "./arbitraries.ts"

const size = 3

function setOf(self: string, all: readonly { readonly id: string }[]): LeafSet {
  return all.reduce((set, { id }) => withLeaf(set, memberOf(id)), emptyLeafSet(self, size))
}

test("a leaf set names the next members on either side, in whatever order they came", () => {
  fc.assert(
    fc.property(id, members(0, 12, id), (self, all) => {
      const set = setOf(self, all)
      const others = all.filter((member) => member.id !== self)
      const after = [...others].sort((a, b) => (clockwise(self, a.id) < clockwise(self, b.id) ? -1 : 1)).slice(0, size)
      const before = [...others].sort((a, b) => (clockwise(a.id, self) < clockwise(b.id, self) ? -1 : 1)).slice(0, size)
      expect(set.after.map((leaf) => leaf.id)).toEqual(after.map((leaf) => leaf.id))
      expect(set.before.map((leaf) => leaf.id)).toEqual(before.map((leaf) => leaf.id))
      expect(new Set(leavesOf(set))).toEqual(new Set([...set.after, ...set.before]))
      expect(leafSetOf(self, size, all.map((member) => memberOf(member.id)))).toEqual(set)
    }),
  )
})

test("who would fit is who is in it afterwards, and who is taken out is not", () => {
  fc.assert(
    fc.property(id, members(0, 12, id), id, (self, all, other) => {
      const set = setOf(self, all)
      fc.pre(!hasLeaf(set, other))
      expect(hasLeaf(withLeaf(set, memberOf(other)), other)).toBe(wouldFit(set, other))
      expect(hasLeaf(withoutLeaf(withLeaf(set, memberOf(other)), other), other)).toBe(false)
    }),
  )
})

test("a key that the set covers has its closest member in it", () => {
  fc.assert(
    fc.property(id, members(1, 12, id), id, (self, all, key) => {
      const set = setOf(self, all)
      fc.pre(covers(set, key))
      const [closest] = byCloseness(key, [...all, memberOf(self)])
      const known = [memberOf(self), ...leavesOf(set)]
      expect(known.map((member) => member.id)).toContain(closest?.id)
      if (isWhole(set)) expect(leavesOf(set).length).toBe(all.filter((member) => member.id !== self).length)
    }),
  )
})

test("closeness is that of brute force, ties included", () => {
  fc.assert(
    fc.property(id, members(1, 8, id), (key, all) => {
      expect(closestOf(key, all, all.length).map((member) => member.id)).toEqual(byCloseness(key, all).map((member) => member.id))
      const [a, b] = all
      if (a !== undefined) expect(closerOf(key, a.id, all)).toEqual(closestOf(key, all, all.length).filter((member) => isCloser(key, member.id, a.id)))
      if (a !== undefined && b !== undefined && distance(a.id, key) !== distance(b.id, key)) {
        expect(isCloser(key, a.id, b.id)).toBe(distance(a.id, key) < distance(b.id, key))
      }
    }),
  )
})

test("what lies up to the midpoint is closer to the one, or as close; what lies beyond, to the other", () => {
  fc.assert(
    fc.property(id, id, id, (from, to, key) => {
      fc.pre(from !== to && isBetweenOrAt(from, key, to))
      const isFirst = isBetweenOrAt(from, key, midpoint(from, to)) && from !== midpoint(from, to)
      expect(isFirst).toBe(clockwise(from, key) <= clockwise(key, to))
    }),
  )
})

test("shared digits are those of the longest common prefix", () => {
  fc.assert(
    fc.property(id, id, (a, b) => {
      const shared = sharedDigits(a, b)
      expect(a.slice(0, shared)).toBe(b.slice(0, shared))
      expect(shared === 40 ? a === b : a[shared] !== b[shared]).toBe(true)
    }),
  )
})

test("sides that meet tell how few there are, and one that reaches far for want of better does not make the overlay small", () => {
  const at = (place: number): { id: string } => ({ id: (BigInt(place) << 150n).toString(16).padStart(40, "0") })
  for (const count of [1, 2, 4, 6]) {
    const evenly = Array.from({ length: count }, (_, place) => at(Math.floor((1024 / (count + 1)) * (place + 1))))
    expect(sizeOf(setOf(at(0).id, evenly))).toBeLessThan(2 * (count + 2))
  }
  const near = [509, 510, 511, 513, 514, 515].map(at)
  expect(sizeOf(setOf(at(512).id, near))).toBe(1024)
  const torn = { ...setOf(at(512).id, near), after: [memberOf(at(513).id), memberOf(at(900).id)] }
  expect(sizeOf(torn)).toBeGreaterThan(500)
})

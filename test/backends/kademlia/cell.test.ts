import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { arcsOf, cellOf, isInCell } from "../../../backends/kademlia/cell.ts"
import type { SiblingChange } from "../../../backends/kademlia/siblings.ts"
import { Siblings } from "../../../backends/kademlia/siblings.ts"
import {
  closestInOrder, closestOf, commonPrefixBits, compareDistance, randomIdInBucket, selectClosest,
} from "../../../backends/kademlia/xor.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { containsAny } from "../../../src/overlay/key-range.ts"
import { SimRandom } from "../../../src/sim/index.ts"
import { byDistance, distance, evenId, id, memberOf, members } from "./arbitraries.ts"

const ids = (all: readonly Member[]): string[] => all.map((member) => member.id)

describe("the metric", () => {
  test("distances compare like the numbers that they are", () => {
    fc.assert(
      fc.property(id, id, id, (target, a, b) => {
        const difference = distance(a, target) - distance(b, target)
        expect(Math.sign(compareDistance(target, a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0)
      }),
    )
  })

  test("a common prefix ends at the highest bit of the distance", () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        const bits = distance(a, b) === 0n ? 160 : 160 - distance(a, b).toString(2).length
        expect(commonPrefixBits(a, b)).toBe(bits)
      }),
    )
  })

  test("the closest are those that sorting finds", () => {
    fc.assert(
      fc.property(id, members(0, 30), fc.integer({ min: 1, max: 8 }), (target, all, count) => {
        const expected = ids(byDistance(target, all).slice(0, count))
        const ordered = [...all].sort((a, b) => (a.id < b.id ? -1 : 1))
        expect(ids(closestOf(target, [...all, ...all], count))).toEqual(expected)
        expect(ids(selectClosest(target, all, count))).toEqual(expected)
        expect(ids(closestInOrder(target, ordered, count))).toEqual(expected)
        const [excluded, ...rest] = byDistance(target, all)
        if (excluded === undefined) return
        expect(ids(closestInOrder(target, ordered, count, new Set([excluded.peerId])))).toEqual(ids(rest.slice(0, count)))
      }),
    )
  })

  test("a random id for a bucket lies in it", () => {
    const random = new SimRandom(1, "test")
    for (let bits = 0; bits < 160; bits++) {
      const self = memberOf(Buffer.from(random.bytes(20)).toString("hex"))
      expect(commonPrefixBits(self.id, randomIdInBucket(self.id, bits, random))).toBe(bits)
    }
  })
})

describe("a cell", () => {
  const branchesOf = (self: Member, others: readonly Member[]) => others.map((other) => commonPrefixBits(self.id, other.id))

  test("holds the keys to which nobody is closer", () => {
    fc.assert(
      fc.property(members(1, 24), id, ([self, ...others], key) => {
        if (self === undefined) return
        const cell = cellOf(self.id, branchesOf(self, others))
        expect(isInCell(cell, key)).toBe(byDistance(key, [self, ...others])[0] === self)
      }),
      { numRuns: 500 },
    )
  })

  test("is the same as its arcs, where any number of them is allowed", () => {
    fc.assert(
      fc.property(members(1, 24), fc.array(id, { minLength: 1, maxLength: 20 }), ([self, ...others], keys) => {
        if (self === undefined) return
        // Deep branches with an empty path above would take more arcs than there is memory.
        const near = others.filter((other) => commonPrefixBits(self.id, other.id) < 12)
        const cell = cellOf(self.id, branchesOf(self, near))
        const { ranges, isExact } = arcsOf(cell, 4096)
        expect(isExact).toBe(true)
        for (const key of [...keys, self.id, ...ids(others)]) expect(containsAny(ranges, key)).toBe(isInCell(cell, key))
        const ends = ranges.flatMap(({ from, to }) => [from, to])
        for (const end of ends) expect(containsAny(ranges, end)).toBe(isInCell(cell, end))
      }),
    )
  })

  test("lies within few arcs, which hold nothing else if they say so", () => {
    fc.assert(
      fc.property(members(1, 24), fc.constantFrom(1, 4), fc.array(id, { minLength: 1, maxLength: 20 }), ([self, ...others], maxArcs, keys) => {
        if (self === undefined) return
        const cell = cellOf(self.id, branchesOf(self, others))
        const { ranges, isExact } = arcsOf(cell, maxArcs)
        expect(ranges.length).toBeLessThanOrEqual(maxArcs)
        for (const key of [...keys, self.id]) {
          if (isInCell(cell, key)) expect(containsAny(ranges, key)).toBe(true)
          else if (isExact) expect(containsAny(ranges, key)).toBe(false)
        }
      }),
    )
  })
})

const options = { maxSiblings: 20, minNeighbours: 8, maxArcs: 4 }

function siblingsOf(self: Member, others: readonly Member[], onChange: (change: SiblingChange) => void = () => undefined): Siblings {
  const siblings = new Siblings(self.id, options, onChange)
  siblings.begin()
  for (const other of others) siblings.add(other)
  siblings.activate([])
  return siblings
}

describe("siblings", () => {
  test("each key has exactly one owner among peers that know their siblings", () => {
    fc.assert(
      fc.property(members(1, 60, evenId), fc.array(evenId, { minLength: 1, maxLength: 20 }), (all, keys) => {
        const overlay = all.map((self) => ({ self, siblings: siblingsOf(self, all) }))
        for (const key of keys) {
          const owners = overlay.filter(({ siblings }) => siblings.isResponsible(key)).map(({ self }) => self.id)
          expect(owners).toEqual([byDistance(key, all)[0]?.id])
        }
      }),
      { numRuns: 50 },
    )
  })

  test("are the closest, closest first, whatever the order of coming and going", () => {
    fc.assert(
      fc.property(evenId, members(0, 40, evenId), fc.array(fc.nat(39), { maxLength: 20 }), (self, all, gone) => {
        const siblings = siblingsOf(memberOf(self), all)
        expect(ids(siblings.members)).toEqual(ids(byDistance(self, all.filter((member) => member.id !== self)).slice(0, 20)))
        const removed = new Set(gone.flatMap((at) => all[at]?.peerId ?? []))
        for (const peerId of removed) siblings.remove(peerId)
        for (const member of all) if (!removed.has(member.peerId)) siblings.add(member)
        expect(ids(siblings.members)).toEqual(ids(byDistance(self, all.filter(({ peerId }) => !removed.has(peerId))).slice(0, 20)))
      }),
    )
  })

  test("that lose one of a full list leave the keys beyond it to others, until nobody else is found", () => {
    fc.assert(
      fc.property(members(30, 60, evenId), fc.nat(19), fc.array(evenId, { minLength: 1, maxLength: 20 }), ([self, ...others], lost, keys) => {
        if (self === undefined) return
        const siblings = siblingsOf(self, others)
        const gone = siblings.members[lost]?.peerId ?? ""
        siblings.remove(gone)
        const left = [self, ...others.filter(({ peerId }) => peerId !== gone)]
        expect(siblings.isUncertain).toBe(true)
        for (const key of keys.filter((each) => siblings.isResponsible(each))) expect(byDistance(key, left)[0]).toBe(self)
        siblings.acceptShort()
        for (const key of keys) expect(siblings.isResponsible(key)).toBe(byDistance(key, [self, ...siblings.members])[0] === self)
      }),
    )
  })

  test("name everybody who may hold a copy of some key", () => {
    fc.assert(
      fc.property(members(2, 20), fc.array(id, { minLength: 1, maxLength: 20 }), ([self, ...others], keys) => {
        if (self === undefined) return
        const siblings = siblingsOf(self, others)
        const nearest = new Set(ids(siblings.nearest(2)))
        for (const key of keys.filter((each) => siblings.isResponsible(each))) {
          for (const replica of byDistance(key, others).slice(0, 2)) expect(nearest).toContain(replica.id)
        }
      }),
    )
  })

  test("a key that comes to this peer was in none of the arcs that were told just before", () => {
    fc.assert(
      fc.property(members(2, 24), fc.array(fc.nat(23), { maxLength: 30 }), fc.array(id, { minLength: 1, maxLength: 20 }), ([self, ...others], turns, keys) => {
        if (self === undefined) return
        const mine = (): Set<string> => new Set(keys.filter((key) => siblings.isResponsible(key)))
        let told = [{ owned: new Set<string>(), ranges: [] as Siblings["ranges"] }]
        const siblings = new Siblings(self.id, options, () => void told.push({ owned: mine(), ranges: siblings.ranges }))
        siblings.begin()
        siblings.activate([])
        for (const turn of turns) {
          const other = others[turn]
          if (other === undefined) continue
          told = [{ owned: mine(), ranges: siblings.ranges }]
          const before = mine()
          if (!siblings.remove(other.peerId)) siblings.add(other)
          for (const key of mine()) {
            if (before.has(key)) continue
            expect(told.some(({ ranges }) => !containsAny(ranges, key))).toBe(true)
          }
        }
      }),
    )
  })

  test("answer for nothing before they are active, nor after the end", () => {
    const self = memberOf("0".repeat(40))
    const siblings = new Siblings(self.id, options, () => undefined)
    siblings.begin()
    expect(siblings.isResponsible(self.id)).toBe(false)
    expect(siblings.ranges).toEqual([])
    siblings.activate([])
    expect(siblings.isResponsible(self.id)).toBe(true)
    siblings.end()
    expect(siblings.isResponsible(self.id)).toBe(false)
    expect(siblings.ranges).toEqual([])
  })

  test("are the same objects until something changes", () => {
    const self = memberOf("0".repeat(40))
    const other = memberOf("8".repeat(40))
    const siblings = siblingsOf(self, [other])
    const { ranges, neighbours } = siblings
    siblings.add(memberOf(other.id))
    expect(siblings.ranges).toBe(ranges)
    expect(siblings.neighbours).toBe(neighbours)
  })
})

import fc from "fast-check"
import { expect, test } from "vitest"
import { leavesOf } from "../../../backends/bamboo/leaf-set.ts"
import type { Knowledge } from "../../../backends/bamboo/next-hop.ts"
import { nextHop } from "../../../backends/bamboo/next-hop.ts"
import { begin, foundAmong } from "../../../backends/bamboo/place.ts"
import { PrefixTable } from "../../../backends/bamboo/prefix-table.ts"
import { isCloser } from "../../../backends/bamboo/ring-distance.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { MembershipTable } from "../../../src/overlay/membership-table.ts"
import type { PeerId } from "../../../src/link/link.ts"
import { byCloseness, id, members } from "./arbitraries.ts"

/** What a member of a whole overlay knows. */
function knowledgeOf(self: Member, all: readonly Member[], doubtful: ReadonlySet<PeerId> = new Set()): Knowledge {
  const place = foundAmong(self.id, 4, all)
  const prefixes = new PrefixTable(self.id)
  for (const member of all) prefixes.offer(member, 10)
  return {
    self, place, leaves: leavesOf(place.leaves), prefixes, table: new MembershipTable(self, 1, 1), isTableComplete: false,
    isDoubtful: (peerId) => doubtful.has(peerId),
  }
}

/** Everybody who is asked, from the first peer on, when all pass the operation on and go round the silent. */
function walk(all: readonly Member[], start: Member, key: Id, silent: ReadonlySet<PeerId>): Member[] {
  const asked = [start]
  for (let at = start, next; asked.length <= 2 * all.length; asked.push(at = next)) {
    next = nextHop(knowledgeOf(at, all), key, silent)
    if (next === undefined) break
  }
  return asked
}

const overlay = fc.tuple(members(2, 30), id)

test("from each peer hops lead to the owner", () => {
  fc.assert(
    fc.property(overlay, ([all, key]) => {
      const [owner] = byCloseness(key, all)
      for (const start of all) expect(walk(all, start, key, new Set()).at(-1)).toEqual(owner)
    }),
    { numRuns: 30 },
  )
})

test("who goes round silent peers comes closer to the key all the same, and never away from it", () => {
  fc.assert(
    fc.property(overlay, fc.integer({ min: 1, max: 4 }), ([all, key], count) => {
      const ordered = byCloseness(key, all)
      const silent = new Set(ordered.slice(0, count).map(({ peerId }) => peerId))
      for (const start of ordered.slice(count)) {
        const asked = walk(all, start, key, silent)
        asked.slice(1).forEach((member, at) => expect(isCloser(key, member.id, asked[at]?.id ?? "")).toBe(true))
      }
    }),
    { numRuns: 30 },
  )
})

test("a joiner that is closest itself, and a peer that doubts the only one who is closer, ask those beside them", () => {
  fc.assert(
    fc.property(fc.tuple(members(3, 30), id), ([all, key]) => {
      const [owner, second] = byCloseness(key, all) as [Member, Member]
      const known = knowledgeOf(owner, all)
      const joiner = { ...known, place: { ...begin(owner.id, 4), leaves: known.place.leaves } }
      expect(leavesOf(known.place.leaves, 1)).toContainEqual(nextHop(joiner, key))
      const doubter = knowledgeOf(second, all, new Set([owner.peerId]))
      const beside = leavesOf(doubter.place.leaves, 1).filter(({ id }) => id !== owner.id)
      expect(beside).toContainEqual(nextHop(doubter, key))
    }),
    { numRuns: 50 },
  )
})

import fc from "fast-check"
import { expect, test } from "vitest"
import { PrefixTable } from "../../../backends/bamboo/prefix-table.ts"
import { sharedDigits } from "../../../backends/bamboo/ring-distance.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { id, memberOf, members } from "./arbitraries.ts"

interface Offer {
  readonly member: Member
  readonly rttMs: number
}

const rttMs = fc.integer({ min: 1, max: 1_000 })
const columns = 16

/** A measurement of each of some members, none of them the table's own peer. */
function offersBut(self: Id): fc.Arbitrary<Offer[]> {
  return members(0, 30, id).chain((all) => {
    const others = all.filter((member) => member.id !== self)
    return fc.array(rttMs, { minLength: others.length, maxLength: others.length })
      .map((rtts) => others.map((member, at) => ({ member, rttMs: rtts[at] ?? 1 })))
  })
}

const selfAndOffers = id.chain((self) => fc.tuple(fc.constant(self), offersBut(self)))

function tableOf(self: Id, offers: readonly Offer[]): PrefixTable {
  const table = new PrefixTable(self)
  for (const { member, rttMs } of offers) table.offer(member, rttMs)
  return table
}

/** By definition: the digits shared, and the one after them. */
function placeOf(self: Id, other: Id): string {
  return other.slice(0, sharedDigits(self, other) + 1)
}

test("each slot holds a member whose id begins like this peer's, up to the digit of the slot", () => {
  fc.assert(
    fc.property(selfAndOffers, ([self, offers]) => {
      const table = tableOf(self, offers)
      const places = new Set(offers.map(({ member }) => placeOf(self, member.id)))
      expect(table.members.length).toBe(places.size)
      for (const member of table.members) {
        const slot = table.slotOf(member.id)
        expect(slot).toEqual({ row: sharedDigits(self, member.id), column: Number.parseInt(placeOf(self, member.id).slice(-1), 16) })
        expect(slot && table.get(slot)).toBe(member)
        expect(table.row(slot?.row ?? -1)).toContain(member)
        expect(table.find(member.peerId)).toBe(member)
      }
      expect(table.slotOf(self)).toBeUndefined()
    }),
  )
})

test("of those that belong in a slot, the one there is the nearest, or little farther", () => {
  fc.assert(
    fc.property(selfAndOffers, ([self, offers]) => {
      const table = tableOf(self, offers)
      const rtts = new Map(offers.map(({ member, rttMs }) => [member.id, rttMs]))
      for (const { member, rttMs } of offers) {
        const slot = table.slotOf(member.id)
        const chosen = slot && table.get(slot)
        expect(rtts.get(chosen?.id ?? "")).toBeLessThanOrEqual(rttMs / 0.8)
      }
    }),
  )
})

test("who is wanted is taken, and nobody else", () => {
  fc.assert(
    fc.property(selfAndOffers, id, rttMs, ([self, offers], other, farMs) => {
      fc.pre(other !== self && !offers.some(({ member }) => member.id === other))
      const table = tableOf(self, offers)
      const wanted = table.wants(other, farMs)
      table.offer(memberOf(other), farMs)
      expect(table.members.some((member) => member.id === other)).toBe(wanted)
    }),
  )
})

test("this peer itself has no slot, and is taken into none", () => {
  fc.assert(
    fc.property(id, rttMs, (self, farMs) => {
      const table = new PrefixTable(self)
      expect(table.wants(self, farMs)).toBe(false)
      table.offer(memberOf(self), farMs)
      expect(table.members).toEqual([])
      expect(table.towards(self)).toBeUndefined()
    }),
  )
})

test("towards a key leads a member that shares more digits with it, if any such was offered", () => {
  fc.assert(
    fc.property(selfAndOffers, id, ([self, offers], key) => {
      const next = tableOf(self, offers).towards(key)
      const shared = sharedDigits(self, key)
      expect(next !== undefined).toBe(offers.some(({ member }) => key !== self && sharedDigits(member.id, key) > shared))
      if (next !== undefined) expect(sharedDigits(next.id, key)).toBeGreaterThan(shared)
    }),
  )
})

test("a slot is either empty or filled, and none is for this peer's own digit", () => {
  fc.assert(
    fc.property(selfAndOffers, fc.nat(40), ([self, offers], rows) => {
      const table = tableOf(self, offers)
      const empty = table.emptySlots(rows)
      const filled = table.members.filter((member) => sharedDigits(self, member.id) < rows)
      expect(empty.length + filled.length).toBe(rows * (columns - 1))
      for (const slot of empty) {
        expect(table.get(slot)).toBeUndefined()
        expect(slot.column).not.toBe(Number.parseInt(self.charAt(slot.row), 16))
      }
    }),
  )
})

test("a slot empties when its member is removed, and by nothing else", () => {
  fc.assert(
    fc.property(selfAndOffers, ([self, offers]) => {
      const table = tableOf(self, offers)
      const before = table.members
      const chosen = new Set(before.map((member) => member.id))
      for (const { member } of offers) if (!chosen.has(member.id)) table.remove(member)
      expect(table.members).toEqual(before)
      for (const [at, member] of before.entries()) {
        table.remove(member)
        expect(table.members).toEqual(before.slice(at + 1))
      }
    }),
  )
})

test("a member measured anew keeps its slot, but counts by the new measurement", () => {
  fc.assert(
    fc.property(rttMs, (nearMs) => {
      const [self, first, second] = ["0", "1", "1f"].map((head) => head.padEnd(40, "0")) as [Id, Id, Id]
      const table = new PrefixTable(self)
      table.offer(memberOf(first), nearMs)
      table.offer(memberOf(first), 4 * nearMs)
      expect(table.members.map((member) => member.id)).toEqual([first])
      table.offer(memberOf(second), 2 * nearMs)
      expect(table.members.map((member) => member.id)).toEqual([second])
    }),
  )
})

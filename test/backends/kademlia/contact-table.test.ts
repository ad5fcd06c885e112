import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ContactTable } from "../../../backends/kademlia/contact-table.ts"
import { commonPrefixBits } from "../../../backends/kademlia/xor.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { byDistance, id, memberOf, members } from "./arbitraries.ts"

const self = "0".repeat(40)
const minute = 60_000

type Turn = { readonly kind: "heard" | "remove"; readonly which: number }

const turns = fc.array(fc.record<Turn>({ kind: fc.constantFrom("heard", "heard", "remove"), which: fc.nat(29) }), { maxLength: 80 })

const idsOf = (all: Iterable<Member>): string[] => [...all].map((member) => member.id)

describe("the buckets", () => {
  test("hold who was heard, at most k in each, and find the closest of them", () => {
    fc.assert(
      fc.property(members(1, 30), turns, id, (all, history, key) => {
        const k = 3
        const table = new ContactTable(self, k)
        const heard = new Set<string>()
        for (const { kind, which } of history) {
          const member = all[which % all.length]
          if (member === undefined || member.id === self) continue
          if (kind === "heard") {
            table.heard(member, 0)
            heard.add(member.id)
          } else {
            table.remove(member)
            heard.delete(member.id)
          }
          expect([...heard]).toEqual(expect.arrayContaining(idsOf(table)))
        }
        const contacts = [...table]
        expect(table.size).toBe(contacts.length)
        expect(idsOf(table.closest(key, 100))).toEqual(idsOf(byDistance(key, contacts)))
        expect(idsOf(table.closest(key, 4))).toEqual(idsOf(byDistance(key, contacts).slice(0, 4)))
        for (let bits = 0; bits < 160; bits++) {
          const inBucket = contacts.filter((member) => commonPrefixBits(self, member.id) === bits)
          const known = [...heard].filter((each) => commonPrefixBits(self, each) === bits)
          expect(table.countIn(bits)).toBe(inBucket.length)
          expect(inBucket.length).toBeLessThanOrEqual(k)
          // The replacement cache has k places: only beyond those is anybody forgotten.
          if (known.length <= k) expect(inBucket.length).toBe(known.length)
        }
      }),
      { numRuns: 300 },
    )
  })

  test("never hold this peer itself", () => {
    const table = new ContactTable(self, 3)
    table.heard(memberOf(self), 0)
    expect(table.size).toBe(0)
  })

  /** They all share no bit with this peer. */
  const far = Array.from({ length: 8 }, (_, at) => memberOf(`8${at}`.padEnd(40, "0")))
  const [a, b, c, d, e] = far as [Member, Member, Member, Member, Member]

  test("a full bucket keeps who is in it, and names the oldest to be pinged once it has been silent for long", () => {
    const table = new ContactTable(self, 3)
    for (const member of [a, b, c]) expect(table.heard(member, 0)).toBeUndefined()
    table.heard(a, 1)
    expect(table.heard(d, minute - 1)).toBeUndefined()
    expect(table.heard(d, minute)).toBe(b)
    expect(idsOf(table).sort()).toEqual(idsOf([a, b, c]))
    table.heard(b, minute)
    expect(table.heard(d, minute)).toBe(c)
  })

  test("who was heard last of those that wait takes the place of one that is gone", () => {
    const table = new ContactTable(self, 3)
    for (const member of [a, b, c, d, e, d]) table.heard(member, 0)
    table.remove(b)
    expect(idsOf(table).sort()).toEqual(idsOf([a, c, d]))
    table.remove(a)
    expect(idsOf(table).sort()).toEqual(idsOf([c, d, e]))
    table.remove(c)
    expect(table.size).toBe(2)
  })

  test("who is dead does not come back from the replacement cache", () => {
    const table = new ContactTable(self, 3)
    for (const member of [a, b, c, d]) table.heard(member, 0)
    table.remove(d)
    table.remove(a)
    expect(idsOf(table).sort()).toEqual(idsOf([b, c]))
  })
})

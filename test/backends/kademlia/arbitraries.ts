/** Ids and members for the laws of Kademlia. */
import fc from "fast-check"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"

/** Ids that often share long prefixes: few different digits at the head, in the middle and at the end. */
export const id: fc.Arbitrary<Id> = fc
  .record({
    head: fc.array(fc.constantFrom(..."0178ef"), { minLength: 3, maxLength: 3 }),
    middle: fc.constantFrom("0", "8", "f"),
    end: fc.constantFrom("0", "1", "f"),
  })
  .map(({ head, middle, end }) => head.join("").padEnd(20, middle).padEnd(40, end))

/** Ids as a hash function gives them. */
export const evenId: fc.Arbitrary<Id> = fc
  .array(fc.nat(15), { minLength: 40, maxLength: 40 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(""))

export function memberOf(id: Id): Member {
  return { id, peerId: `peer-${id}`, addresses: [] }
}

/** A different member for each id. */
export const members = (minLength: number, maxLength: number, ids = id): fc.Arbitrary<Member[]> =>
  fc.uniqueArray(ids, { minLength, maxLength }).map((all) => all.map(memberOf))

export function distance(a: Id, b: Id): bigint {
  return BigInt(`0x${a}`) ^ BigInt(`0x${b}`)
}

/** By brute force. */
export function byDistance(target: Id, all: readonly Member[]): Member[] {
  return [...all].sort((a, b) => (distance(a.id, target) < distance(b.id, target) ? -1 : 1))
}

/** Ids and members for the laws of Bamboo, and what is right by brute force. */
import fc from "fast-check"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"

export const ringSize = 1n << 160n

/** Ids as a hash function gives them. */
export const evenId: fc.Arbitrary<Id> = fc
  .array(fc.nat(15), { minLength: 40, maxLength: 40 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(""))

/** Ids of which some are neighbours, or share long prefixes. */
export const id: fc.Arbitrary<Id> = fc.oneof(
  evenId,
  fc.tuple(fc.constantFrom("0", "1", "7f", "8", "f"), fc.constantFrom("0", "8", "f"), fc.constantFrom("0", "1", "2", "f"))
    .map(([head, middle, end]) => head.padEnd(39, middle) + end),
)

export function memberOf(id: Id): Member {
  return { id, peerId: `peer-${id}`, addresses: [] }
}

/** A different member for each id. */
export const members = (minLength: number, maxLength: number, ids = evenId): fc.Arbitrary<Member[]> =>
  fc.uniqueArray(ids, { minLength, maxLength }).map((all) => all.map(memberOf))

export function number(id: Id): bigint {
  return BigInt(`0x${id}`)
}

export function clockwise(from: Id, to: Id): bigint {
  return (number(to) - number(from) + ringSize) % ringSize
}

/** Around the ring, the shorter way. */
export function distance(a: Id, b: Id): bigint {
  const there = clockwise(a, b)
  const back = clockwise(b, a)
  return there < back ? there : back
}

/** The closest first; of two as close, the one before the key. */
export function byCloseness(key: Id, all: readonly Member[]): Member[] {
  return [...all].sort((a, b) => {
    const gap = distance(a.id, key) - distance(b.id, key)
    return gap === 0n ? (clockwise(a.id, key) <= clockwise(b.id, key) ? -1 : 1) : gap < 0n ? -1 : 1
  })
}

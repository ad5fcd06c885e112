/** Bodies of each backend's own methods that decode, with contents that no honest peer would send. */
import fc from "fast-check"
import {
  bambooMethods, encodeExchangeAnswer, encodeExchangeRequest, encodeFind as encodeBambooFind, encodeFindAnswer, encodeMember, encodeRow,
  encodeRowAnswer, markOf, maxListed,
} from "../../backends/bamboo/messages.ts"
import { chordMethods, encodeFind as encodeChordFind, encodeLost, encodeMissed, encodeNotification, encodeReport } from "../../backends/chord/messages.ts"
import {
  encodeAnnouncement, encodeAnnouncementAnswer, encodeFarewell, encodeFind as encodeKademliaFind, encodeMembers, kademliaMethods,
  shortIdDigits,
} from "../../backends/kademlia/messages.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"

/** One body, and the number of the method whose request or answer it is. */
export type Body = readonly [method: number, bytes: Uint8Array]

/** What bodies are made of. */
export interface Ingredients {
  /** The attacker. */
  readonly self: Member
  /** The attacker, its victim, or somebody who cannot be. */
  readonly member: fc.Arbitrary<Member>
  readonly id: fc.Arbitrary<string>
  /** At the ends of what fits in 32 bits. */
  readonly number: fc.Arbitrary<number>
}

export type HostileBackend = "chord" | "kademlia" | "bamboo"

export function bodyOf<T>(method: number, arbitrary: fc.Arbitrary<T>, encode: (value: T) => Uint8Array): fc.Arbitrary<Body> {
  return arbitrary.map((value) => [method, encode(value)] as const)
}

const anything = fc.uint8Array({ maxLength: 40 })
const asIs = (bytes: Uint8Array): Uint8Array => bytes

/** See the head of this file; lists are in no order, and name strangers. */
export const backendBodies: Readonly<Record<HostileBackend, (ingredients: Ingredients) => fc.Arbitrary<Body>>> = {
  chord: ({ self, member, id, number }) => {
    const members = fc.array(member, { maxLength: 8 })
    const told = fc.record({ version: number, accepted: fc.boolean(), predecessor: member, successors: members })
    return fc.oneof(
      bodyOf(chordMethods.ask, fc.uint8Array({ minLength: 4, maxLength: 4 }), asIs),
      bodyOf(chordMethods.notify, fc.record({ life: number, predecessors: members }), (one) => encodeNotification({ notifier: self, ...one })),
      bodyOf(chordMethods.find, fc.record({ key: id, isJoining: fc.boolean() }), encodeChordFind),
      bodyOf(chordMethods.leave, told, (one) => encodeReport({ teller: self, told: one })),
      bodyOf(chordMethods.update, told, (one) => encodeReport({ teller: self, told: one })),
      bodyOf(chordMethods.lost, member, encodeLost),
      bodyOf(chordMethods.missed, members, encodeMissed),
    )
  },
  kademlia: ({ self, member, id }) => {
    const { ping, announce, find, leave, lost, missed } = kademliaMethods
    const members = fc.array(member, { maxLength: 32 })
    // Mostly the attacker itself, for whom others are refused at once.
    const teller = fc.oneof({ weight: 4, arbitrary: fc.constant(self) }, member)
    const digest = fc.constantFrom("0".repeat(16), "f".repeat(16))
    const flags = { isActive: fc.boolean(), isComplete: fc.boolean(), verdict: fc.nat() }
    const known = fc.array(id.map((one) => one.slice(0, shortIdDigits)), { maxLength: 64 })
    return fc.oneof(
      bodyOf(ping, anything, asIs),
      bodyOf(announce, fc.record({ digest, details: fc.option(fc.record({ member: teller, known }), { nil: undefined }), ...flags }), encodeAnnouncement),
      bodyOf(announce, fc.record({ members, wantsDetails: fc.boolean(), ...flags }), encodeAnnouncementAnswer),
      bodyOf(find, fc.record({ key: id, count: fc.constantFrom(0, 1, 32, 255), asker: fc.option(teller, { nil: undefined }) }), encodeKademliaFind),
      bodyOf(leave, fc.record({ leaver: teller, members }), encodeFarewell),
      bodyOf(lost, members, encodeMembers),
      bodyOf(missed, members, encodeMembers),
    )
  },
  bamboo: ({ self, member, id, number }) => {
    const { exchange, find, row, leave, ping, lost, missed } = bambooMethods
    const far = fc.constantFrom(-8192, 0, 0.25, 8191.75)
    const coordinate = fc.record({ x: far, y: far, height: far, error: fc.constantFrom(0, 1) })
    const marks = fc.array(id.map(markOf), { maxLength: maxListed + 1 })
    const elder = fc.option(member, { nil: undefined })
    const statement = fc.record({
      hasLow: fc.boolean(), hasHigh: fc.boolean(), incarnation: number, verdict: number, coordinate, elderBefore: elder, elderAfter: elder, before: marks, after: marks,
    })
    const named = fc.array(fc.record({ member, coordinate: fc.option(coordinate, { nil: undefined }) }), { maxLength: maxListed })
    const teller = fc.oneof({ weight: 4, arbitrary: fc.constant(self) }, member)
    return fc.oneof(
      bodyOf(ping, anything, asIs),
      bodyOf(exchange, fc.record({ teller, statement }), encodeExchangeRequest),
      bodyOf(exchange, fc.record({ statement, named }), encodeExchangeAnswer),
      bodyOf(find, fc.record({ key: id, isJoining: fc.boolean() }), encodeBambooFind),
      bodyOf(find, fc.record({ isRoot: fc.boolean(), named }), encodeFindAnswer),
      bodyOf(row, fc.nat(255), encodeRow),
      bodyOf(row, named, encodeRowAnswer),
      bodyOf(leave, fc.record({ teller, statement }), encodeExchangeRequest),
      bodyOf(lost, member, encodeMember),
      bodyOf(missed, fc.array(member, { maxLength: maxListed + 1 }), encodeMembers),
    )
  },
}

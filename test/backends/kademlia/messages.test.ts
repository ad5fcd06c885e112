import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  decodeAnnouncement, decodeAnnouncementAnswer, decodeFarewell, decodeFind, decodeMembers, encodeAnnouncement,
  encodeAnnouncementAnswer, encodeFarewell, encodeFind, encodeMembers, maxListedMembers,
} from "../../../backends/kademlia/messages.ts"
import { ByteReader } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { evenId } from "./arbitraries.ts"

const member = fc.record({ peerId: fc.string({ minLength: 1, maxLength: 30 }), addresses: fc.array(fc.string({ maxLength: 40 }), { maxLength: 3 }) }).map(memberOf)
const list = fc.array(member, { maxLength: maxListedMembers })

describe("frames", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(member, list, evenId, fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 32 }), fc.nat(), (one, members, key, isActive, isComplete, count, verdict) => {
        const details = isComplete ? { member: one, known: [key.slice(0, 16)] } : undefined
        const announcement = { isActive, isComplete, verdict, digest: key.slice(-16), details }
        expect(decodeAnnouncement(new ByteReader(encodeAnnouncement(announcement)))).toEqual(announcement)
        const answer = { isActive, isComplete, verdict, wantsDetails: isActive, members }
        expect(decodeAnnouncementAnswer(new ByteReader(encodeAnnouncementAnswer(answer)))).toEqual(answer)
        const request = { key, count, asker: isActive ? one : undefined }
        expect(decodeFind(new ByteReader(encodeFind(request)))).toEqual(request)
        expect(decodeMembers(new ByteReader(encodeMembers(members)))).toEqual(members)
        expect(decodeFarewell(new ByteReader(encodeFarewell({ leaver: one, members })))).toEqual({ leaver: one, members })
      }),
      { numRuns: 50 },
    )
  })

  test("name no more than may be read", () => {
    const many = Array.from({ length: 40 }, (_, at) => memberOf({ peerId: `p${at}`, addresses: [] }))
    expect(decodeMembers(new ByteReader(encodeMembers(many)))).toHaveLength(maxListedMembers)
  })

  test.each([decodeAnnouncement, decodeAnnouncementAnswer, decodeFind, decodeMembers, decodeFarewell])("%o takes any bytes for a frame or a bad frame", (decode) => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(3), { maxLength: 60 }).map((all) => Uint8Array.from(all)))
    fc.assert(
      fc.property(bytes, (frame) => {
        try {
          decode(new ByteReader(frame))
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

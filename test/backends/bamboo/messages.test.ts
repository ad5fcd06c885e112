import fc from "fast-check"
import { expect, test } from "vitest"
import {
  decodeExchangeAnswer, decodeExchangeRequest, decodeFind, decodeFindAnswer, decodeMember, decodeMembers, decodeRow, decodeRowAnswer,
  encodeExchangeAnswer, encodeExchangeRequest, encodeFind, encodeFindAnswer, encodeRow, markOf, maxListed,
} from "../../../backends/bamboo/messages.ts"
import type { Named, Statement } from "../../../backends/bamboo/messages.ts"
import { ByteReader } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { idOfPeer } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { evenId } from "./arbitraries.ts"

const member: fc.Arbitrary<Member> = fc
  .record({ peerId: fc.string({ minLength: 1, maxLength: 30 }), addresses: fc.array(fc.string({ maxLength: 40 }), { maxLength: 3 }) })
  .map(({ peerId, addresses }) => ({ id: idOfPeer(peerId), peerId, addresses }))
const quarter = (min: number, max: number) => fc.integer({ min: 4 * min, max: 4 * max }).map((steps) => steps / 4)
const coordinate = fc.record({ x: quarter(-8000, 8000), y: quarter(-8000, 8000), height: quarter(0, 8000), error: fc.constantFrom(0, 1) })
const named: fc.Arbitrary<Named> = fc.record({ member, coordinate: fc.option(coordinate, { nil: undefined }) })
const marks = fc.array(evenId.map(markOf), { maxLength: maxListed })
const elder = fc.option(member, { nil: undefined })
const statement: fc.Arbitrary<Statement> = fc.record({
  hasLow: fc.boolean(), hasHigh: fc.boolean(), incarnation: fc.nat(), verdict: fc.nat(), coordinate, elderBefore: elder, elderAfter: elder, before: marks, after: marks,
})
const list = fc.array(named, { maxLength: maxListed })

test("what is written is what is read", () => {
  fc.assert(
    fc.property(member, statement, list, evenId, fc.boolean(), (teller, said, all, key, flag) => {
      expect(decodeExchangeRequest(new ByteReader(encodeExchangeRequest({ teller, statement: said })))).toEqual({ teller, statement: said })
      expect(decodeExchangeAnswer(new ByteReader(encodeExchangeAnswer({ statement: said, named: all })))).toEqual({ statement: said, named: all })
      expect(decodeFind(new ByteReader(encodeFind({ key, isJoining: flag })))).toEqual({ key, isJoining: flag })
      expect(decodeFindAnswer(new ByteReader(encodeFindAnswer({ isRoot: flag, named: all })))).toEqual({ isRoot: flag, named: all })
    }),
  )
})

test("any other bytes are a bad frame", () => {
  const decoders = [decodeExchangeRequest, decodeExchangeAnswer, decodeFind, decodeFindAnswer, decodeRow, decodeRowAnswer, decodeMember, decodeMembers]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(new ByteReader(bytes))
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test("longer lists, rows beyond the last and negative heights are refused", () => {
  const all = Array.from({ length: maxListed + 1 }, () => markOf("0".repeat(40)))
  const said: Statement = {
    hasLow: true, hasHigh: true, incarnation: 1, verdict: 0, coordinate: { x: 0, y: 0, height: 0, error: 1 },
    elderBefore: undefined, elderAfter: undefined, before: [], after: [],
  }
  const badFrame = expect.objectContaining({ code: "P2PSIP_BAD_FRAME" }) as Error
  const decode = (statement: Statement) => decodeExchangeAnswer(new ByteReader(encodeExchangeAnswer({ statement, named: [] })))
  expect(() => decode({ ...said, before: all })).toThrow(badFrame)
  expect(() => decode({ ...said, after: all })).toThrow(badFrame)
  expect(() => decode({ ...said, coordinate: { ...said.coordinate, height: -1 } })).toThrow(badFrame)
  expect(() => decodeRow(new ByteReader(encodeRow(40)))).toThrow(badFrame)
})

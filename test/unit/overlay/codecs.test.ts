import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ByteReader, ByteWriter } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { encodeForward, encodeReturn, readForward, readJourney, readReturn } from "../../../src/overlay/forward-codec.ts"
import { memberOf, readMember, writeMember } from "../../../src/overlay/member-codec.ts"
import { encodeOperation, encodeRequest, encodeResult, readAnswer, readRequest } from "../../../src/overlay/operation-codec.ts"
import type { Operation } from "../../../src/overlay/operation-codec.ts"
import {
  encodeComparison, readCompare, readComparison, readFetched, readKeys, readOffer, readRefused, readStore, readVerdicts,
} from "../../../src/overlay/transfer-codec.ts"
import { bytes, id } from "./arbitraries.ts"

const decoders: Record<string, (reader: ByteReader) => unknown> = {
  readMember, readRequest, readAnswer, readForward, readJourney, readReturn, readCompare, readComparison, readKeys, readOffer, readRefused, readVerdicts,
  readStore: (reader) => readStore(reader, 0),
  readFetched: (reader) => readFetched(reader, ["1".repeat(40), "2".repeat(40)], 0),
}

describe.each(Object.entries(decoders))("%s", (_name, decode) => {
  it("takes any bytes, or refuses them as a bad frame", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (frame) => {
      try {
        decode(new ByteReader(frame))
      } catch (error) {
        expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
      }
    }), { numRuns: 1_000 })
  })

  it("does not allocate by a count that the frame cannot hold", () => {
    const huge = new ByteWriter().fixed(new Uint8Array(60)).varint(2 ** 40).finish()
    for (let from = 0; from < huge.length; from++) {
      try {
        decode(new ByteReader(huge.subarray(from)))
      } catch (error) {
        expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
      }
    }
  })
})

const data = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((list) => Buffer.from(list))
const sequence = fc.option(fc.record({ series: data, number: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }), { nil: undefined })
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant("update" as const),
    update: fc.record({
      operationId: bytes(8),
      preconditions: fc.array(fc.oneof(
        fc.record({ kind: fc.constant("empty" as const) }),
        fc.record({ kind: fc.constantFrom("exists" as const, "absent" as const), valueHash: data }),
        fc.record({ kind: fc.constant("atMost" as const), values: fc.nat(65_535) }),
      ), { maxLength: 3 }),
      mutations: fc.array(fc.oneof(
        fc.record({ kind: fc.constant("removeAll" as const), sequence }),
        fc.record({ kind: fc.constant("remove" as const), valueHash: data, sequence }),
        fc.record({ kind: fc.constant("put" as const), value: data, valueHash: data, ttlSeconds: fc.integer({ min: 1, max: 2 ** 31 - 1 }), sequence }),
      ), { maxLength: 3 }),
    }),
  }),
  fc.record({ kind: fc.constant("get" as const), consistency: fc.constantFrom("owner" as const, "any" as const, "all" as const) }),
  fc.record({ kind: fc.constant("lookup" as const) }),
)

it("an operation arrives as it was sent", () => {
  fc.assert(fc.property(id, operation, fc.array(fc.string({ minLength: 1, maxLength: 9, unit: "binary-ascii" }), { maxLength: 3 }), (key, sent, avoid) => {
    const received = readRequest(new ByteReader(encodeRequest(key, sent.kind, avoid, encodeOperation(sent))))
    expect(received).toEqual({ key, avoid, operation: sent })
  }))
})

it("an operation that is passed on arrives as it was sent, and so does what its answer has to say of the journey", () => {
  const mark = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  fc.assert(fc.property(id, operation, mark, fc.integer({ min: 1, max: 65_535 }), fc.array(mark, { maxLength: 24 }), (key, sent, name, withinMs, trail) => {
    const bytes = encodeRequest(key, sent.kind, ["silent"], encodeOperation(sent))
    const received = readForward(new ByteReader(encodeForward({ name, withinMs, trail }, bytes)))
    expect(received).toEqual({ name, withinMs, trail, request: { key, avoid: ["silent"], operation: sent }, bytes: Buffer.from(bytes) })
  }))
  fc.assert(fc.property(fc.nat(255), fc.array(fc.string({ minLength: 1, maxLength: 9, unit: "binary-ascii" }), { maxLength: 3 }), (hops, peerIds) => {
    const via = peerIds.map((peerId) => memberOf({ peerId, addresses: ["/memory/1"] }))
    const answer = encodeResult({ status: "redirect", members: via }, 0).finish()
    const read = readReturn(new ByteReader(encodeReturn({ hops, via }, answer).finish()))
    expect(read).toEqual({ hops, via, answer: { status: "redirect", members: via } })
  }))
})

it("a member's place is computed, not believed; too many addresses are left out", () => {
  const writer = new ByteWriter()
  writeMember(writer, { id: "f".repeat(40), peerId: "peer", addresses: Array.from({ length: 40 }, (_, i) => `/memory/${i}`) })
  const member = readMember(new ByteReader(writer.finish()))
  expect(member.id).not.toBe("f".repeat(40))
  expect(member.addresses).toHaveLength(16)
})

const lead = fc.record({
  member: fc.constantFrom("a", "b").map((peerId) => memberOf({ peerId, addresses: [`/memory/${peerId}`] })),
  ranges: fc.array(fc.record({ from: id, to: id }), { maxLength: 3 }),
})

it("a comparison arrives as it was sent", () => {
  const keyDigest = fc.record({ key: id, high: fc.nat(), low: fc.nat() })
  const comparison = fc.record({
    order: fc.maxSafeNat(),
    upTo: id,
    buckets: fc.array(fc.nat(4095), { maxLength: 5 }),
    keys: fc.array(keyDigest, { maxLength: 5 }),
    leads: fc.array(lead, { maxLength: 3 }),
  })
  fc.assert(fc.property(comparison, (sent) => {
    expect(readComparison(new ByteReader(encodeComparison(sent).finish()))).toEqual(sent)
  }))
})

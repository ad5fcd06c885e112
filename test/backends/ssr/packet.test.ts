import fc from "fast-check"
import { expect, test } from "vitest"
import { ringSize } from "../../../backends/ssr/address.ts"
import { decodeHello, encodeHello, helloKinds } from "../../../backends/ssr/hello.ts"
import { decodePiece, encodePiece } from "../../../backends/ssr/mesh-frame.ts"
import { decodePacket, encodePacket, headerBytes, nextNode, packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import type { Packet, PacketType } from "../../../backends/ssr/packet.ts"
import { decodeUpdate, encodeUpdate } from "../../../backends/ssr/ring-messages.ts"
import { ByteReader } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"

const address = fc.integer({ min: 0, max: ringSize - 1 })
const route = (minLength: number) => fc.uniqueArray(address, { minLength, maxLength: 20 })
/** Packets on their way: there is a next node. */
const packet: fc.Arbitrary<Packet> = fc
  .record({
    type: fc.constantFrom<PacketType>(...Object.values(packetTypes)), stub: fc.uniqueArray(address, { maxLength: 5 }), route: route(2),
    place: fc.nat(), destination: address, payloadType: fc.constantFrom(...Object.values(payloadTypes)), origin: fc.option(address, { nil: undefined }), payload: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ place, origin, stub, ...rest }) => {
    const hop = place % (rest.route.length - 1)
    const goal = rest.route[hop] as number
    return { ...rest, ...(origin === undefined ? {} : { origin }), hop, stub: stub.length === 0 ? stub : [...stub.filter((one) => one !== goal), goal] }
  })

test("a packet's header is Linyphi's, byte for byte", () => {
  const payload = Buffer.from("payload")
  const bytes = encodePacket({
    type: packetTypes.closest, stub: [], route: [0x0a, 0x0b, 0x0c], hop: 1, destination: 0x0d, payloadType: payloadTypes.application, payload,
  })
  expect(Buffer.from(bytes).toString("hex")).toBe([
    "0e", "0000", "0003", "00000000000a", "00000000000b", "00000000000c", "01", "00000000000c", "00000000000c", "00000000000d", "0000000a",
    payload.toString("hex"),
  ].join(""))
  expect(bytes.length).toBe(headerBytes(0, 3) + payload.length)
})

test("the next node reads what was written", () => {
  fc.assert(
    fc.property(packet, (one) => {
      const next = nextNode(one)
      const read = decodePacket(new ByteReader(encodePacket(one)), next ?? 0)
      expect({ ...read, payload: Uint8Array.from(read.payload) }).toEqual(one)
    }),
  )
})

test("a packet for another node, of an unknown type, with a circle or a route that ends elsewhere is a bad frame", () => {
  const good: Packet = { type: packetTypes.connect, stub: [], route: [1, 2, 3], hop: 0, destination: 3, payloadType: 0, payload: new Uint8Array(0) }
  const badFrame = expect.objectContaining({ code: "P2PSIP_BAD_FRAME" }) as Error
  const decode = (one: Packet, change?: (bytes: Uint8Array) => void, self = 2): Packet => {
    const bytes = encodePacket(one)
    change?.(bytes)
    return decodePacket(new ByteReader(bytes), self)
  }
  expect(decode(good).route).toEqual([1, 2, 3])
  expect(() => decode(good, undefined, 3)).toThrow(badFrame)
  expect(() => decode({ ...good, route: [1, 2, 1] })).toThrow(badFrame)
  expect(() => decode({ ...good, hop: 2 })).toThrow(badFrame)
  expect(decode({ ...good, stub: [2, 1] }).stub).toEqual([2, 1])
  expect(() => decode({ ...good, stub: [2, 3] })).toThrow(badFrame)
  expect(() => decode({ ...good, payloadType: 256 })).toThrow(badFrame)
  expect(() => decode(good, (bytes) => bytes.fill(0x55, 0, 1))).toThrow(badFrame)
  expect(() => decode(good, (bytes) => bytes.fill(0xff, 3, 5))).toThrow(badFrame)
})

test("what nodes say about the ring, hellos and pieces of frames are read as written", () => {
  fc.assert(
    fc.property(route(2), fc.uint8Array({ maxLength: 50 }), fc.nat({ max: 2 ** 32 - 1 }), fc.array(fc.string({ maxLength: 30 }), { maxLength: 4 }),
      (way, bytes, number, addresses) => {
        for (const update of [{ kind: "agreed", claim: { sides: ["right"], serves: true, given: 7 } }, { kind: "agreed", claim: { sides: ["left", "right"], serves: false } }, { kind: "farewell" }, { kind: "candidate", route: way }] as const) {
          expect(decodeUpdate(new ByteReader(encodeUpdate(update)))).toEqual(update)
        }
        const hello = { kind: helloKinds.ask, addresses, others: [{ peerId: "someone", addresses }] }
        expect(decodeHello(new ByteReader(encodeHello(hello)))).toEqual(hello)
        const piece = { channel: 2, epoch: number, sequence: number, index: 1, count: 3, bytes } as const
        const read = decodePiece(new ByteReader(encodePiece(piece)))
        expect({ ...read, bytes: Uint8Array.from(read.bytes) }).toEqual(piece)
      }),
  )
})

test("any other bytes are a bad frame", () => {
  const decoders = [(reader: ByteReader) => decodePacket(reader, 1), decodeUpdate, decodeHello, decodePiece]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
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

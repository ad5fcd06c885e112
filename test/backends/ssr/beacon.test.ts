import fc from "fast-check"
import { expect, test } from "vitest"
import { ringSize } from "../../../backends/ssr/address.ts"
import type { Beacon, PacketPiece } from "../../../backends/ssr/beacon.ts"
import { decodeBeacon, decodePacketPiece, encodeBeacon, encodePacketPiece, maxHeard } from "../../../backends/ssr/beacon.ts"
import { ByteReader } from "../../../src/codec.ts"
import { isP2PSipError } from "../../../src/errors.ts"

const address = fc.integer({ min: 0, max: ringSize - 1 })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const beacon: fc.Arbitrary<Beacon> = fc.record({
  address, epoch: uint32, sequence: uint32, intervalMs: fc.integer({ min: 0, max: 0xffff }),
  heard: fc.array(fc.record({ address, quality: fc.integer({ min: 0, max: 255 }).map((units) => units / 255) }), { maxLength: maxHeard }),
})
const piece: fc.Arbitrary<PacketPiece> = fc
  .record({ address, epoch: uint32, sequence: uint32, index: fc.nat(63), left: fc.nat(63), bytes: fc.uint8Array({ maxLength: 100 }) })
  .map(({ left, ...rest }) => ({ ...rest, count: Math.min(64, rest.index + 1 + left) }))

test("beacons and pieces of packets are read as written", () => {
  fc.assert(
    fc.property(beacon, piece, (oneBeacon, onePiece) => {
      expect(decodeBeacon(new ByteReader(encodeBeacon(oneBeacon)))).toEqual(oneBeacon)
      const read = decodePacketPiece(new ByteReader(encodePacketPiece(onePiece)))
      expect({ ...read, bytes: Uint8Array.from(read.bytes) }).toEqual(onePiece)
    }),
  )
})

test("the fullest beacon fits into the shortest datagram that every link takes", () => {
  const heard = Array.from({ length: maxHeard }, (_, at) => ({ address: at, quality: 1 }))
  expect(encodeBeacon({ address: 1, epoch: 1, sequence: 1, intervalMs: 500, heard }).length).toBeLessThanOrEqual(1232)
})

test("whatever else comes is a bad frame, nothing worse", () => {
  const decoders = [decodeBeacon, decodePacketPiece]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.tuple(fc.constantFrom(0xb1, 0xb2), fc.uint8Array({ maxLength: 80 })).map(([kind, rest]) => Uint8Array.of(kind, ...rest)),
  )
  fc.assert(
    fc.property(bytes, (frame) => {
      for (const decode of decoders) {
        try {
          decode(new ByteReader(frame))
        } catch (error) {
          expect(isP2PSipError(error, "P2PSIP_BAD_FRAME")).toBe(true)
        }
      }
    }),
  )
})

/**
 * Datagrams between nodes on one network interface: beacons to everybody
 * there, and packets to one neighbour, in pieces. See PROTOCOL.md.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { Address } from "./address.ts"
import { maxPieces } from "./mesh-frame.ts"
import { readAddress, writeAddress } from "./packet.ts"

/** The first byte of a datagram; different from those of packets and hellos. */
export const datagramKinds = { beacon: 0xb1, piece: 0xb2 } as const

/** What the sender of a beacon hears of another node. */
export interface Heard {
  readonly address: Address
  /** Share of that one's beacons that came, 0 to 1; 1/255 is as good as it is told. 0: a neighbour on another interface. */
  readonly quality: number
}

/** "Here I am, and these I hear." */
export interface Beacon {
  readonly address: Address
  /** Names the sender's process: a restarted one begins anew. */
  readonly epoch: number
  /** Counts the beacons of this process on this interface. */
  readonly sequence: number
  /** Milliseconds to the next one at the latest; 0: there is none, the sender goes. */
  readonly intervalMs: number
  readonly heard: readonly Heard[]
}

/** A packet for one neighbour, or a piece of it. */
export interface PacketPiece {
  readonly address: Address
  readonly epoch: number
  /** Of the packet, among all of the sender's. */
  readonly sequence: number
  readonly index: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** So many fit into the shortest datagram that every IPv6 link takes whole. */
export const maxHeard = 128
/** Bytes of a piece without its own. */
export const pieceOverheadBytes = 17
export const maxIntervalMs = 0xffff
const beaconHeadBytes = 18
const heardBytes = 7
const qualityUnits = 255

export function encodeBeacon({ address, epoch, sequence, intervalMs, heard }: Beacon): Uint8Array {
  const writer = new ByteWriter(beaconHeadBytes + heard.length * heardBytes).uint8(datagramKinds.beacon)
  writeAddress(writer, address)
  writer.uint32(epoch).uint32(sequence).uint16(intervalMs).uint8(heard.length)
  for (const one of heard) {
    writeAddress(writer, one.address)
    writer.uint8(Math.round(one.quality * qualityUnits))
  }
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeBeacon(reader: ByteReader): Beacon {
  if (reader.uint8() !== datagramKinds.beacon) throw badFrame("a beacon", "another datagram")
  const head = { address: readAddress(reader), epoch: reader.uint32(), sequence: reader.uint32(), intervalMs: reader.uint16() }
  const count = reader.uint8()
  if (count > maxHeard) throw badFrame(`at most ${maxHeard} nodes heard`, `${count}`)
  const heard: Heard[] = []
  for (let left = count; left > 0; left--) heard.push({ address: readAddress(reader), quality: reader.uint8() / qualityUnits })
  reader.end()
  return { ...head, heard }
}

export function encodePacketPiece({ address, epoch, sequence, index, count, bytes }: PacketPiece): Uint8Array {
  const writer = new ByteWriter(pieceOverheadBytes + bytes.length).uint8(datagramKinds.piece)
  writeAddress(writer, address)
  return writer.uint32(epoch).uint32(sequence).uint8(index).uint8(count).fixed(bytes).finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodePacketPiece(reader: ByteReader): PacketPiece {
  if (reader.uint8() !== datagramKinds.piece) throw badFrame("a piece of a packet", "another datagram")
  const [address, epoch, sequence, index, count] = [readAddress(reader), reader.uint32(), reader.uint32(), reader.uint8(), reader.uint8()]
  if (count === 0 || count > maxPieces || index >= count) throw badFrame(`a piece of at most ${maxPieces}`, `${index} of ${count}`)
  return { address, epoch, sequence, index, count, bytes: reader.fixed(reader.remaining) }
}

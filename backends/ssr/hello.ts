/**
 * What peers on a wired network say to become, and stay, neighbours. The first
 * byte tells it from packets. See PROTOCOL.md.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { PeerAddress } from "../../src/link/link.ts"

export const helloKinds = {
  /** "Be my neighbour"; every now and then, "are you still?" */
  ask: 0x80,
  yes: 0x81,
  /** This peer has as many links as it wants, or goes away. */
  no: 0x82,
  /** "No way of my mesh leads to you: be my neighbour." */
  seek: 0x83,
  /** "These were neighbours of mine, and have fallen silent: do they answer you?" */
  silent: 0x84,
} as const

export type HelloKind = (typeof helloKinds)[keyof typeof helloKinds]

export interface Hello {
  readonly kind: HelloKind
  /** Where the sender can be reached. */
  readonly addresses: readonly string[]
  /** Some other peers: that may be asked, or that are silent. */
  readonly others: readonly PeerAddress[]
}

export const maxOthers = 8
const maxAddresses = 8
const maxAddressBytes = 256
const maxPeerIdBytes = 128
const kinds: ReadonlySet<number> = new Set(Object.values(helloKinds))

/** Whether a frame is one of these, not a packet. */
export function isHello(frame: Uint8Array): boolean {
  return kinds.has(frame[0] ?? 0)
}

export function encodeHello({ kind, addresses, others }: Hello): Uint8Array {
  const writer = new ByteWriter(128).uint8(kind)
  writeAddresses(writer, addresses)
  writer.varint(others.length)
  for (const other of others) writeAddresses(writer.text(other.peerId), other.addresses)
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodeHello(reader: ByteReader): Hello {
  const kind = reader.uint8()
  if (!kinds.has(kind)) throw badFrame("a kind of hello", `${kind}`)
  const addresses = readAddresses(reader)
  const others: PeerAddress[] = []
  for (let left = reader.count(maxOthers, 2); left > 0; left--) {
    others.push({ peerId: reader.text(maxPeerIdBytes), addresses: readAddresses(reader) })
  }
  reader.end()
  return { kind: kind as HelloKind, addresses, others }
}

function writeAddresses(writer: ByteWriter, addresses: readonly string[]): void {
  const short = addresses.filter(({ length }) => length <= maxAddressBytes).slice(0, maxAddresses)
  writer.varint(short.length)
  for (const address of short) writer.text(address)
}

function readAddresses(reader: ByteReader): readonly string[] {
  const addresses: string[] = []
  for (let left = reader.count(maxAddresses); left > 0; left--) addresses.push(reader.text(maxAddressBytes))
  return addresses
}

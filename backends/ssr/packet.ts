/**
 * Packets of the mesh: one layout for all of them, Linyphi's Connect
 * (Table 2 of its description). See PROTOCOL.md.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { Address } from "./address.ts"
import { addressBytes } from "./address.ts"
import { homeOf } from "./address-map.ts"

/** The first byte of a packet. */
export const packetTypes = {
  /** To exactly its destination. */
  connect: 0x03,
  /** To the smallest address there is: closes the ring. */
  newNodeAnnounce: 0x04,
  unreachable: 0x06,
  notification: 0x07,
  update: 0x08,
  linkBroken: 0x09,
  pathAnnounce: 0x0a,
  /** Flooded: the largest address there is, and the way to it. */
  maxNodeAnnounce: 0x0b,
  /** To whoever answers for its destination. */
  closest: 0x0e,
} as const

export type PacketType = (typeof packetTypes)[keyof typeof packetTypes]

/** What a payload is. */
export const payloadTypes = { none: 0, ipv4: 4, ipv6: 6, application: 10, trace: 11, media: 12 } as const

/** Added to the payload type: the payload begins with the address of the origin. */
export const originFlag = 0x80

/** Hop counts have one byte. */
export const maxRouteLength = 255

export interface Packet {
  readonly type: PacketType
  /** Nodes still to visit before the source route goes on: the way back to it, after a node has cut itself out. */
  readonly stub: readonly Address[]
  /** From the source to the node where the next decision is made, or to the destination. */
  readonly route: readonly Address[]
  /** Where in the source route the packet is, or will be after the stub route. */
  readonly hop: number
  readonly destination: Address
  readonly payloadType: number
  /** Who has sent it, where the route begins later: it grew too long. */
  readonly origin?: Address
  /** A view of the frame that it came in. */
  readonly payload: Uint8Array
}

const emptyRoute: readonly Address[] = []
const types: ReadonlySet<number> = new Set(Object.values(packetTypes))

/** The neighbour that a packet goes to next; undefined at its route's end. */
export function nextNode({ stub, route, hop }: Packet): Address | undefined {
  return stub.length > 0 ? stub[0] : route[hop + 1]
}

/** Who has sent a packet. */
export function sourceOf({ origin, route }: Packet): Address {
  return origin ?? (route[0] as Address)
}

/** Bytes of a packet without its payload. */
export function headerBytes(stubLength: number, routeLength: number): number {
  return 1 + 2 + stubLength * addressBytes + 2 + routeLength * addressBytes + 1 + 3 * addressBytes + 4
}

/** The bytes that go to the packet's next node. */
export function encodePacket(packet: Packet): Uint8Array {
  const { type, stub, route, hop, destination, payloadType, origin, payload } = packet
  const writer = new ByteWriter(headerBytes(stub.length, route.length) + payload.length)
  writer.uint8(type)
  writeRoute(writer, stub)
  writeRoute(writer, route)
  writer.uint8(hop)
  writeAddress(writer, route.at(-1) ?? destination)
  writeAddress(writer, nextNode(packet) ?? destination)
  writeAddress(writer, destination)
  if (origin === undefined) return writer.uint32(payloadType).fixed(payload).finish()
  writeAddress(writer.uint32(payloadType + originFlag), origin)
  return writer.fixed(payload).finish()
}

/** What a neighbour sent to `self`. Throws `P2PSIP_BAD_FRAME`. */
export function decodePacket(reader: ByteReader, self: Address): Packet {
  const type = reader.uint8()
  if (!types.has(type)) throw badFrame("a packet type", `${type}`)
  const stub = readRoute(reader)
  const route = readRoute(reader)
  const hop = reader.uint8()
  const current = readAddress(reader)
  const next = readAddress(reader)
  const destination = readAddress(reader)
  if (route.length === 0 || route.at(-1) !== current) throw badFrame("a route to the current destination", "another one")
  // Whoever is at the end of a stub route takes what the source route says of its own place for its neighbours.
  if (stub.length > 0 && stub.at(-1) !== route[hop]) throw badFrame("a stub route back to the source route", "one to elsewhere")
  const flagged = reader.uint32()
  if (flagged >= 2 * originFlag) throw badFrame("a payload type", `${flagged}`)
  const hasOrigin = flagged >= originFlag
  const origin = hasOrigin ? { origin: readAddress(reader) } : {}
  const payloadType = hasOrigin ? flagged - originFlag : flagged
  const packet = { type: type as PacketType, stub, route, hop, destination, payloadType, ...origin, payload: reader.fixed(reader.remaining) }
  if (next !== self || nextNode(packet) !== self) throw badFrame("a packet for this node", "one for another")
  return packet
}

/** Number of addresses in two bytes, then the addresses. */
export function writeRoute(writer: ByteWriter, route: readonly Address[]): void {
  writer.uint16(route.length)
  for (const address of route) writeAddress(writer, address)
}

/** Reads what `writeRoute` wrote: different addresses, at most 255. */
export function readRoute(reader: ByteReader): readonly Address[] {
  const length = reader.uint16()
  if (length === 0) return emptyRoute
  if (length > maxRouteLength || length * addressBytes > reader.remaining) throw badFrame("at most 255 addresses, all there", `${length}`)
  const bytes = reader.fixed(length * addressBytes)
  const route: Address[] = []
  for (let at = 0; at < bytes.length; at += addressBytes) route.push(addressAt(bytes, at))
  if (!areDifferent(route)) throw badFrame("a route without a circle", "one with a circle")
  return route
}

function addressAt(bytes: Uint8Array, at: number): Address {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  const low = ((bytes[at + 2] as number) << 24) | ((bytes[at + 3] as number) << 16) | ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number)
  return high * 0x1_0000_0000 + (low >>> 0)
}

/** Places of a table that is used for every route: a Set for each would be the dearest part of reading it. */
const places = 1024
const seen = new Float64Array(places)
const seenBy = new Uint32Array(places)
let reading = 0

function areDifferent(route: readonly Address[]): boolean {
  if (reading === 0xffff_ffff) {
    seenBy.fill(0)
    reading = 0
  }
  reading++
  for (const address of route) {
    let at = homeOf(address) >>> 22
    for (; seenBy[at] === reading; at = (at + 1) % places) if (seen[at] === address) return false
    seenBy[at] = reading
    seen[at] = address
  }
  return true
}

export function writeAddress(writer: ByteWriter, address: Address): void {
  writer.uint16(Math.floor(address / 0x1_0000_0000)).uint32(address % 0x1_0000_0000)
}

export function readAddress(reader: ByteReader): Address {
  return reader.uint16() * 0x1_0000_0000 + reader.uint32()
}

/**
 * SSR addresses: 48 bits on a ring, as numbers, which hold them exactly.
 *
 * Those of a mesh of routers come from their MAC addresses with the bytes
 * reversed, so that makers' prefixes do not bunch the nodes together (Linyphi);
 * where there is no MAC, from the peer's public key.
 */
import { P2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { idBytes, idOfPeer } from "../../src/overlay/id.ts"

/** A whole number below 2^48. */
export type Address = number

export const addressBytes = 6
const digits = addressBytes * 2
/** The number of addresses. */
export const ringSize = 2 ** 48
const prefix = "ssr-"

/** Twelve lower-case hexadecimal digits. */
export function formatAddress(address: Address): string {
  return address.toString(16).padStart(digits, "0")
}

/** Reads twelve hexadecimal digits, with or without colons. Throws `P2PSIP_BAD_CONFIG`. */
export function parseAddress(text: string): Address {
  const bare = text.replaceAll(":", "")
  if (!/^[0-9a-f]{12}$/i.test(bare)) throw new P2PSipError("P2PSIP_BAD_CONFIG", `SSR address: expected 12 hexadecimal digits, found "${text}"`)
  return Number.parseInt(bare, 16)
}

/** The address of a router: its MAC-48, last byte first. */
export function addressOfMac(mac: string): Address {
  const bytes = formatAddress(parseAddress(mac)).match(/../g) ?? []
  return Number.parseInt(bytes.reverse().join(""), 16)
}

/** The peer id of a node whose address was chosen, not derived from a key. */
export function peerIdOf(address: Address): PeerId {
  return prefix + formatAddress(address)
}

/** Where a peer sits: where its peer id says, or where its key puts it (see `idOfPeer`). */
export function addressOfPeer(peerId: PeerId): Address {
  return addressOfId(idOfPeer(peerId))
}

/** The first 48 bits of an identifier: the address to which packets about a key are sent. */
export function addressOfId(id: Id): Address {
  return Number.parseInt(id.slice(0, digits), 16)
}

/** The first identifier at an address: zeros follow at the least significant end. */
export function idOfAddress(address: Address): Id {
  return formatAddress(address).padEnd(idBytes * 2, "0")
}

/** How far it is from one address to another, clockwise. */
export function clockwise(from: Address, to: Address): number {
  return to >= from ? to - from : to - from + ringSize
}

/**
 * The key hash of the 2008 prototype: djb2 in 32 bits, padded with zeros at
 * the least significant end to 48.
 */
export function linyphiHash(key: Uint8Array): Address {
  let hash = 5381
  for (const byte of key) hash = (Math.imul(hash, 33) + byte) >>> 0
  return hash * 0x1_0000
}

/** A Linyphi IPv6 address: of a host, behind an interface of a router. */
export interface HostAddress {
  readonly router: Address
  /** Number of the interface, 0 to 255. */
  readonly port: number
  /** MAC-48 of the host, as a number. */
  readonly host: number
}

const linyphiPrefix = 0x01
const hostBytes = 16

/**
 * The 16 bytes of a Linyphi IPv6 address: 01, the router's address, the
 * interface, the host's MAC as EUI-64 with FF FE in its middle. The universal
 * bit stays as it is in the MAC (unlike RFC 4291, appendix A).
 */
export function encodeHostAddress({ router, port, host }: HostAddress): Uint8Array {
  const bytes = Buffer.alloc(hostBytes)
  bytes[0] = linyphiPrefix
  bytes.writeUIntBE(router, 1, addressBytes)
  bytes[7] = port
  bytes.writeUIntBE(Math.floor(host / 0x100_0000), 8, 3)
  bytes.writeUInt16BE(0xfffe, 11)
  bytes.writeUIntBE(host % 0x100_0000, 13, 3)
  return bytes
}

/** Reads what `encodeHostAddress` wrote; undefined for any other IPv6 address. */
export function decodeHostAddress(address: Uint8Array): HostAddress | undefined {
  const bytes = Buffer.from(address.buffer, address.byteOffset, address.byteLength)
  if (bytes.length !== hostBytes || bytes[0] !== linyphiPrefix || bytes.readUInt16BE(11) !== 0xfffe) return undefined
  const host = bytes.readUIntBE(8, 3) * 0x100_0000 + bytes.readUIntBE(13, 3)
  return { router: bytes.readUIntBE(1, addressBytes), port: bytes[7] ?? 0, host }
}

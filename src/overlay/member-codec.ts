/**
 * A member on the wire: its peer id and where it can be reached. Its place on
 * the ring is computed by the receiver, so that nobody can claim another's.
 */
import type { ByteReader, ByteWriter } from "../codec.ts"
import { badFrame } from "../codec.ts"
import type { PeerAddress } from "../link/link.ts"
import { idOfPeer } from "./id.ts"
import type { Member } from "./key-based-routing.ts"

export const maxPeerIdBytes = 128
export const maxAddresses = 16
export const maxAddressBytes = 256

/** The member that a peer's address stands for. */
export function memberOf(peer: PeerAddress): Member {
  return { id: idOfPeer(peer.peerId), peerId: peer.peerId, addresses: peer.addresses }
}

/** Addresses beyond the bounds are left out: the most useful come first. */
export function writeMember(writer: ByteWriter, member: Member): void {
  const addresses = member.addresses.filter((address) => address.length <= maxAddressBytes).slice(0, maxAddresses)
  writer.text(member.peerId).varint(addresses.length)
  for (const address of addresses) writer.text(address)
}

/** Reads what `writeMember` wrote; the id is computed here, never believed. */
export function readMember(reader: ByteReader): Member {
  const peerId = reader.text(maxPeerIdBytes)
  if (peerId === "") throw badFrame("a peer id", "an empty one")
  const addresses: string[] = []
  for (let left = reader.count(maxAddresses); left > 0; left--) addresses.push(reader.text(maxAddressBytes))
  return { id: idOfPeer(peerId), peerId, addresses }
}

/** Writes a list of members: their number, then each. */
export function writeMembers(writer: ByteWriter, members: readonly Member[]): void {
  writer.varint(members.length)
  for (const member of members) writeMember(writer, member)
}

/** Reads what `writeMembers` wrote; more than `max` is a bad frame. */
export function readMembers(reader: ByteReader, max: number): Member[] {
  const members: Member[] = []
  for (let left = reader.count(max, 2); left > 0; left--) members.push(readMember(reader))
  return members
}

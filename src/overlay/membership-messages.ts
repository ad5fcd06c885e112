/**
 * Frames of the membership protocol.
 *
 *     entry       status:uint8  incarnation:uint53  member
 *     gossip      digest:uint32  entries                         (request, reply and notification)
 *     sync        digest:uint32  entries  64 × digest:uint32     (request)
 *     sync reply  digest:uint32  entries  buckets:bytes
 */
import type { ByteReader } from "../codec.ts"
import { ByteWriter, badFrame } from "../codec.ts"
import { readMember, writeMember } from "./member-codec.ts"
import type { MembershipEntry, MemberStatus } from "./membership-table.ts"
import { bucketCount, memberStatuses } from "./membership-table.ts"

/** Numbers of RPC methods and notifications. */
export const membershipMethods = { gossip: 48, sync: 49 } as const

/** The most entries that one frame may carry. */
export const maxEntriesPerFrame = 4096

/** The fewest bytes that an entry takes: status, incarnation, a peer id of one letter, no addresses. */
const minEntryBytes = 12

const statuses: readonly MemberStatus[] = ["alive", "dead", "left"]

export interface Gossip {
  /** Fingerprint of the sender's table. */
  readonly digest: number
  readonly entries: readonly MembershipEntry[]
}

export interface SyncRequest extends Gossip {
  readonly bucketDigests: Uint32Array
}

export interface SyncReply extends Gossip {
  /** The buckets whose entries are all there. */
  readonly buckets: Uint8Array
}

export function encodeGossip(gossip: Gossip): Uint8Array {
  return writeGossip(gossip).finish()
}

export function decodeGossip(reader: ByteReader): Gossip {
  const gossip = readGossip(reader)
  reader.end()
  return gossip
}

export function encodeSyncRequest(request: SyncRequest): Uint8Array {
  const writer = writeGossip(request)
  for (const digest of request.bucketDigests) writer.uint32(digest)
  return writer.finish()
}

export function decodeSyncRequest(reader: ByteReader): SyncRequest {
  const gossip = readGossip(reader)
  const bucketDigests = Uint32Array.from({ length: bucketCount }, () => reader.uint32())
  reader.end()
  return { ...gossip, bucketDigests }
}

export function encodeSyncReply(reply: SyncReply): Uint8Array {
  return writeGossip(reply).bytes(reply.buckets).finish()
}

export function decodeSyncReply(reader: ByteReader): SyncReply {
  const gossip = readGossip(reader)
  const buckets = Uint8Array.from(reader.bytes(bucketCount))
  reader.end()
  return { ...gossip, buckets }
}

/** Bytes that an entry takes on the wire, roughly, never less. */
export function entryBytes({ member }: MembershipEntry): number {
  return member.addresses.reduce((sum, address) => sum + address.length + 2, 2 * member.peerId.length + minEntryBytes)
}

function writeGossip({ digest, entries }: Gossip): ByteWriter {
  const writer = new ByteWriter(512).uint32(digest).varint(entries.length)
  for (const { status, incarnation, member } of entries) {
    writer.uint8(memberStatuses[status]).uint53(incarnation)
    writeMember(writer, member)
  }
  return writer
}

function readGossip(reader: ByteReader): Gossip {
  const digest = reader.uint32()
  const entries: MembershipEntry[] = []
  for (let left = reader.count(maxEntriesPerFrame, minEntryBytes); left > 0; left--) entries.push(readEntry(reader))
  return { digest, entries }
}

function readEntry(reader: ByteReader): MembershipEntry {
  const number = reader.uint8()
  const status = statuses[number]
  if (status === undefined) throw badFrame("a member's status", `${number}`)
  const incarnation = reader.uint53()
  return { status, incarnation, member: readMember(reader) }
}

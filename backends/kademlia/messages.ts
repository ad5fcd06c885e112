/**
 * Frames of the Kademlia protocol; PROTOCOL.md draws them.
 *
 * A member's place is computed from its peer id by whoever reads it. Lists are
 * bounded before they are read.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { Id } from "../../src/overlay/id.ts"
import { idBytes } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { readMember, readMembers, writeMember, writeMembers } from "../../src/overlay/member-codec.ts"

/** Numbers of RPC methods and notifications. */
export const kademliaMethods = { ping: 80, announce: 81, find: 82, leave: 83, lost: 84, missed: 85 } as const

/** The longest list of members that is read. */
export const maxListedMembers = 32

/** So many digits of an id name a member in a list of those that need not be told. */
export const shortIdDigits = 16

/** So many ids at most: what goes beyond is told in vain. */
export const maxShortIds = 64

const digestBytes = 8

export interface Announcement {
  /** Whether it answers for keys; otherwise it joins. */
  readonly isActive: boolean
  /** Whether it has got the records of its keys, so that others can take them over from it. */
  readonly isComplete: boolean
  /** Not 0 where it took the receiver for dead, and may have answered for its keys: another number each time. */
  readonly verdict: number
  /** Stands for `details`: 16 digits, meaningful between announcer and receiver only. */
  readonly digest: string
  /** Left out where the receiver knows what the digest stands for. */
  readonly details: AnnouncedDetails | undefined
}

export interface AnnouncedDetails {
  readonly member: Member
  /** First digits of the ids of those whom it need not be told: its siblings, and whom it found dead of late. */
  readonly known: readonly string[]
}

export interface AnnouncementAnswer {
  readonly isActive: boolean
  readonly isComplete: boolean
  readonly verdict: number
  /** The digest says nothing to the answerer: it wants the details. */
  readonly wantsDetails: boolean
  /** Members close to the announcer that it did not list. */
  readonly members: readonly Member[]
}

export interface FindRequest {
  readonly key: Id
  readonly count: number
  /** The asker, if it is a member; one that wants to join is not. */
  readonly asker: Member | undefined
}

/** A farewell, and who can take the leaver's place. */
export interface Farewell {
  readonly leaver: Member
  readonly members: readonly Member[]
}

export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  const { digest, details } = announcement
  const writer = writePresence(announcement, details !== undefined).hex(digest)
  if (details === undefined) return writer.finish()
  writeMember(writer, details.member)
  const listed = details.known.slice(0, maxShortIds)
  writer.varint(listed.length)
  for (const id of listed) writer.hex(id.slice(0, shortIdDigits))
  return writer.finish()
}

export function decodeAnnouncement(reader: ByteReader): Announcement {
  const { isMarked, ...presence } = readPresence(reader)
  const digest = reader.hex(digestBytes)
  const details = isMarked ? readDetails(reader) : undefined
  reader.end()
  return { ...presence, digest, details }
}

function readDetails(reader: ByteReader): AnnouncedDetails {
  const member = readMember(reader)
  const known: string[] = []
  for (let left = reader.count(maxShortIds, shortIdDigits / 2); left > 0; left--) known.push(reader.hex(shortIdDigits / 2))
  return { member, known }
}

export function encodeAnnouncementAnswer(answer: AnnouncementAnswer): Uint8Array {
  const writer = writePresence(answer, answer.wantsDetails)
  writeMembers(writer, answer.members.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeAnnouncementAnswer(reader: ByteReader): AnnouncementAnswer {
  const { isMarked: wantsDetails, ...presence } = readPresence(reader)
  const members = readMembers(reader, maxListedMembers)
  reader.end()
  return { ...presence, wantsDetails, members }
}

export function encodeFind({ key, count, asker }: FindRequest): Uint8Array {
  const writer = new ByteWriter().hex(key).uint8(Math.min(count, maxListedMembers)).uint8(asker === undefined ? 0 : 1)
  if (asker !== undefined) writeMember(writer, asker)
  return writer.finish()
}

export function decodeFind(reader: ByteReader): FindRequest {
  const key = reader.hex(idBytes)
  const count = reader.uint8()
  if (count < 1 || count > maxListedMembers) throw badFrame(`a count from 1 to ${maxListedMembers}`, `${count}`)
  const asker = readFlags(reader, 1) === 1 ? readMember(reader) : undefined
  reader.end()
  return { key, count, asker }
}

/** Also the body of a notification of a loss, with one member. */
export function encodeMembers(members: readonly Member[]): Uint8Array {
  const writer = new ByteWriter()
  writeMembers(writer, members.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeMembers(reader: ByteReader): Member[] {
  const members = readMembers(reader, maxListedMembers)
  reader.end()
  return members
}

export function encodeFarewell({ leaver, members }: Farewell): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, leaver)
  writeMembers(writer, members.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeFarewell(reader: ByteReader): Farewell {
  const leaver = readMember(reader)
  const members = readMembers(reader, maxListedMembers)
  reader.end()
  return { leaver, members }
}

type Presence = Pick<Announcement, "isActive" | "isComplete" | "verdict">

/** The fourth flag has a meaning of its own in a request and in an answer. */
function writePresence({ isActive, isComplete, verdict }: Presence, isMarked: boolean): ByteWriter {
  const writer = new ByteWriter().uint8((isActive ? 1 : 0) | (verdict === 0 ? 0 : 2) | (isComplete ? 4 : 0) | (isMarked ? 8 : 0))
  return verdict === 0 ? writer : writer.uint32(verdict)
}

function readPresence(reader: ByteReader): Presence & { readonly isMarked: boolean } {
  const flags = readFlags(reader, 15)
  const verdict = (flags & 2) === 0 ? 0 : reader.uint32()
  return { isActive: (flags & 1) !== 0, verdict, isComplete: (flags & 4) !== 0, isMarked: (flags & 8) !== 0 }
}

function readFlags(reader: ByteReader, most: number): number {
  const flags = reader.uint8()
  if (flags > most) throw badFrame(`flags of 0 to ${most}`, `${flags}`)
  return flags
}

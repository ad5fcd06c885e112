/**
 * Frames of the Chord protocol; PROTOCOL.md draws them.
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
import type { Grant, Neighbourhood, NotifyAnswer } from "./ring.ts"

/** Numbers of RPC methods and notifications. */
export const chordMethods = { ask: 64, notify: 65, find: 66, leave: 67, update: 68, lost: 69, ping: 70, missed: 71 } as const

/** The longest list of members that is read. */
export const maxListedMembers = 32

/** A neighbourhood, with a number that changes whenever it does. */
export interface Told extends Neighbourhood {
  readonly version: number
}

/** The answer to "what is around you?"; undefined when nothing changed since the version that was asked about. */
export type AskAnswer = Told | undefined

export interface Notification {
  readonly notifier: Member
  /** Another one whenever the notifier joins anew. */
  readonly life: number
  /** Those before the notifier, nearest first. */
  readonly predecessors: readonly Member[]
}

export interface FindRequest {
  readonly key: Id
  /** The asker wants to join: whoever lists it lists an earlier life of it, which is over. */
  readonly isJoining: boolean
}

/** Either the asked member is the one directly before the key, or others are closer to it, best first. */
export type FindAnswer =
  | { readonly kind: "place"; readonly told: Told }
  | { readonly kind: "closer"; readonly members: readonly Member[] }

export function encodeAsk(knownVersion: number): Uint8Array {
  return new ByteWriter(4).uint32(knownVersion).finish()
}

export function decodeAsk(reader: ByteReader): number {
  const version = reader.uint32()
  reader.end()
  return version
}

export function encodeAskAnswer(answer: AskAnswer): Uint8Array {
  const writer = new ByteWriter()
  if (answer === undefined) writer.uint8(0)
  else writeTold(writer.uint8(1), answer)
  return writer.finish()
}

export function decodeAskAnswer(reader: ByteReader): AskAnswer {
  const answer = readFlag(reader) ? readTold(reader) : undefined
  reader.end()
  return answer
}

export function encodeNotification({ notifier, life, predecessors }: Notification): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, notifier)
  writer.uint32(life)
  writeMembers(writer, predecessors.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeNotification(reader: ByteReader): Notification {
  const notifier = readMember(reader)
  const life = reader.uint32()
  const predecessors = readMembers(reader, maxListedMembers)
  reader.end()
  return { notifier, life, predecessors }
}

/** In the order of their numbers on the wire. */
const grants: readonly Grant[] = ["none", "given", "earlier"]

export function encodeNotifyAnswer({ adopted, grant, previous, givers }: NotifyAnswer): Uint8Array {
  const writer = new ByteWriter().uint8(adopted ? 1 : 0).uint8(grants.indexOf(grant))
  writeMembers(writer, previous.slice(0, maxListedMembers))
  writeMembers(writer, givers.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeNotifyAnswer(reader: ByteReader): NotifyAnswer {
  const adopted = readFlag(reader)
  const number = reader.uint8()
  const grant = grants[number]
  if (grant === undefined) throw badFrame("0, 1 or 2", `${number}`)
  const previous = readMembers(reader, maxListedMembers)
  const givers = readMembers(reader, maxListedMembers)
  reader.end()
  return { adopted, grant, previous, givers }
}

export function encodeFind({ key, isJoining }: FindRequest): Uint8Array {
  return new ByteWriter(24).hex(key).uint8(isJoining ? 1 : 0).finish()
}

export function decodeFind(reader: ByteReader): FindRequest {
  const key = reader.hex(idBytes)
  const isJoining = readFlag(reader)
  reader.end()
  return { key, isJoining }
}

export function encodeFindAnswer(answer: FindAnswer): Uint8Array {
  const writer = new ByteWriter().uint8(answer.kind === "place" ? 1 : 0)
  if (answer.kind === "place") writeTold(writer, answer.told)
  else writeMembers(writer, answer.members.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeFindAnswer(reader: ByteReader): FindAnswer {
  const answer: FindAnswer = readFlag(reader)
    ? { kind: "place", told: readTold(reader) }
    : { kind: "closer", members: readMembers(reader, maxListedMembers) }
  reader.end()
  return answer
}

/** A member that tells about itself unasked: farewells (leave) and changes (update). */
export interface Report {
  readonly teller: Member
  readonly told: Told
}

export function encodeReport({ teller, told }: Report): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, teller)
  writeTold(writer, told)
  return writer.finish()
}

export function decodeReport(reader: ByteReader): Report {
  const teller = readMember(reader)
  const told = readTold(reader)
  reader.end()
  return { teller, told }
}

/** For a neighbour that was found dead (lost). */
export function encodeLost(member: Member): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, member)
  return writer.finish()
}

export function decodeLost(reader: ByteReader): Member {
  const member = readMember(reader)
  reader.end()
  return member
}

/** For members that were lost from sight, and may live on another ring (missed). */
export function encodeMissed(members: readonly Member[]): Uint8Array {
  const writer = new ByteWriter()
  writeMembers(writer, members.slice(0, maxListedMembers))
  return writer.finish()
}

export function decodeMissed(reader: ByteReader): Member[] {
  const members = readMembers(reader, maxListedMembers)
  reader.end()
  return members
}

function writeTold(writer: ByteWriter, { version, accepted, predecessor, successors }: Told): void {
  writer.uint32(version).uint8(accepted ? 1 : 0)
  writeMember(writer, predecessor)
  writeMembers(writer, successors.slice(0, maxListedMembers))
}

function readTold(reader: ByteReader): Told {
  const version = reader.uint32()
  const accepted = readFlag(reader)
  const predecessor = readMember(reader)
  const successors = readMembers(reader, maxListedMembers)
  return { version, accepted, predecessor, successors }
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.uint8()
  if (flag > 1) throw badFrame("0 or 1", `${flag}`)
  return flag === 1
}

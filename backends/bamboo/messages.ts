/**
 * Frames of the Bamboo protocol; PROTOCOL.md draws them.
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
import { idDigits } from "./ring-distance.ts"
import type { Coordinate } from "./vivaldi.ts"

/** Numbers of RPC methods and notifications. */
export const bambooMethods = { exchange: 96, find: 97, row: 98, leave: 99, ping: 100, lost: 101, missed: 102 } as const

/** The longest list of members, and the longest side of a leaf set, that is read. */
export const maxListed = 33
/** First bytes of an id: enough to tell members of one overlay apart. */
const markBytes = 8
const markDigits = 2 * markBytes
/** Coordinates travel as whole numbers of these. */
const coordinateStepMs = 0.25
const errorSteps = 65_535
const zeroStep = 32_768

/** The first digits of an id. */
export type Mark = string

export function markOf(id: Id): Mark {
  return id.slice(0, markDigits)
}

/** What a peer says of itself and its leaf set. */
export interface Statement {
  /** Whether the ends of its arc were granted: see `place.ts`. */
  readonly hasLow: boolean
  readonly hasHigh: boolean
  /** Another number after each start of the peer. */
  readonly incarnation: number
  /** Another number, not 0, each time that it has taken the other for dead, and once it has heard from it again: others may have answered for its keys. */
  readonly verdict: number
  readonly coordinate: Coordinate
  /** The elders named with the grants of its ends, as long as others may need them: see `place.ts`. */
  readonly elderBefore: Member | undefined
  readonly elderAfter: Member | undefined
  /** Its leaf set, nearest first. */
  readonly before: readonly Mark[]
  readonly after: readonly Mark[]
}

/** A member that somebody names, and where it lies as far as is known. */
export interface Named {
  readonly member: Member
  readonly coordinate: Coordinate | undefined
}

export interface ExchangeRequest {
  readonly teller: Member
  readonly statement: Statement
}

export interface ExchangeAnswer {
  readonly statement: Statement
  /** Leaves that the asker did not list, and that belong in its set. */
  readonly named: readonly Named[]
}

export interface FindRequest {
  readonly key: Id
  /** The asker wants to join: it is not to be named itself. */
  readonly isJoining: boolean
}

export interface FindAnswer {
  /** Whether the asked member is the closest to the key that it knows of; then it names its leaf set. */
  readonly isRoot: boolean
  /** Otherwise members on the way to the key, the best first. */
  readonly named: readonly Named[]
}

export function encodeExchangeRequest({ teller, statement }: ExchangeRequest): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, teller)
  writeStatement(writer, statement)
  return writer.finish()
}

export function decodeExchangeRequest(reader: ByteReader): ExchangeRequest {
  const teller = readMember(reader)
  const statement = readStatement(reader)
  reader.end()
  return { teller, statement }
}

export function encodeExchangeAnswer({ statement, named }: ExchangeAnswer): Uint8Array {
  const writer = new ByteWriter()
  writeStatement(writer, statement)
  writeNamed(writer, named)
  return writer.finish()
}

export function decodeExchangeAnswer(reader: ByteReader): ExchangeAnswer {
  const statement = readStatement(reader)
  const named = readNamed(reader)
  reader.end()
  return { statement, named }
}

export function encodeFind({ key, isJoining }: FindRequest): Uint8Array {
  return new ByteWriter(24).hex(key).uint8(isJoining ? 1 : 0).finish()
}

export function decodeFind(reader: ByteReader): FindRequest {
  const key = reader.hex(idBytes)
  const isJoining = readFlags(reader, 1) === 1
  reader.end()
  return { key, isJoining }
}

export function encodeFindAnswer({ isRoot, named }: FindAnswer): Uint8Array {
  const writer = new ByteWriter().uint8(isRoot ? 1 : 0)
  writeNamed(writer, named)
  return writer.finish()
}

export function decodeFindAnswer(reader: ByteReader): FindAnswer {
  const isRoot = readFlags(reader, 1) === 1
  const named = readNamed(reader)
  reader.end()
  return { isRoot, named }
}

/** "Whom have you in this row of your table?" */
export function encodeRow(row: number): Uint8Array {
  return new ByteWriter(1).uint8(row).finish()
}

export function decodeRow(reader: ByteReader): number {
  const row = reader.uint8()
  if (row >= idDigits) throw badFrame(`a row below ${idDigits}`, `${row}`)
  reader.end()
  return row
}

export function encodeRowAnswer(named: readonly Named[]): Uint8Array {
  const writer = new ByteWriter()
  writeNamed(writer, named)
  return writer.finish()
}

export function decodeRowAnswer(reader: ByteReader): readonly Named[] {
  const named = readNamed(reader)
  reader.end()
  return named
}

/** The member that was found dead. */
export function encodeMember(member: Member): Uint8Array {
  const writer = new ByteWriter()
  writeMember(writer, member)
  return writer.finish()
}

export function decodeMember(reader: ByteReader): Member {
  const member = readMember(reader)
  reader.end()
  return member
}

/** For members that are out of sight, and may live in another overlay (missed). */
export function encodeMembers(members: readonly Member[]): Uint8Array {
  const writer = new ByteWriter()
  writeMembers(writer, members.slice(0, maxListed))
  return writer.finish()
}

export function decodeMembers(reader: ByteReader): Member[] {
  const members = readMembers(reader, maxListed)
  reader.end()
  return members
}

function writeStatement(writer: ByteWriter, statement: Statement): void {
  const { hasLow, hasHigh, incarnation, verdict, coordinate, elderBefore, elderAfter, before, after } = statement
  const elders = (elderBefore === undefined ? 0 : 4) | (elderAfter === undefined ? 0 : 8)
  writer.uint8((hasLow ? 1 : 0) | (hasHigh ? 2 : 0) | elders).uint32(incarnation).uint32(verdict)
  writeCoordinate(writer, coordinate)
  for (const elder of [elderBefore, elderAfter]) if (elder !== undefined) writeMember(writer, elder)
  for (const side of [before, after]) {
    writer.varint(side.length).hex(side.join(""))
  }
}

function readStatement(reader: ByteReader): Statement {
  const flags = readFlags(reader, 15)
  const incarnation = reader.uint32()
  const verdict = reader.uint32()
  const coordinate = readCoordinate(reader)
  const elderBefore = (flags & 4) > 0 ? readMember(reader) : undefined
  const elderAfter = (flags & 8) > 0 ? readMember(reader) : undefined
  const before = readMarks(reader)
  const after = readMarks(reader)
  return { hasLow: (flags & 1) > 0, hasHigh: (flags & 2) > 0, incarnation, verdict, coordinate, elderBefore, elderAfter, before, after }
}

function readMarks(reader: ByteReader): Mark[] {
  const count = reader.count(maxListed, markBytes)
  const digits = reader.hex(count * markBytes)
  return Array.from({ length: count }, (_, at) => digits.slice(at * markDigits, (at + 1) * markDigits))
}

function writeNamed(writer: ByteWriter, named: readonly Named[]): void {
  const listed = named.slice(0, maxListed)
  writer.varint(listed.length)
  for (const { member, coordinate } of listed) {
    writeMember(writer, member)
    writer.uint8(coordinate === undefined ? 0 : 1)
    if (coordinate !== undefined) writeCoordinate(writer, coordinate)
  }
}

function readNamed(reader: ByteReader): Named[] {
  return Array.from({ length: reader.count(maxListed, 3) }, () => {
    const member = readMember(reader)
    return { member, coordinate: readFlags(reader, 1) === 1 ? readCoordinate(reader) : undefined }
  })
}

function writeCoordinate(writer: ByteWriter, { x, y, height, error }: Coordinate): void {
  for (const value of [x, y, height]) writer.uint16(Math.min(65_535, Math.max(0, Math.round(value / coordinateStepMs) + zeroStep)))
  writer.uint16(Math.round(Math.min(1, Math.max(0, error)) * errorSteps))
}

function readCoordinate(reader: ByteReader): Coordinate {
  const read = (): number => (reader.uint16() - zeroStep) * coordinateStepMs
  const coordinate = { x: read(), y: read(), height: read(), error: reader.uint16() / errorSteps }
  if (coordinate.height < 0) throw badFrame("a height of at least 0", `${coordinate.height}`)
  return coordinate
}

function readFlags(reader: ByteReader, all: number): number {
  const flags = reader.uint8()
  if (flags > all) throw badFrame(`flags of at most ${all}`, `${flags}`)
  return flags
}

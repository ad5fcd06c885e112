/**
 * A record on the wire. Remaining times travel, never absolute ones: peers'
 * clocks may differ.
 *
 *     flags:uint8        1 tombstone, 2 has a sequence
 *     valueHash:bytes    1 to 64; 0 for a floor (`view.ts`), which is a tombstone and kept for `unseenRemovalSeconds` at most
 *     order:uint53
 *     operationId        8 bytes
 *     [series:bytes  number:uint32]
 *     [value:bytes   live:varint]     milliseconds left, 0 when over
 *     kept:varint                     milliseconds until it may be forgotten
 */
import type { ByteReader, ByteWriter } from "../codec.ts"
import { badFrame } from "../codec.ts"
import { maxTtlSeconds, unseenRemovalSeconds } from "../servlet/normalise.ts"
import type { StoredRecord } from "./record.ts"
import { forgottenAt, graceMs } from "./record.ts"
import { isFloor } from "./view.ts"

export const operationIdBytes = 8
export const maxValueHashBytes = 64
export const maxSeriesBytes = 255
/** What a value may have at most, whatever the limits of its writer. */
export const maxValueBytes: number = 1024 * 1024

const tombstoneFlag = 1
const sequenceFlag = 2
const minRecordBytes = 19
const maxLifeMs = maxTtlSeconds * 1000 + graceMs

/** A record that is about to be forgotten does not travel: it would only go round. */
const minRemainingMs = 10 * 1000

/** Whether the record has enough of its time left to be worth a journey. */
export function isWorthSending(record: StoredRecord, now: number): boolean {
  return forgottenAt(record) - now >= minRemainingMs
}

export function writeRecord(writer: ByteWriter, record: StoredRecord, now: number): void {
  const isTombstone = record.value === undefined
  const hasSequence = record.series !== ""
  writer
    .uint8((isTombstone ? tombstoneFlag : 0) | (hasSequence ? sequenceFlag : 0))
    .binary(record.valueHash)
    .uint53(record.order)
    .fixedBinary(record.operationId)
  if (hasSequence) writer.binary(record.series).uint32(record.number)
  if (record.value !== undefined) writer.binary(record.value).varint(remaining(record.liveUntil, now))
  writer.varint(remaining(forgottenAt(record), now))
}

export function readRecord(reader: ByteReader, now: number): StoredRecord {
  const flags = reader.uint8()
  if (flags > (tombstoneFlag | sequenceFlag)) throw badFrame("known flags of a record", `${flags}`)
  const valueHash = reader.binary(maxValueHashBytes)
  if (isFloor({ valueHash }) && !(flags & tombstoneFlag)) throw badFrame("the valueHash of a value", "an empty one")
  const order = reader.uint53()
  const operationId = reader.fixedBinary(operationIdBytes)
  let series = ""
  let number = 0
  if (flags & sequenceFlag) {
    series = reader.binary(maxSeriesBytes)
    number = reader.uint32()
    if (series === "") throw badFrame("a series", "an empty one")
  }
  let value: string | undefined
  let liveUntil = now
  if (!(flags & tombstoneFlag)) {
    value = reader.binary(maxValueBytes)
    liveUntil = now + life(reader)
  }
  // Whoever sends a floor, it is kept for no longer than a removal of everything asks for.
  const longest = isFloor({ valueHash }) ? unseenRemovalSeconds * 1000 + graceMs : maxLifeMs
  const keptUntil = now + Math.min(life(reader), longest) - graceMs
  if (liveUntil > keptUntil && liveUntil > now) throw badFrame("a record kept for as long as it lives", "a shorter time")
  return { valueHash, value, order, operationId, series, number, liveUntil, keptUntil }
}

/** Several records of one key. */
export function writeRecords(writer: ByteWriter, records: readonly StoredRecord[], now: number): void {
  writer.varint(records.length)
  for (const record of records) writeRecord(writer, record, now)
}

export function readRecords(reader: ByteReader, now: number, max: number): StoredRecord[] {
  const records: StoredRecord[] = []
  for (let left = reader.count(max, minRecordBytes); left > 0; left--) records.push(readRecord(reader, now))
  return records
}

function remaining(until: number, now: number): number {
  return Math.max(0, Math.round(until - now))
}

function life(reader: ByteReader): number {
  const ms = reader.varint()
  if (ms > maxLifeMs) throw badFrame(`at most ${maxLifeMs} ms to live`, `${ms}`)
  return ms
}

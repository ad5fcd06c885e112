/**
 * Records between peers' stores.
 *
 *     store    items:[key:20 records]                 -> refused:[index:varint]
 *     fetch    keys:[20]                              -> count:varint  records × count  leads:[member]  (as many as fit)
 *     compare  order:uint53 from:20 to:20 buckets:[uint16 8 bytes]
 *                                  -> order:uint53 upTo:20 buckets:[uint16] keys:[key:20 fingerprint:8]
 *                                                        leads:[member ranges:[from:20 to:20]]
 *     offer    keys:[key:20 fingerprint:8]            -> verdicts:[uint8]
 *
 * `order` is where the sender's clock stands (`hlc.ts`): who compares with each other agrees on the time.
 * Leads are those whom the answerer has yet to ask about these keys itself (`custody.ts`).
 */
import type { ByteReader } from "../codec.ts"
import { ByteWriter } from "../codec.ts"
import type { Lead } from "./custody.ts"
import type { Fingerprint } from "./fingerprint.ts"
import type { Id } from "./id.ts"
import { idBytes } from "./id.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import { bucketCount } from "./key-range.ts"
import { readMember, readMembers, writeMember, writeMembers } from "./member-codec.ts"
import type { StoredRecord } from "./record.ts"
import { readRecords, writeRecords } from "./record-codec.ts"
import type { BucketDigest } from "./store.ts"

/** What a page of records or keys takes, about; it goes on once the key at hand is complete. */
export const pageBytes: number = 48 * 1024
export const maxKeysPerFrame = 2048
/** More than a key ever has: a hostile frame ends at its own length anyway. */
export const maxRecordsPerKey = 4096

/** Leads in one answer; of those that do not fit others know as well. */
const maxLeads = 64
const maxRangesPerLead = 64

/** The records of one key. */
export interface KeyRecords {
  readonly key: Id
  readonly records: readonly StoredRecord[]
}

/** A key and the fingerprint of its records. */
export interface KeyDigest extends Fingerprint {
  readonly key: Id
}

/** One item of a `store` request: made once, sent to several replicas. */
export function encodeItem({ key, records }: KeyRecords, now: number): Uint8Array {
  const writer = new ByteWriter(512).hex(key)
  writeRecords(writer, records, now)
  return writer.finish()
}

export function encodeStore(items: readonly Uint8Array[]): Uint8Array {
  let bytes = 4
  for (const item of items) bytes += item.length
  const writer = new ByteWriter(bytes).varint(items.length)
  for (const item of items) writer.fixed(item)
  return writer.finish()
}

export function readStore(reader: ByteReader, now: number): KeyRecords[] {
  const items: KeyRecords[] = []
  for (let left = reader.count(maxKeysPerFrame, idBytes + 1); left > 0; left--) {
    items.push({ key: reader.hex(idBytes), records: readRecords(reader, now, maxRecordsPerKey) })
  }
  reader.end()
  return items
}

export function encodeRefused(refused: readonly number[]): ByteWriter {
  const writer = new ByteWriter(8).varint(refused.length)
  for (const index of refused) writer.varint(index)
  return writer
}

/** The indices of the items that the receiver did not take. */
export function readRefused(reader: ByteReader): Set<number> {
  const refused = new Set<number>()
  for (let left = reader.count(maxKeysPerFrame); left > 0; left--) refused.add(reader.varint())
  reader.end()
  return refused
}

export function encodeKeys(keys: readonly Id[]): Uint8Array {
  const writer = new ByteWriter(4 + keys.length * idBytes).varint(keys.length)
  for (const key of keys) writer.hex(key)
  return writer.finish()
}

export function readKeys(reader: ByteReader): Id[] {
  const keys: Id[] = []
  for (let left = reader.count(maxKeysPerFrame, idBytes); left > 0; left--) keys.push(reader.hex(idBytes))
  reader.end()
  return keys
}

/** Records of the first of the keys that were asked for, in their order, and whom the answerer would ask about them. */
export interface Fetched {
  readonly items: readonly (readonly StoredRecord[])[]
  readonly leads: readonly Member[]
}

export function encodeFetched({ items, leads }: Fetched, now: number): ByteWriter {
  const writer = new ByteWriter(1024).varint(items.length)
  for (const records of items) writeRecords(writer, records, now)
  writeMembers(writer, leads.slice(0, maxLeads))
  return writer
}

export function readFetched(reader: ByteReader, keys: readonly Id[], now: number): { items: KeyRecords[]; leads: Member[] } {
  const count = reader.count(keys.length)
  const items = keys.slice(0, count).map((key) => ({ key, records: readRecords(reader, now, maxRecordsPerKey) }))
  const leads = readMembers(reader, maxLeads)
  reader.end()
  return { items, leads }
}

export interface CompareRequest {
  readonly order: number
  readonly range: KeyRange
  readonly buckets: readonly BucketDigest[]
}

export function encodeCompare({ order, range, buckets }: CompareRequest): Uint8Array {
  const writer = new ByteWriter(56 + buckets.length * 10).uint53(order).hex(range.from).hex(range.to).varint(buckets.length)
  for (const { bucket, high, low } of buckets) writer.uint16(bucket).uint32(high).uint32(low)
  return writer.finish()
}

export function readCompare(reader: ByteReader): CompareRequest {
  const order = reader.uint53()
  const range = { from: reader.hex(idBytes), to: reader.hex(idBytes) }
  const buckets: BucketDigest[] = []
  for (let left = reader.count(bucketCount, 10); left > 0; left--) {
    buckets.push({ bucket: reader.uint16(), high: reader.uint32(), low: reader.uint32() })
  }
  reader.end()
  return { order, range, buckets }
}

/** The keys that the answerer holds in the buckets that differ, from the range's beginning to `upTo`. */
export interface Comparison {
  readonly order: number
  readonly upTo: Id
  readonly buckets: readonly number[]
  readonly keys: readonly KeyDigest[]
  readonly leads: readonly Lead[]
}

export function encodeComparison({ order, upTo, buckets, keys, leads }: Comparison): ByteWriter {
  const writer = new ByteWriter(72 + buckets.length * 2 + keys.length * 28).uint53(order).hex(upTo).varint(buckets.length)
  for (const bucket of buckets) writer.uint16(bucket)
  writeKeyDigests(writer, keys)
  writer.varint(Math.min(leads.length, maxLeads))
  for (const lead of leads.slice(0, maxLeads)) writeLead(writer, lead)
  return writer
}

export function readComparison(reader: ByteReader): Comparison {
  const order = reader.uint53()
  const upTo = reader.hex(idBytes)
  const buckets: number[] = []
  for (let left = reader.count(bucketCount + 1, 2); left > 0; left--) buckets.push(reader.uint16())
  const keys = readKeyDigests(reader)
  const leads: Lead[] = []
  for (let left = reader.count(maxLeads, 3); left > 0; left--) leads.push(readLead(reader))
  reader.end()
  return { order, upTo, buckets, keys, leads }
}

function writeLead(writer: ByteWriter, { member, ranges }: Lead): void {
  writeMember(writer, member)
  const written = ranges.slice(0, maxRangesPerLead)
  writer.varint(written.length)
  for (const { from, to } of written) writer.hex(from).hex(to)
}

function readLead(reader: ByteReader): Lead {
  const member = readMember(reader)
  const ranges: KeyRange[] = []
  for (let left = reader.count(maxRangesPerLead, 2 * idBytes); left > 0; left--) ranges.push({ from: reader.hex(idBytes), to: reader.hex(idBytes) })
  return { member, ranges }
}

export function encodeOffer(keys: readonly KeyDigest[]): Uint8Array {
  const writer = new ByteWriter(4 + keys.length * 28)
  writeKeyDigests(writer, keys)
  return writer.finish()
}

export function readOffer(reader: ByteReader): KeyDigest[] {
  const keys = readKeyDigests(reader)
  reader.end()
  return keys
}

/**
 * What the peer that was offered a key says: it is not the owner; it wants the
 * records; it has them, and the offerer is to keep its copy; it has them, and
 * the offerer may drop its copy.
 */
export const verdicts = ["notOwner", "wanted", "keep", "drop"] as const
export type Verdict = (typeof verdicts)[number]

export function encodeVerdicts(list: readonly Verdict[]): ByteWriter {
  const writer = new ByteWriter(4 + list.length).varint(list.length)
  for (const verdict of list) writer.uint8(verdicts.indexOf(verdict))
  return writer
}

export function readVerdicts(reader: ByteReader): Verdict[] {
  const list: Verdict[] = []
  for (let left = reader.count(maxKeysPerFrame); left > 0; left--) list.push(verdicts[reader.uint8()] ?? "notOwner")
  reader.end()
  return list
}

function writeKeyDigests(writer: ByteWriter, keys: readonly KeyDigest[]): void {
  writer.varint(keys.length)
  for (const { key, high, low } of keys) writer.hex(key).uint32(high).uint32(low)
}

function readKeyDigests(reader: ByteReader): KeyDigest[] {
  const keys: KeyDigest[] = []
  for (let left = reader.count(maxKeysPerFrame, 28); left > 0; left--) {
    keys.push({ key: reader.hex(idBytes), high: reader.uint32(), low: reader.uint32() })
  }
  return keys
}

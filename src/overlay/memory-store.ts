/**
 * Records in memory, under three-digit buckets of their keys, so that a range
 * is walked in order without a sorted index and its digest is kept up to date
 * with each change.
 */
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { ExpiryWheel } from "./expiry-wheel.ts"
import { toggle } from "./fingerprint.ts"
import type { Fingerprint } from "./fingerprint.ts"
import type { Id } from "./id.ts"
import type { KeyRange } from "./key-based-routing.ts"
import { bucketCount, bucketOf, contains } from "./key-range.ts"
import { forgottenAt, merge } from "./record.ts"
import type { StoredRecord } from "./record.ts"
import type { BucketDigest, RecordStore, StoreCounts } from "./store.ts"

/** Bounds of what one peer stores; what goes beyond is refused with `P2PSIP_LIMIT`. */
export interface StoreOptions {
  /** Records in all, tombstones included. @default 4000000 */
  readonly maxRecords?: number | undefined
  /** An estimate of the memory that all records take. @default 2147483648 */
  readonly maxBytes?: number | undefined
  /** Records of one key, tombstones included. @default 1024 */
  readonly maxRecordsPerKey?: number | undefined
  /** What the values of one key may take, so that all of them fit into one frame. @default 131072 */
  readonly maxBytesPerKey?: number | undefined
}

const MB = 1024 * 1024

export const storeDefaults = {
  maxRecords: 4_000_000,
  maxBytes: 2048 * MB,
  maxRecordsPerKey: 1024,
  maxBytesPerKey: MB / 8,
}

/** What a record costs beyond its value, measured with a million of them. */
const overheadBytes = 400

interface Bucket<Record> extends Fingerprint {
  readonly keys: Map<Id, Record[]>
}

const nothing: readonly never[] = []

/** See the head of this file. */
export class MemoryStore<Record extends StoredRecord = StoredRecord> implements RecordStore {
  readonly #runtime: Runtime
  readonly #limits: typeof storeDefaults
  readonly #buckets = new Map<number, Bucket<Record>>()
  /** The numbers of the buckets in ascending order; undefined when one came or went. */
  #order: readonly number[] | undefined
  readonly #expiry: ExpiryWheel
  #keyCount = 0
  #values = 0
  #tombstones = 0
  #bytes = 0

  constructor(components: { readonly runtime: Runtime }, options: StoreOptions = {}) {
    this.#runtime = components.runtime
    this.#limits = {
      maxRecords: options.maxRecords ?? storeDefaults.maxRecords,
      maxBytes: options.maxBytes ?? storeDefaults.maxBytes,
      maxRecordsPerKey: options.maxRecordsPerKey ?? storeDefaults.maxRecordsPerKey,
      maxBytesPerKey: options.maxBytesPerKey ?? storeDefaults.maxBytesPerKey,
    }
    this.#expiry = new ExpiryWheel(this.#runtime, (key, now) => this.#sweep(key, now))
  }

  get(key: Id): readonly Record[] {
    return this.#buckets.get(bucketOf(key))?.keys.get(key) ?? nothing
  }

  put(key: Id, record: Record): Record {
    const records = this.#buckets.get(bucketOf(key))?.keys.get(key)
    if (records === undefined) this.requireRoom(key, [record])
    const bucket = this.#bucketFor(key)
    if (records === undefined) {
      bucket.keys.set(key, [record])
      this.#keyCount++
      this.#add(bucket, key, record)
      this.#expiry.add(key, forgottenAt(record))
      return record
    }
    const at = records.findIndex((other) => other.valueHash === record.valueHash)
    const old = records[at]
    if (old === undefined) {
      this.requireRoom(key, [record])
      const slot = ExpiryWheel.slotOf(forgottenAt(record))
      const isFirst = records.every((other) => ExpiryWheel.slotOf(forgottenAt(other)) > slot)
      records.push(record)
      this.#add(bucket, key, record)
      if (isFirst) this.#expiry.add(key, forgottenAt(record))
      return record
    }
    const merged = merge(old, record)
    if (merged === old) return old
    records[at] = merged
    this.#subtract(bucket, key, old)
    this.#add(bucket, key, merged)
    return merged
  }

  requireRoom(key: Id, records: readonly StoredRecord[]): void {
    const { maxRecords, maxBytes, maxRecordsPerKey, maxBytesPerKey } = this.#limits
    let bytesOfKey = 0
    let added = 0
    const old = this.get(key)
    for (const record of old) bytesOfKey += sizeOf(record)
    const before = bytesOfKey
    for (const record of records) {
      const replaced = old.find((other) => other.valueHash === record.valueHash)
      if (replaced === undefined) added++
      bytesOfKey += sizeOf(record) - (replaced === undefined ? 0 : sizeOf(replaced))
    }
    if (added > 0 && this.#values + this.#tombstones + added > maxRecords) throw full("maxRecords", maxRecords)
    if (bytesOfKey > before && this.#bytes + bytesOfKey - before > maxBytes) throw full("maxBytes", maxBytes)
    if (added > 0 && old.length + added > maxRecordsPerKey) throw full("maxRecordsPerKey", maxRecordsPerKey)
    const count = old.length + added
    if (bytesOfKey > before && bytesOfKey - count * overheadBytes > maxBytesPerKey) throw full("maxBytesPerKey", maxBytesPerKey)
  }

  drop(key: Id): void {
    const bucket = this.#buckets.get(bucketOf(key))
    const records = bucket?.keys.get(key)
    if (bucket === undefined || records === undefined) return
    for (const record of records) this.#subtract(bucket, key, record)
    this.#forget(bucket, key)
  }

  flushed(): undefined {
    return undefined
  }

  keys(range: KeyRange, limit: number, after?: Id): Id[] {
    const arc = after === undefined ? range : { from: after, to: range.to }
    // Nothing comes after the last key of the range; (to, to] would be the whole ring.
    if (after !== undefined && after === range.to) return []
    const first = bucketOf(arc.from)
    const length = (bucketOf(arc.to) - first + bucketCount) % bucketCount
    const found = this.#sortedKeys(first).filter((key) => contains(arc, key) && key > arc.from)
    if (length === 0 && arc.from < arc.to) return found.slice(0, limit)
    const order = this.#bucketOrder()
    const start = order.findIndex((index) => index > first)
    for (let step = 0; step < order.length && found.length < limit; step++) {
      const index = order[(Math.max(0, start) + step) % order.length] as number
      if (index === first || (length !== 0 && (index - first + bucketCount) % bucketCount > length)) break
      for (const key of this.#sortedKeys(index)) if (contains(arc, key)) found.push(key)
    }
    // An arc that goes all the way round ends in the bucket in which it began.
    if (length === 0) for (const key of this.#sortedKeys(first)) if (key <= arc.from && contains(arc, key)) found.push(key)
    return found.slice(0, limit)
  }

  digest(range: KeyRange): BucketDigest[] {
    const digests: BucketDigest[] = []
    const from = bucketOf(range.from)
    const to = bucketOf(range.to)
    const isInside = (index: number): boolean =>
      range.from < range.to ? from <= index && index <= to : index >= from || index <= to
    for (const index of this.#bucketOrder()) {
      if (!isInside(index)) continue
      const digest = index === from || index === to ? this.#partialDigest(index, range) : this.#buckets.get(index)
      if (digest !== undefined) digests.push({ bucket: index, high: digest.high, low: digest.low })
    }
    return digests
  }

  bucketKeys(bucket: number, range: KeyRange): Id[] {
    return this.#sortedKeys(bucket).filter((key) => contains(range, key))
  }

  counts(): StoreCounts {
    return { keys: this.#keyCount, values: this.#values, tombstones: this.#tombstones }
  }

  close(): void {
    this.#expiry.close()
    this.#buckets.clear()
    this.#order = undefined
    this.#keyCount = this.#values = this.#tombstones = this.#bytes = 0
  }

  /** Undefined when no key of the bucket lies in the range. */
  #partialDigest(index: number, range: KeyRange): Fingerprint | undefined {
    let digest: Fingerprint | undefined
    for (const [key, records] of this.#buckets.get(index)?.keys ?? []) {
      if (!contains(range, key)) continue
      digest ??= { high: 0, low: 0 }
      for (const record of records) toggle(digest, key, record)
    }
    return digest
  }

  #sortedKeys(index: number): Id[] {
    const bucket = this.#buckets.get(index)
    return bucket === undefined ? [] : [...bucket.keys.keys()].sort()
  }

  #bucketFor(key: Id): Bucket<Record> {
    const index = bucketOf(key)
    let bucket = this.#buckets.get(index)
    if (bucket === undefined) {
      bucket = { keys: new Map(), high: 0, low: 0 }
      this.#buckets.set(index, bucket)
      this.#order = undefined
    }
    return bucket
  }

  #bucketOrder(): readonly number[] {
    this.#order ??= [...this.#buckets.keys()].sort((a, b) => a - b)
    return this.#order
  }

  #add(bucket: Bucket<Record>, key: Id, record: StoredRecord): void {
    toggle(bucket, key, record)
    if (record.value === undefined) this.#tombstones++
    else this.#values++
    this.#bytes += sizeOf(record)
  }

  #subtract(bucket: Bucket<Record>, key: Id, record: StoredRecord): void {
    toggle(bucket, key, record)
    if (record.value === undefined) this.#tombstones--
    else this.#values--
    this.#bytes -= sizeOf(record)
  }

  #forget(bucket: Bucket<Record>, key: Id): void {
    bucket.keys.delete(key)
    this.#keyCount--
    if (bucket.keys.size > 0) return
    this.#buckets.delete(bucketOf(key))
    this.#order = undefined
  }

  /** Drops what is to be forgotten; tells when the next record of the key will be. */
  #sweep(key: Id, now: number): number | undefined {
    const bucket = this.#buckets.get(bucketOf(key))
    const records = bucket?.keys.get(key)
    if (bucket === undefined || records === undefined) return undefined
    let next = Infinity
    const kept = records.filter((record) => {
      const at = forgottenAt(record)
      if (at > now) {
        next = Math.min(next, at)
        return true
      }
      this.#subtract(bucket, key, record)
      return false
    })
    if (kept.length === 0) {
      this.#forget(bucket, key)
      return undefined
    }
    if (kept.length < records.length) bucket.keys.set(key, kept)
    return next
  }
}

function sizeOf(record: StoredRecord): number {
  return overheadBytes + record.valueHash.length + record.series.length + (record.value?.length ?? 0)
}

function full(limit: string, max: number): P2PSipError {
  return new P2PSipError("P2PSIP_LIMIT", `${limit}: expected at most ${max}; raise the limit, or add peers to the overlay`)
}

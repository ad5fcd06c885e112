/**
 * Records in memory: their bytes in slabs, found by an index that is sorted by
 * key and counted by buckets, so that a range is walked in order and its digest
 * is kept up to date with each change.
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
import type { BinaryText, StoredRecord } from "./record.ts"
import { RecordSlabs } from "./record-slabs.ts"
import type { Place } from "./ref-index.ts"
import { isSamePlace, placeOf, RefIndex, refIn } from "./ref-index.ts"
import type { Ref } from "./slabs.ts"
import type { BucketDigest, RecordStore, StoreCounts } from "./store.ts"
import { isFloor } from "./view.ts"

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

/** What a record costs beyond its texts, measured with a million of them. */
const overheadBytes = 120

/** What is stored of one key at a moment. */
interface KeyView {
  readonly key: Id
  readonly place: Place
  readonly refs: readonly Ref[]
  /** Those of `refs`, once somebody has read them. */
  records: readonly StoredRecord[] | undefined
}

/** See the head of this file. */
export class MemoryStore implements RecordStore {
  readonly #limits: typeof storeDefaults
  readonly #records: RecordSlabs
  readonly #index = new RefIndex()
  readonly #expiry: ExpiryWheel
  /** The key that was asked for last, until anything changes: an update asks three times for the same one. */
  #latest: KeyView | undefined
  #keyCount = 0
  #values = 0
  #tombstones = 0
  #bytes = 0

  constructor(components: { readonly runtime: Runtime }, options: StoreOptions = {}) {
    this.#limits = {
      maxRecords: options.maxRecords ?? storeDefaults.maxRecords,
      maxBytes: options.maxBytes ?? storeDefaults.maxBytes,
      maxRecordsPerKey: options.maxRecordsPerKey ?? storeDefaults.maxRecordsPerKey,
      maxBytesPerKey: options.maxBytesPerKey ?? storeDefaults.maxBytesPerKey,
    }
    this.#records = new RecordSlabs((from, to) => {
      this.#latest = undefined
      this.#index.replace(this.#records.placeOf(to), from, to)
    })
    this.#expiry = new ExpiryWheel(components.runtime, (place, slot, now) => this.#sweep(place, slot, now))
  }

  get(key: Id): readonly StoredRecord[] {
    const view = this.#viewOf(key)
    return (view.records ??= view.refs.map((ref) => this.#records.read(ref)))
  }

  put(key: Id, record: StoredRecord): StoredRecord {
    const view = this.#viewOf(key)
    const { place, refs } = view
    const at = refs.findIndex((ref) => this.#records.hasValueHash(ref, record.valueHash))
    if (at >= 0) return this.#merge(view, at, record)
    this.#requireRoom(refs, [record])
    this.#latest = undefined
    const added = this.#records.add(key, record)
    this.#index.insert(place, added)
    this.#records.setSlot(added, this.#expiry.add(place, forgottenAt(record)))
    if (refs.length === 0) this.#keyCount++
    toggle(this.#index.bucketFor(place), key, record)
    this.#count(added, 1)
    return record
  }

  requireRoom(key: Id, records: readonly StoredRecord[]): void {
    this.#requireRoom(this.#viewOf(key).refs, records)
  }

  drop(key: Id): void {
    for (const ref of this.#viewOf(key).refs) this.#remove(key, ref)
  }

  /**
   * A number that the caller keeps with a record; 0 where it has been stored or
   * changed since it was tagged, and where there is none.
   */
  tagOf(key: Id, valueHash: BinaryText): number {
    const ref = this.#find(key, valueHash)
    return ref === undefined ? 0 : this.#records.tagOf(ref)
  }

  /** See `tagOf`. */
  tag(key: Id, valueHash: BinaryText, tag: number): void {
    const ref = this.#find(key, valueHash)
    if (ref !== undefined) this.#records.setTag(ref, tag)
  }

  /** The record of that hash. */
  find(key: Id, valueHash: BinaryText): StoredRecord | undefined {
    const ref = this.#find(key, valueHash)
    return ref === undefined ? undefined : this.#records.read(ref)
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
    const { order } = this.#index
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
    for (const index of this.#index.order) {
      if (!isInside(index)) continue
      const digest = index === from || index === to ? this.#partialDigest(index, range) : this.#index.bucket(index)
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
    this.#latest = undefined
    this.#index.clear()
    this.#records.clear()
    this.#keyCount = this.#values = this.#tombstones = this.#bytes = 0
  }

  #viewOf(key: Id): KeyView {
    if (this.#latest?.key === key) return this.#latest
    const place = placeOf(key)
    const refs = this.#index.at(place)
    const isAlone = refs.every((ref) => this.#records.hasKey(ref, key))
    this.#latest = { key, place, refs: isAlone ? refs : refs.filter((ref) => this.#records.hasKey(ref, key)), records: undefined }
    return this.#latest
  }

  #find(key: Id, valueHash: BinaryText): Ref | undefined {
    return this.#viewOf(key).refs.find((ref) => this.#records.hasValueHash(ref, valueHash))
  }

  #merge({ key, place, refs, records }: KeyView, at: number, record: StoredRecord): StoredRecord {
    const ref = refs[at] as Ref
    const old = records?.[at] ?? this.#records.read(ref)
    const merged = merge(old, record)
    if (merged === old) return old
    this.#latest = undefined
    this.#count(ref, -1)
    const replaced = this.#records.replace(key, ref, merged)
    if (replaced !== ref) this.#index.replace(place, ref, replaced)
    this.#count(replaced, 1)
    const bucket = this.#index.bucketFor(place)
    toggle(bucket, key, old)
    toggle(bucket, key, merged)
    return merged
  }

  #remove(key: Id, ref: Ref): void {
    const place = placeOf(key)
    toggle(this.#index.bucketFor(place), key, this.#records.traceOf(ref))
    this.#count(ref, -1)
    this.#index.remove(place, ref)
    this.#records.remove(ref)
    this.#latest = undefined
    if (this.#viewOf(key).refs.length === 0) this.#keyCount--
  }

  #requireRoom(refs: readonly Ref[], records: readonly StoredRecord[]): void {
    const { maxRecords, maxBytes, maxRecordsPerKey, maxBytesPerKey } = this.#limits
    let before = 0
    for (const ref of refs) before += overheadBytes + this.#records.sizeOf(ref)
    let bytesOfKey = before
    let added = 0
    for (const record of records) {
      // A store that is full must not keep anybody from being removed from it.
      if (refs.length > 0 && isFloor(record)) continue
      const replaced = refs.find((ref) => this.#records.hasValueHash(ref, record.valueHash))
      if (replaced === undefined) added++
      bytesOfKey += sizeOf(record) - (replaced === undefined ? 0 : overheadBytes + this.#records.sizeOf(replaced))
    }
    if (added > 0 && this.#values + this.#tombstones + added > maxRecords) throw full("maxRecords", maxRecords)
    if (bytesOfKey > before && this.#bytes + bytesOfKey - before > maxBytes) throw full("maxBytes", maxBytes)
    const count = refs.length + added
    if (added > 0 && count > maxRecordsPerKey) throw full("maxRecordsPerKey", maxRecordsPerKey)
    if (bytesOfKey > before && bytesOfKey - count * overheadBytes > maxBytesPerKey) throw full("maxBytesPerKey", maxBytesPerKey)
  }

  /** Undefined when no key of the bucket lies in the range. */
  #partialDigest(index: number, range: KeyRange): Fingerprint | undefined {
    let digest: Fingerprint | undefined
    for (const entry of this.#index.bucket(index)?.entries ?? []) {
      const ref = refIn(entry)
      const key = this.#records.keyOf(ref)
      if (!contains(range, key)) continue
      digest ??= { high: 0, low: 0 }
      toggle(digest, key, this.#records.traceOf(ref))
    }
    return digest
  }

  #sortedKeys(index: number): Id[] {
    const keys: Id[] = []
    const { entries } = this.#index.bucket(index) ?? { entries: [] }
    let isInOrder = true
    let first = 0
    entries.forEach((entry, at) => {
      if (at > 0 && !isSamePlace(entry, entries[at - 1] as number)) first = keys.length
      const key = this.#records.keyOf(refIn(entry))
      if (keys.includes(key, first)) return
      if (keys.length > first) isInOrder = false
      keys.push(key)
    })
    return isInOrder ? keys : keys.sort()
  }

  #count(ref: Ref, step: 1 | -1): void {
    if (this.#records.isTombstone(ref)) this.#tombstones += step
    else this.#values += step
    this.#bytes += step * (overheadBytes + this.#records.sizeOf(ref))
  }

  /** Drops what is to be forgotten; has the rest looked at again in its time. */
  #sweep(place: Place, slot: number, now: number): void {
    for (const ref of this.#index.at(place)) {
      if (this.#records.slotOf(ref) !== slot) continue
      const at = this.#records.forgottenAt(ref)
      if (at > now) this.#records.setSlot(ref, this.#expiry.add(place, at))
      else this.#remove(this.#records.keyOf(ref), ref)
    }
  }
}

function sizeOf(record: StoredRecord): number {
  return overheadBytes + record.valueHash.length + record.series.length + (record.value?.length ?? 0)
}

function full(limit: string, max: number): P2PSipError {
  return new P2PSipError("P2PSIP_LIMIT", `${limit}: expected at most ${max}; raise the limit, or add peers to the overlay`)
}

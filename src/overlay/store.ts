/** Where records are kept: in memory (`MemoryStore`), or in memory and on disk (`DurableStore`). */
import type { Id } from "./id.ts"
import type { KeyRange } from "./key-based-routing.ts"
import type { StoredRecord } from "./record.ts"

/** The fingerprint of the keys of one bucket that lie in the range asked for. */
export interface BucketDigest {
  /** See `bucketOf`. */
  readonly bucket: number
  readonly high: number
  readonly low: number
}

/** How much there is. */
export interface StoreCounts {
  readonly keys: number
  /** Records that are not tombstones; those whose time is over count until they are swept. */
  readonly values: number
  readonly tombstones: number
}

/**
 * Records by key. Reading is immediate; writing is visible at once, and
 * durable when `flushed` says so.
 */
export interface RecordStore {
  /** Every record of the key, dead ones included; the array must not be changed. */
  get(key: Id): readonly StoredRecord[]
  /**
   * Merges the record into those of its key; gives the one that is then stored
   * for its valueHash. Throws `P2PSIP_LIMIT` when the store or the key is full.
   */
  put(key: Id, record: StoredRecord): StoredRecord
  /** Throws `P2PSIP_LIMIT` unless so many more records would fit. */
  requireRoom(key: Id, records: readonly StoredRecord[]): void
  /** Forgets the key: for copies that others hold now. */
  drop(key: Id): void
  /**
   * Settles when everything put so far would survive a crash of the process;
   * undefined when that is so already, or never.
   */
  flushed(): Promise<void> | undefined

  /** Keys in the range, clockwise from its beginning or from just after `after`; at most `limit`. */
  keys(range: KeyRange, limit: number, after?: Id): Id[]
  /** The non-empty buckets of the range in ascending order. */
  digest(range: KeyRange): BucketDigest[]
  /** The keys of one bucket that lie in the range, in ascending order. */
  bucketKeys(bucket: number, range: KeyRange): Id[]

  counts(): StoreCounts
  /** Ends timers and forgets everything that is only in memory. */
  close(): void
}

/**
 * Records in memory and, behind them, in a journal on disk.
 *
 * All reading is from memory. What one tick changed is written in one commit;
 * `flushed` waits for it.
 *
 * When the disk fails, changes are refused and reads go on; copies are still
 * taken into memory, but not confirmed. Everything is written as soon as the
 * disk takes it again.
 */
import type { Batch, Journal } from "../runtime/journal.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import { P2PSipError } from "../errors.ts"
import type { KeyedRecord } from "./batch-codec.ts"
import { readBatch, writeBatches } from "./batch-codec.ts"
import type { Id } from "./id.ts"
import { JournalCleaner } from "./journal-cleaner.ts"
import type { KeyRange } from "./key-based-routing.ts"
import type { StoreOptions } from "./memory-store.ts"
import { MemoryStore } from "./memory-store.ts"
import type { StoredRecord } from "./record.ts"
import { forgottenAt } from "./record.ts"
import type { BucketDigest, RecordStore, StoreCounts } from "./store.ts"

/** A change that is to be written, under a number of its own: as long as memory has the record tagged with it, it is the latest. */
interface Entry extends KeyedRecord {
  readonly change: number
}

export interface DurableStoreComponents {
  readonly runtime: Runtime
  readonly journal: Journal
  /** Asked about every record of the journal at the start; those that it does not want are left out. */
  readonly accept?: (record: StoredRecord) => boolean
}

/** Records in one commit, so that it never holds up the peer for long. */
const recordsPerCommit = 2_048
/** And bytes of their values. */
const bytesPerCommit = 1024 * 1024
/** How often a disk that failed is tried again. */
const retryMs = 1_000
/** How often the journal is looked through for what is past. */
const tidyMs = 10_000

/** See the head of this file. */
export class DurableStore implements RecordStore {
  readonly #runtime: Runtime
  readonly #journal: Journal
  /** Its tags are the batch of the journal that holds the record as it is, or the negative number of a change. */
  readonly #memory: MemoryStore
  readonly #cleaner: JournalCleaner
  /** What is to be written, in the order in which it came. Some of it may be outdated. */
  #changed: Entry[] = []
  #lastChange = 0
  /** For those who wait until all of `#changed` is written. */
  #waiting: PromiseWithResolvers<void> | undefined
  #commitTimer: Timer | undefined
  #tidyTimer: Timer | undefined
  #isCommitDue = false
  #isTidyDue = false
  #failure: P2PSipError | undefined
  #isClosed = false

  /** Reads the whole journal. Throws `P2PSIP_STORAGE`. */
  constructor(components: DurableStoreComponents, options: StoreOptions = {}) {
    this.#runtime = components.runtime
    this.#journal = components.journal
    this.#memory = new MemoryStore(components, options)
    this.#cleaner = new JournalCleaner(components.journal, (key, valueHash, batch) => {
      return this.#memory.tagOf(key, valueHash) === batch ? this.#memory.find(key, valueHash) : undefined
    })
    this.#load(components.accept ?? (() => true))
    this.#tidyLater()
  }

  /** Why changes are refused at present. */
  get failure(): P2PSipError | undefined {
    return this.#failure
  }

  /** Records that wait to be written. */
  get pending(): number {
    return this.#changed.length
  }

  get(key: Id): readonly StoredRecord[] {
    return this.#memory.get(key)
  }

  put(key: Id, record: StoredRecord): StoredRecord {
    const merged = this.#memory.put(key, record)
    if (this.#memory.tagOf(key, record.valueHash) === 0) this.#write(key, merged)
    return merged
  }

  requireRoom(key: Id, records: readonly StoredRecord[]): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#memory.requireRoom(key, records)
  }

  drop(key: Id): void {
    this.#memory.drop(key)
  }

  flushed(): Promise<void> | undefined {
    if (this.#changed.length === 0) return undefined
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }

  keys(range: KeyRange, limit: number, after?: Id): Id[] {
    return this.#memory.keys(range, limit, after)
  }

  digest(range: KeyRange): BucketDigest[] {
    return this.#memory.digest(range)
  }

  bucketKeys(bucket: number, range: KeyRange): Id[] {
    return this.#memory.bucketKeys(bucket, range)
  }

  counts(): StoreCounts {
    return this.#memory.counts()
  }

  /** Writes what is left to write, as far as the disk takes it. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#commitTimer?.cancel()
    this.#tidyTimer?.cancel()
    while (this.#changed.length > 0 && this.#commit());
    this.#waiting?.resolve()
    this.#memory.close()
    this.#journal.close()
  }

  #write(key: Id, record: StoredRecord): void {
    const change = --this.#lastChange
    this.#memory.tag(key, record.valueHash, change)
    this.#changed.push({ key, record, change })
    // While the disk fails the list must not grow beyond what memory holds.
    if (this.#failure !== undefined && this.#changed.length > 2 * this.#size + recordsPerCommit) this.#changed = this.#current(this.#changed)
    this.#commitSoon()
  }

  get #size(): number {
    const { values, tombstones } = this.#memory.counts()
    return values + tombstones
  }

  /** Those that are still what memory has. */
  #current(entries: readonly Entry[]): Entry[] {
    return entries.filter(({ key, record, change }) => this.#memory.tagOf(key, record.valueHash) === change)
  }

  #commitSoon(): void {
    if (this.#isCommitDue || this.#isClosed) return
    this.#isCommitDue = true
    if (this.#failure === undefined) this.#runtime.defer(() => this.#commitNow())
    else this.#commitTimer = this.#runtime.setTimer(retryMs, () => this.#commitNow())
  }

  #commitNow(): void {
    this.#isCommitDue = false
    if (this.#isClosed) return
    this.#commit()
    if (this.#changed.length > 0 || this.#isTidyDue) this.#commitSoon()
  }

  /** Writes what one commit may hold. False when the disk does not take it. */
  #commit(): boolean {
    const count = this.#commitSize()
    const isAll = count === this.#changed.length
    const entries = this.#current(isAll ? this.#changed : this.#changed.slice(0, count))
    try {
      // A little later than it could be: by then memory has forgotten, too, and nothing has to be written again.
      const past = this.#isTidyDue ? this.#runtime.wallClock() - tidyMs : undefined
      const { removed, kept, isComplete } = this.#cleaner.pick({ written: entries.length, inMemory: this.#size, past })
      const written = writeBatches([...entries, ...kept], this.#runtime)
      this.#isTidyDue &&= !isComplete
      const ids = this.#journal.commit(removed, written.map(({ batch }) => batch))
      written.forEach((batch, index) => {
        for (const { key, record } of batch.entries) this.#memory.tag(key, record.valueHash, ids[index] ?? 0)
      })
    } catch (error) {
      this.#fail(error)
      return false
    }
    this.#changed = isAll ? [] : this.#changed.slice(count)
    this.#recover()
    if (isAll) {
      this.#waiting?.resolve()
      this.#waiting = undefined
    }
    return true
  }

  #commitSize(): number {
    let bytes = 0
    let count = 0
    for (const { record } of this.#changed) {
      bytes += record.value?.length ?? 0
      if (count === recordsPerCommit || (count > 0 && bytes > bytesPerCommit)) break
      count++
    }
    return count
  }

  #fail(error: unknown): void {
    if (!(error instanceof P2PSipError)) throw error
    if (this.#failure === undefined) this.#runtime.log.error({ code: error.code, error: error.message }, "records cannot be written: changes are refused until they can")
    this.#failure = error
    // Where room is short, what is past goes first.
    this.#isTidyDue = true
    this.#waiting?.promise.catch(() => undefined)
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  #recover(): void {
    if (this.#failure === undefined) return
    this.#failure = undefined
    this.#runtime.log.info({}, "records can be written again")
  }

  /** Removes what is past, also while nothing changes. */
  #tidyLater(): void {
    this.#tidyTimer = this.#runtime.setTimer(tidyMs, () => {
      this.#isTidyDue = true
      this.#commitSoon()
      this.#tidyLater()
    })
  }

  #load(accept: (record: StoredRecord) => boolean): void {
    let left = 0
    for (const batch of this.#journal.oldest()) left += this.#loadBatch(batch, accept)
    const { keys } = this.#memory.counts()
    this.#runtime.log.info({ keys, left }, "records were read from disk")
  }

  /** Returns how many records were left out because their time is over, or they are not wanted. */
  #loadBatch(batch: Batch, accept: (record: StoredRecord) => boolean): number {
    const now = this.#runtime.now()
    let left = 0
    try {
      for (const { key, record } of readBatch(batch.body, this.#runtime)) {
        if (forgottenAt(record) <= now || !accept(record)) {
          left++
          continue
        }
        const merged = this.#memory.put(key, record)
        if (merged === record) this.#memory.tag(key, record.valueHash, batch.id)
        // What two batches give only together is written in one.
        else if (this.#memory.tagOf(key, record.valueHash) === 0) this.#write(key, merged)
      }
    } catch (error) {
      if (!(error instanceof P2PSipError)) throw error
      this.#runtime.log.error({ error: error.message, batch: batch.id }, "a batch of records cannot be read: the other replicas have them")
    }
    return left
  }
}

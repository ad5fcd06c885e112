/**
 * Chooses what goes from the journal. A batch goes as a whole: those of its
 * records that are still needed are written once more.
 *
 * Past batches go first. Besides, the oldest go as long as the journal holds
 * more than twice what memory holds: they have least in them that is needed.
 */
import type { KeyedRecord } from "./batch-codec.ts"
import { ByteReader } from "../codec.ts"
import { isP2PSipError } from "../errors.ts"
import type { Batch, Journal } from "../runtime/journal.ts"
import { idBytes } from "./id.ts"
import type { Id } from "./id.ts"
import type { BinaryText, StoredRecord } from "./record.ts"
import { readRecord } from "./record-codec.ts"

/** So many records that are not needed never matter. */
const slackRecords = 4_096
/** For each record that is written, so many are looked at, and some more. */
const lookedAtPerWritten = 4
const lookedAtAnyway = 512

/** What is known when a commit is put together. */
export interface Occasion {
  /** Records that the commit writes anyway. */
  readonly written: number
  readonly inMemory: number
  /** Milliseconds since 1970; undefined where past batches are not looked for. */
  readonly past: number | undefined
}

export interface Cleaning {
  readonly removed: readonly Batch[]
  /** What of it is still needed. */
  readonly kept: readonly KeyedRecord[]
  /** Whether nothing is left to be removed. */
  readonly isComplete: boolean
}

/** What memory has, if that batch alone holds it. */
type FindInBatch = (key: Id, valueHash: BinaryText, batch: number) => StoredRecord | undefined

/** See the head of this file. */
export class JournalCleaner {
  readonly #journal: Journal
  readonly #find: FindInBatch

  constructor(journal: Journal, find: FindInBatch) {
    this.#journal = journal
    this.#find = find
  }

  /** What goes with a commit. */
  pick({ written, inMemory, past }: Occasion): Cleaning {
    const removed = new Map<number, Batch>()
    const kept: KeyedRecord[] = []
    const most = lookedAtPerWritten * written + lookedAtAnyway
    let seen = 0
    const take = (batch: Batch): void => {
      if (removed.has(batch.id)) return
      seen += batch.records
      removed.set(batch.id, batch)
      kept.push(...this.#needed(batch))
    }
    if (past !== undefined) {
      for (const batch of this.#journal.past(past)) {
        if (seen >= most) break
        take(batch)
      }
    }
    const isTooLong = (): boolean => this.#journal.records - seen + kept.length > 2 * inMemory + slackRecords
    if (seen < most && isTooLong()) {
      for (const batch of this.#journal.oldest()) {
        if (seen >= most || !isTooLong()) break
        take(batch)
      }
    }
    return { removed: [...removed.values()], kept, isComplete: seen < most }
  }

  /** The records of the batch that are nowhere else in the journal. */
  #needed(batch: Batch): KeyedRecord[] {
    const needed: KeyedRecord[] = []
    const reader = new ByteReader(batch.body)
    try {
      reader.uint53()
      while (reader.remaining > 0) {
        const key = reader.hex(idBytes)
        const { valueHash } = readRecord(reader, 0)
        const record = this.#find(key, valueHash, batch.id)
        if (record !== undefined) needed.push({ key, record })
      }
    } catch (error) {
      if (!isP2PSipError(error, "P2PSIP_BAD_FRAME")) throw error
    }
    return needed
  }
}

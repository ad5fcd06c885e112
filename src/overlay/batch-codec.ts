/**
 * The records of one batch of the journal.
 *
 *     writtenAt:uint53                 milliseconds since 1970
 *     records × [key:20 record]        as on the wire: with what was left of their times then
 */
import { ByteReader, ByteWriter } from "../codec.ts"
import type { Batch } from "../runtime/journal.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { Id } from "./id.ts"
import { idBytes } from "./id.ts"
import type { StoredRecord } from "./record.ts"
import { forgottenAt } from "./record.ts"
import { readRecord, writeRecord } from "./record-codec.ts"

type Clocks = Pick<Runtime, "now" | "wallClock">

/** A batch is closed when it has so many bytes. */
const batchBytes = 128 * 1024

export interface KeyedRecord {
  readonly key: Id
  readonly record: StoredRecord
}

/** A batch to be written, and which records it holds. */
export interface Written {
  readonly batch: Omit<Batch, "id">
  readonly entries: readonly KeyedRecord[]
}

/** The records in as many batches as they need. */
export function writeBatches(entries: readonly KeyedRecord[], clocks: Clocks): Written[] {
  const now = clocks.now()
  const wall = Math.max(0, Math.floor(clocks.wallClock()))
  const batches: Written[] = []
  for (let at = 0; at < entries.length;) {
    const first = at
    const writer = new ByteWriter(Math.min(batchBytes, (entries.length - at) * 512)).uint53(wall)
    let latest = 0
    for (; at < entries.length && writer.length < batchBytes; at++) {
      const entry = entries[at]
      if (entry === undefined) break
      writeRecord(writer.hex(entry.key), entry.record, now)
      latest = Math.max(latest, forgottenAt(entry.record))
    }
    const body = writer.finish()
    batches.push({ batch: { forgottenAt: wall + latest - now, records: at - first, body }, entries: entries.slice(first, at) })
  }
  return batches
}

/**
 * What a batch holds, as seen now. Throws `P2PSIP_BAD_FRAME`. A clock that was
 * set back meanwhile lengthens no life beyond what was left of it at the writing.
 */
export function readBatch(body: Uint8Array, clocks: Clocks): KeyedRecord[] {
  const reader = new ByteReader(body)
  const elapsedMs = Math.max(0, clocks.wallClock() - reader.uint53())
  const writtenAt = clocks.now() - elapsedMs
  const entries: KeyedRecord[] = []
  while (reader.remaining > 0) {
    const key = reader.hex(idBytes)
    entries.push({ key, record: readRecord(reader, writtenAt) })
  }
  return entries
}

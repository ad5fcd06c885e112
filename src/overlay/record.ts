/**
 * What is kept of one valueHash of one key: a value or a tombstone, and what
 * decides which of two wins.
 *
 * The records of a key form a last-writer-wins map from valueHash to record.
 * `merge` is commutative, associative and idempotent; so copying, hand-over,
 * repair and the healing of a partition are all one operation.
 *
 * Sequences are judged where a change is made (`update.ts`), not here: preferring
 * the higher number within a series, and the later order between series, is
 * not transitive (number 2 of one series, made first, loses to another series,
 * and that to a late number 1 of the first one). Owners whose clocks agree
 * (`hlc.ts`) give a client's later change the later order, and that is enough.
 *
 * Bytes are held as strings of characters below 256: a million short strings
 * take far less memory than a million byte arrays.
 */
/** Bytes, one character each. */
export type BinaryText = string

/** See the head of this file. Times are milliseconds on this peer's `Runtime.now()`. */
export interface StoredRecord {
  /** Empty for the floor that a removal of everything leaves (`view.ts`). */
  readonly valueHash: BinaryText
  /** Undefined for a tombstone. */
  readonly value: BinaryText | undefined
  /** The hybrid logical clock of the owner that made the change; newer wins. */
  readonly order: number
  /** Eight bytes: which operation made the change. Breaks ties, and makes a repeated operation recognisable. */
  readonly operationId: BinaryText
  /** The series of the mutation's sequence; empty for none. */
  readonly series: BinaryText
  /** The number of the mutation's sequence. */
  readonly number: number
  /** When the value stops being live. */
  readonly liveUntil: number
  /**
   * Until when the record is remembered, live or not: no copy of an older one
   * lives longer. So neither a removal nor a shortened life can be undone by
   * an older copy.
   */
  readonly keptUntil: number
}

/**
 * A record stays in the store for so long after `keptUntil`, to win over older
 * copies whose lives grew a little with each journey between peers.
 */
export const graceMs: number = 60 * 1000

/** When a record may be dropped. */
export function forgottenAt(record: StoredRecord): number {
  return record.keptUntil + graceMs
}

export function isLive(record: StoredRecord, now: number): boolean {
  return record.value !== undefined && record.liveUntil > now
}

/** Whether the record still counts in judging an update. */
export function isRemembered(record: StoredRecord, now: number): boolean {
  return record.keptUntil > now
}

/** Positive when `a` wins over `b`, zero when they say the same. Both are of one valueHash. */
export function compareRecords(a: StoredRecord, b: StoredRecord): number {
  return (
    a.order - b.order ||
    compareText(a.operationId, b.operationId) ||
    Number(a.value !== undefined) - Number(b.value !== undefined) ||
    compareText(a.value ?? "", b.value ?? "") ||
    compareText(a.series, b.series) ||
    a.number - b.number
  )
}

/**
 * The one of two records of the same valueHash that wins, remembered for as
 * long as either. Of two equal ones the shorter life counts: lives grow on
 * their way between peers, never shrink.
 */
export function merge<Record extends StoredRecord>(a: Record, b: Record): Record {
  const comparison = compareRecords(a, b)
  const winner = comparison >= 0 ? a : b
  const liveUntil = comparison === 0 ? Math.min(a.liveUntil, b.liveUntil) : winner.liveUntil
  const keptUntil = Math.max(a.keptUntil, b.keptUntil)
  if (liveUntil === winner.liveUntil && keptUntil === winner.keptUntil) return winner
  return { ...winner, liveUntil, keptUntil }
}

export function toBinaryText(bytes: Uint8Array): BinaryText {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString("latin1")
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/**
 * What clients know about the records: what was acknowledged, what may have
 * happened, and so what a reader may and must see.
 *
 * An operation without an answer leaves two possible truths, until a later one
 * of the same record is acknowledged.
 */
import type { Value } from "../../servlet/types.ts"

/** A state in which a record can be. */
export interface Possibility {
  /** Undefined: there is no live value. */
  readonly value: string | undefined
  /** Until then it must be there. */
  readonly livesAtLeastUntil: number
  /** After that it must be gone. */
  livesAtMostUntil: number
}

/** One record, written by one client. */
export interface LedgerEntry {
  readonly key: string
  /** Text form of the valueHash. */
  readonly hash: string
  possible: readonly Possibility[]
  /** Changes with every operation: a read is judged only if it saw no change. */
  version: number
  /** Virtual time of the last acknowledgement. */
  acknowledgedAt: number | undefined
}

/** A change under way. */
export interface LedgerOperation {
  readonly entry: LedgerEntry
  readonly value: string | undefined
  readonly ttlMs: number
  readonly startedAt: number
  readonly outcome: Possibility
}

/** Something that a reader was shown and that cannot be. */
export interface Contradiction {
  readonly kind: "lost" | "resurrected" | "wrong value"
  readonly key: string
  readonly hash: string
  readonly detail: string
}

/** A deadline of whole seconds is rounded up at every copy, and travels. */
const expirySlackMs = 5000

const absent: Possibility = { value: undefined, livesAtLeastUntil: 0, livesAtMostUntil: Infinity }

/** See the head of this file. */
export class Ledger {
  readonly #keys: string[] = []
  readonly #entries = new Map<string, Map<string, LedgerEntry>>()
  acknowledged = 0
  failed = 0
  refused = 0

  /** All keys that were ever written, in the order of their first write. */
  get keys(): readonly string[] {
    return this.#keys
  }

  entriesOf(key: string): LedgerEntry[] {
    return [...(this.#entries.get(key)?.values() ?? [])]
  }

  entry(key: string, hash: string): LedgerEntry {
    let entries = this.#entries.get(key)
    if (entries === undefined) {
      entries = new Map<string, LedgerEntry>()
      this.#entries.set(key, entries)
      this.#keys.push(key)
    }
    let entry = entries.get(hash)
    if (entry === undefined) {
      entry = { key, hash, possible: [absent], version: 0, acknowledgedAt: undefined }
      entries.set(hash, entry)
    }
    return entry
  }

  /** A client begins to store a value (or, undefined, to remove it). */
  begin(entry: LedgerEntry, value: string | undefined, ttlMs: number, now: number): LedgerOperation {
    entry.version++
    const outcome: Possibility = value === undefined ? { ...absent } : { value, livesAtLeastUntil: now + ttlMs, livesAtMostUntil: Infinity }
    entry.possible = [...entry.possible, outcome]
    return { entry, value, ttlMs, startedAt: now, outcome }
  }

  acknowledge(operation: LedgerOperation, now: number): void {
    const { entry, value, ttlMs, startedAt } = operation
    entry.version++
    entry.acknowledgedAt = now
    this.acknowledged++
    entry.possible = [
      value === undefined
        ? absent
        : { value, livesAtLeastUntil: startedAt + ttlMs, livesAtMostUntil: now + ttlMs + expirySlackMs },
    ]
  }

  /** Refused for certain: nothing was changed by this operation. */
  refuse(operation: LedgerOperation): void {
    operation.entry.version++
    this.refused++
    operation.entry.possible = operation.entry.possible.filter((one) => one !== operation.outcome)
  }

  /** No answer, or one that promises nothing: it may have happened, or may still. */
  fail(operation: LedgerOperation, now: number): void {
    operation.entry.version++
    this.failed++
    for (const possibility of operation.entry.possible) {
      if (possibility.value === undefined || possibility.livesAtMostUntil !== Infinity) continue
      possibility.livesAtMostUntil = now + operation.ttlMs + expirySlackMs + lateApplicationMs
    }
  }

  /** What of this key's records contradicts what is known; entries that changed since `versions` are passed over. */
  judge(key: string, values: readonly Value[], now: number, versions?: ReadonlyMap<LedgerEntry, number>): Contradiction[] {
    const shown = new Map(values.map((value) => [Buffer.from(value.valueHash).toString(), Buffer.from(value.value).toString()]))
    const found: Contradiction[] = []
    for (const entry of this.entriesOf(key)) {
      if (versions !== undefined && versions.get(entry) !== entry.version) continue
      const contradiction = judgeEntry(entry, shown.get(entry.hash), now)
      if (contradiction !== undefined) found.push(contradiction)
    }
    for (const hash of shown.keys()) {
      if (this.#entries.get(key)?.has(hash) === true) continue
      found.push({ kind: "wrong value", key, hash, detail: "nobody ever wrote a record of this hash" })
    }
    return found
  }

  /** The versions of a key's entries, to be given to `judge` when the read is over. */
  versionsOf(key: string): Map<LedgerEntry, number> {
    return new Map(this.entriesOf(key).map((entry) => [entry, entry.version]))
  }

  /** Records that certainly are live at `now`, with a margin before their expiry. */
  liveRecords(now: number, marginMs = 0): LedgerEntry[] {
    return this.keys.flatMap((key) => this.entriesOf(key)).filter((entry) => mustBeLive(entry, now + marginMs))
  }
}

/** A frame may wait that long in the network after its sender has given up. */
const lateApplicationMs = 30_000

function mustBeLive(entry: LedgerEntry, now: number): boolean {
  return entry.possible.every((possibility) => possibility.value !== undefined && possibility.livesAtLeastUntil > now)
}

function judgeEntry(entry: LedgerEntry, shown: string | undefined, now: number): Contradiction | undefined {
  const { key, hash, possible } = entry
  const expected = possible.map((one) => one.value ?? "nothing").join(" or ")
  if (shown === undefined) {
    if (!mustBeLive(entry, now)) return undefined
    return { kind: "lost", key, hash, detail: `expected ${expected}, acknowledged at ${entry.acknowledgedAt}, found nothing` }
  }
  if (possible.some((one) => one.value === shown && one.livesAtMostUntil >= now)) return undefined
  const isOver = possible.every((one) => one.value === undefined || one.livesAtMostUntil < now)
  return { kind: isOver ? "resurrected" : "wrong value", key, hash, detail: `expected ${expected}, found ${shown}` }
}

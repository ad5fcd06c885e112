/**
 * An update, judged and applied: the rules of `src/servlet/README.md`, one
 * after the other, on plain data. What is there is what `view.ts` shows.
 */
import type { NormalMutation, NormalPrecondition, NormalSequence } from "../servlet/normalise.ts"
import { unseenRemovalSeconds } from "../servlet/normalise.ts"
import type { RejectionCode } from "../servlet/rejected.ts"
import type { BinaryText, StoredRecord } from "./record.ts"
import { isLive, isRemembered, toBinaryText } from "./record.ts"
import { floorHash, isFloor, viewOf } from "./view.ts"

/** What is to be done to one key. */
export interface Update {
  readonly mutations: readonly NormalMutation[]
  readonly preconditions: readonly NormalPrecondition[]
  readonly operationId: BinaryText
}

export interface UpdateContext {
  readonly now: number
  readonly maxValuesPerKey: number
  /** The next order of the hybrid logical clock. */
  readonly tick: () => number
  /** This peer remembers to have made the operation, whatever the records say. */
  readonly wasMade?: boolean
}

/** `changed` are to be stored and copied to the replicas; `records` are the key's afterwards. */
export type UpdateOutcome =
  | { readonly kind: "applied"; readonly changed: readonly StoredRecord[]; readonly records: readonly StoredRecord[] }
  /** The operation has been made before; `changed` are the records that it left. */
  | { readonly kind: "repeated"; readonly changed: readonly StoredRecord[]; readonly records: readonly StoredRecord[] }
  | { readonly kind: "rejected"; readonly code: RejectionCode; readonly message: string }

/** Records of one key at most, for each value that may be live: the rest are tombstones. */
const recordsPerValue = 8

/** See the head of this file. `stored` are all the records of the key that the store holds. */
export function applyUpdate(stored: readonly StoredRecord[], update: Update, context: UpdateContext): UpdateOutcome {
  const { now, maxValuesPerKey } = context
  const view = viewOf(stored)
  const before = remembered(view, now)

  // 1. Repeated?
  const isOwn = (record: StoredRecord): boolean => record.operationId === update.operationId
  const written = view === stored ? before : remembered(stored, now)
  if (context.wasMade === true || written.some(isOwn)) return { kind: "repeated", changed: written.filter(isOwn), records: before }

  // 2. Preconditions, on the live values.
  for (const condition of update.preconditions) {
    if (!holds(condition, before, now)) {
      const count = before.filter((record) => isLive(record, now)).length
      return rejected("P2PSIP_PRECONDITION", `expected the key to satisfy "${condition.kind}", found ${count} live values`)
    }
  }

  // 3. Sequences, against what was there before.
  const floor = view === stored ? undefined : written.find(isFloor)
  const numbered = floor === undefined ? before : [...before, floor]
  for (const mutation of update.mutations) {
    if (mutation.sequence === undefined || numbered.length === 0) continue
    const newer = notOlder(mutation, mutation.sequence, numbered, now)
    if (newer !== undefined) {
      return rejected("P2PSIP_OUT_OF_ORDER", `expected a sequence after ${newer.number}, found ${mutation.sequence.number}`)
    }
  }

  // 4. The mutations, in order, on a copy.
  const after = [...before]
  const changed: StoredRecord[] = []
  for (const mutation of update.mutations) {
    for (const record of apply(after, mutation, update.operationId, context)) {
      if (!isFloor(record)) put(after, record)
      put(changed, record)
    }
  }

  // 5. Count.
  let live = 0
  for (const record of after) if (isLive(record, now)) live++
  let most = maxValuesPerKey
  for (const condition of update.preconditions) if (condition.kind === "atMost") most = Math.min(most, condition.values)
  if (live > most) return rejected("P2PSIP_TOO_MANY_VALUES", `expected at most ${most} live values, found ${live}`)
  if (after.length > maxValuesPerKey * recordsPerValue) {
    const message = `expected fewer changes of this key within the life of its values, found ${after.length} values and tombstones`
    return rejected("P2PSIP_TOO_MANY_VALUES", message)
  }
  return { kind: "applied", changed, records: after }
}

function remembered(records: readonly StoredRecord[], now: number): readonly StoredRecord[] {
  return records.every((record) => isRemembered(record, now)) ? records : records.filter((record) => isRemembered(record, now))
}

function find(records: readonly StoredRecord[], valueHash: BinaryText): StoredRecord | undefined {
  return records.find((record) => record.valueHash === valueHash)
}

/** In the place of the one with the same valueHash. A key has few records: to look at each takes less time than a table of them. */
function put(records: StoredRecord[], record: StoredRecord): void {
  const at = records.findIndex(({ valueHash }) => valueHash === record.valueHash)
  if (at < 0) records.push(record)
  else records[at] = record
}

function rejected(code: RejectionCode, message: string): UpdateOutcome {
  return { kind: "rejected", code, message }
}

function holds(condition: NormalPrecondition, records: readonly StoredRecord[], now: number): boolean {
  if (condition.kind === "atMost") return true
  if (condition.kind === "empty") return !records.some((record) => isLive(record, now))
  const hash = toBinaryText(condition.valueHash)
  return records.some((record) => record.valueHash === hash && isLive(record, now)) === (condition.kind === "exists")
}

/** A record that the mutation meets and whose sequence is not older than the mutation's. */
function notOlder(
  mutation: NormalMutation,
  sequence: NormalSequence,
  records: readonly StoredRecord[],
  now: number,
): StoredRecord | undefined {
  const hash = mutation.kind === "removeAll" ? undefined : toBinaryText(mutation.valueHash)
  const series = toBinaryText(sequence.series)
  return records.find((record) => {
    const isMet = isFloor(record) || (hash === undefined ? isLive(record, now) : record.valueHash === hash)
    return isMet && record.series === series && sequence.number <= record.number
  })
}

/** Rule 4, for one mutation: the records that it writes. */
function apply(
  records: readonly StoredRecord[],
  mutation: NormalMutation,
  operationId: BinaryText,
  context: UpdateContext,
): StoredRecord[] {
  const series = mutation.sequence === undefined ? "" : toBinaryText(mutation.sequence.series)
  const number = mutation.sequence?.number ?? 0
  const bury = ({ valueHash, keptUntil }: Pick<StoredRecord, "valueHash" | "keptUntil">): StoredRecord => ({
    valueHash, value: undefined, order: context.tick(), operationId, series, number, liveUntil: context.now, keptUntil,
  })
  const unseen = context.now + unseenRemovalSeconds * 1000
  switch (mutation.kind) {
    case "put": {
      const valueHash = toBinaryText(mutation.valueHash)
      const liveUntil = context.now + mutation.ttlSeconds * 1000
      const keptUntil = Math.max(liveUntil, find(records, valueHash)?.keptUntil ?? 0)
      const value = toBinaryText(mutation.value)
      return [{ valueHash, value, order: context.tick(), operationId, series, number, liveUntil, keptUntil }]
    }
    case "remove": {
      const valueHash = toBinaryText(mutation.valueHash)
      return [bury(find(records, valueHash) ?? { valueHash, keptUntil: unseen })]
    }
    case "removeAll":
      return [...records.filter((record) => isLive(record, context.now)), { valueHash: floorHash, keptUntil: unseen }].map(bury)
  }
}

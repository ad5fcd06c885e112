/**
 * What the records of a key mean to whoever reads or changes it.
 *
 * A removal of everything buries the values that its owner knows, as a removal
 * of each would. Of values that only peers out of reach have it knows nothing:
 * for them it leaves a *floor*, one record besides, of the valueHash that no
 * value can have. Values of a lower order than the key's floor have been
 * removed by it, whenever and from wherever they come.
 *
 * That is judged here alone, each time the key is looked at, and never carried
 * out in the store. There the floor is a record like all others: it merges, is
 * copied, compared, journaled and forgotten as they are, and the later of two
 * wins. Were what lies below it rewritten as it arrives, stores that heard the
 * same in another order, or forgot the floor earlier, would differ, and go on
 * comparing. What is below is forgotten when its life is over, which is not
 * after the floor's unless it was stored for longer than `unseenRemovalSeconds`:
 * then it is seen again, as after the removal of one value that was not known.
 */
import type { Value } from "../servlet/types.ts"
import type { BinaryText, StoredRecord } from "./record.ts"
import { isLive } from "./record.ts"

/** The valueHash of floors: those of values have at least one byte. */
export const floorHash: BinaryText = ""

export function isFloor({ valueHash }: Pick<StoredRecord, "valueHash">): boolean {
  return valueHash === floorHash
}

/**
 * The records of a key as if the latest removal of everything had known them
 * all: values below the floor are tombstones that it left. The floor itself is
 * not among them. It counts as long as the store has it.
 */
export function viewOf(stored: readonly StoredRecord[]): readonly StoredRecord[] {
  const floor = stored.find(isFloor)
  if (floor === undefined) return stored
  const records: StoredRecord[] = []
  for (const record of stored) {
    if (record !== floor) records.push(isBelow(record, floor) ? { ...floor, valueHash: record.valueHash, keptUntil: record.keptUntil } : record)
  }
  return records
}

/** The live records of a key. */
export function liveRecords(stored: readonly StoredRecord[], now: number): readonly StoredRecord[] {
  return viewOf(stored).filter((record) => isLive(record, now))
}

/** The live ones as the servlet shows them. */
export function liveValues(stored: readonly StoredRecord[], now: number): Value[] {
  const values: Value[] = []
  for (const record of viewOf(stored)) {
    if (record.value === undefined || record.liveUntil <= now) continue
    values.push({
      valueHash: Buffer.from(record.valueHash, "latin1"),
      value: Buffer.from(record.value, "latin1"),
      ttlSeconds: Math.ceil((record.liveUntil - now) / 1000),
    })
  }
  return values
}

/** Of values alone: tombstones are what they are. Operations of one order are told apart as `compareRecords` does. */
function isBelow(record: StoredRecord, floor: StoredRecord): boolean {
  if (record.value === undefined || record.order > floor.order) return false
  return record.order < floor.order || record.operationId < floor.operationId
}

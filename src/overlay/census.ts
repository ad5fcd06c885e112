/** How many records a peer keeps as an owner, and how many as copies. */
import type { ServletStatus } from "../servlet/types.ts"
import type { Id } from "./id.ts"
import { wholeRing } from "./key-range.ts"
import { isRemembered } from "./record.ts"
import type { RecordStore } from "./store.ts"
import { liveRecords } from "./view.ts"

type RecordCounts = ServletStatus["records"]

/** Up to so many keys are counted record by record; of more, while messages wait, a part. */
export const maxCountedKeys = 2000
/** That part: so many buckets, with equal gaps between them, as the keys of one peer lie side by side. */
const sampledBuckets = 32

/** Exact for a small store; of a large one the shares are estimated, and those whose time is over count until they are swept. */
export function countRecords(store: RecordStore, isResponsible: (key: Id) => boolean, now: number): RecordCounts {
  return store.counts().keys > maxCountedKeys ? estimate(store, isResponsible) : count(store, isResponsible, now)
}

function count(store: RecordStore, isResponsible: (key: Id) => boolean, now: number): RecordCounts {
  let owned = 0
  let copies = 0
  let tombstones = 0
  for (const key of store.keys(wholeRing, maxCountedKeys)) {
    const records = store.get(key)
    const live = liveRecords(records, now).length
    if (isResponsible(key)) owned += live
    else copies += live
    tombstones += records.filter((record) => isRemembered(record, now)).length - live
  }
  return { owned, copies, tombstones }
}

function estimate(store: RecordStore, isResponsible: (key: Id) => boolean): RecordCounts {
  const { values, tombstones } = store.counts()
  const buckets = store.digest(wholeRing)
  const step = Math.max(1, buckets.length / sampledBuckets)
  let seen = 0
  let responsible = 0
  for (let at = 0; Math.floor(at) < buckets.length; at += step) {
    const keys = store.bucketKeys(buckets[Math.floor(at)]?.bucket ?? 0, wholeRing)
    seen += keys.length
    responsible += keys.filter(isResponsible).length
  }
  const owned = Math.round((values * responsible) / Math.max(1, seen))
  return { owned, copies: values - owned, tombstones }
}

/** What two tables of members have to tell each other: pure selections, cut to what a frame may hold. */
import type { SyncReply } from "./membership-messages.ts"
import { entryBytes, maxEntriesPerFrame } from "./membership-messages.ts"
import type { MembershipEntry, MembershipTable } from "./membership-table.ts"
import { bucketCount, bucketOf, outweighs } from "./membership-table.ts"

/** Whole buckets whose digests differ from the asker's, from bucket `first` on. At least one, if any differs. */
export function differingEntries(
  table: MembershipTable,
  theirDigests: Uint32Array,
  first: number,
  maxBytes: number,
): Pick<SyncReply, "entries" | "buckets"> {
  const byBucket = table.byBucket()
  const entries: MembershipEntry[] = []
  const buckets: number[] = []
  let bytes = 0
  for (let step = 0; step < bucketCount; step++) {
    const bucket = (first + step) % bucketCount
    if (theirDigests[bucket] === table.bucketDigests[bucket]) continue
    const inBucket = byBucket[bucket] ?? []
    bytes += inBucket.reduce((sum, entry) => sum + entryBytes(entry), 0)
    if (entries.length > 0 && (bytes > maxBytes || entries.length + inBucket.length > maxEntriesPerFrame)) break
    entries.push(...inBucket.slice(0, maxEntriesPerFrame))
    buckets.push(bucket)
  }
  return { entries, buckets: Uint8Array.from(buckets) }
}

/** The entries of the answered buckets that the other lacks, or has older. */
export function missingEntries(table: MembershipTable, reply: SyncReply, maxBytes: number): MembershipEntry[] {
  const theirs = new Map(reply.entries.map((entry) => [entry.member.peerId, entry]))
  const answered = new Set(reply.buckets)
  const missing: MembershipEntry[] = []
  let bytes = 0
  for (const bucket of table.byBucket()) {
    for (const entry of bucket) {
      if (!answered.has(bucketOf(entry.member.id))) break
      const known = theirs.get(entry.member.peerId)
      if (known === undefined ? entry.status !== "alive" : !outweighs(entry, known)) continue
      bytes += entryBytes(entry)
      if (bytes > maxBytes || missing.length === maxEntriesPerFrame) break
      missing.push(entry)
    }
  }
  return missing
}

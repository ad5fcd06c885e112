/**
 * Records between this peer's store and another's: the four requests, both
 * sides of each. Pages follow one another only as they are answered, so that
 * a large transfer never floods anybody; it resumes by comparing again.
 */
import type { ByteReader } from "../codec.ts"
import { P2PSipError, isP2PSipError } from "../errors.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { Lead } from "./custody.ts"
import { fingerprintOf } from "./fingerprint.ts"
import type { HybridClock } from "./hlc.ts"
import type { Id } from "./id.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import { bucketOf, contains } from "./key-range.ts"
import { methods } from "./methods.ts"
import type { StoredRecord } from "./record.ts"
import { isWorthSending } from "./record-codec.ts"
import type { Rpc } from "./rpc.ts"
import type { Reply } from "./rpc-server.ts"
import type { RecordStore } from "./store.ts"
import type { Comparison, KeyDigest, KeyRecords } from "./transfer-codec.ts"
import {
  encodeCompare, encodeComparison, encodeFetched, encodeItem, encodeKeys, encodeRefused, encodeStore, maxKeysPerFrame, pageBytes,
  readCompare, readComparison, readFetched, readKeys, readRefused, readStore,
} from "./transfer-codec.ts"

/** Keys named in one page of a comparison. */
const maxKeysPerPage = 1024
/** Records of how many keys are asked for at once. */
const keysPerFetch = 256

export interface TransferComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly store: RecordStore
  readonly clock: HybridClock
}

/** What differs in (range.from, upTo] between this peer and another. */
export interface Difference {
  readonly upTo: Id
  /** Keys of which the other holds something that this peer does not. */
  readonly theirs: readonly Id[]
  /** Keys of which this peer holds something that the other does not. */
  readonly ours: readonly Id[]
  /** Whom the other has yet to ask about keys of the range. */
  readonly leads: readonly Lead[]
}

/** Whom this peer has yet to ask itself: part of its answers. */
export interface LeadSource {
  leadsForRange(range: KeyRange): readonly Lead[]
  leadsForKeys(keys: readonly Id[]): readonly Member[]
}

/** See the head of this file. */
export class Transfer {
  readonly #components: TransferComponents
  readonly #refused: Counter
  #leads: LeadSource = { leadsForRange: () => [], leadsForKeys: () => [] }
  #isLeaving = false

  constructor(components: TransferComponents) {
    this.#components = components
    const { rpc, runtime } = components
    this.#refused = runtime.metrics.counter("p2psip_overlay_refused_records_total", "records of other peers that were not taken")
    rpc.handle(methods.store, (_from, body) => this.#onStore(body))
    rpc.handle(methods.fetch, (_from, body) => this.#onFetch(body))
    rpc.handle(methods.compare, (_from, body) => this.#onCompare(body))
  }

  /** From now on answers name these as well. */
  nameLeads(leads: LeadSource): void {
    this.#leads = leads
  }

  /** From now on no records are taken for others: whoever relies on this peer to keep them would be left without. */
  beginLeaving(): void {
    this.#isLeaving = true
  }

  /** Rejects with `P2PSIP_NOT_OPEN` when the member is about to leave, and otherwise as `Rpc.call` does. */
  async requireStaying(member: Member, signal: AbortSignal): Promise<void> {
    await this.#components.rpc.call(member, methods.store, encodeStore([]), { signal })
  }

  /** Merges records into the store; false when one of them was refused. */
  take({ key, records }: KeyRecords): boolean {
    const { clock, runtime } = this.#components
    const now = runtime.now()
    let isTaken = true
    for (const record of records) {
      if (!clock.observe(record.order)) isTaken = false
      else if (isWorthSending(record, now)) isTaken = this.#put(key, record) && isTaken
    }
    return isTaken
  }

  /** Asks for all records of the keys and merges them; resolves with whom the other would ask. Rejects as `Rpc.call` does. */
  async pull(member: Member, keys: readonly Id[], signal?: AbortSignal): Promise<Member[]> {
    const { rpc, runtime } = this.#components
    const named: Member[] = []
    for (let at = 0; at < keys.length;) {
      const asked = keys.slice(at, at + keysPerFetch)
      const reply = await rpc.call(member, methods.fetch, encodeKeys(asked), signal === undefined ? {} : { signal })
      const { items, leads } = readFetched(reply, asked, runtime.now())
      for (const item of items) this.take(item)
      named.push(...leads)
      // An answer of nothing would go on for ever.
      at += Math.max(1, items.length)
    }
    return named
  }

  /** Sends this peer's records of the keys; resolves with the keys that the other did not take. */
  async push(member: Member, keys: readonly Id[], signal?: AbortSignal): Promise<Id[]> {
    const { rpc, runtime, store } = this.#components
    const refused: Id[] = []
    for (let at = 0; at < keys.length;) {
      const sent: Id[] = []
      const items: Uint8Array[] = []
      for (let bytes = 0; at < keys.length && bytes < pageBytes && items.length < maxKeysPerFrame; at++) {
        const key = keys[at] ?? ""
        const records = worthSending(store.get(key), runtime.now())
        if (records.length === 0) continue
        const item = encodeItem({ key, records }, runtime.now())
        bytes += item.length
        sent.push(key)
        items.push(item)
      }
      if (items.length === 0) continue
      const reply = await rpc.call(member, methods.store, encodeStore(items), signal === undefined ? {} : { signal })
      for (const index of readRefused(reply)) refused.push(sent[index] ?? "")
    }
    return refused
  }

  /** Compares a range with another peer, as far as one page goes. Rejects as `Rpc.call` does. */
  async compare(member: Member, range: KeyRange, signal?: AbortSignal): Promise<Difference> {
    const { rpc, store, clock } = this.#components
    const body = encodeCompare({ order: clock.read(), range, buckets: store.digest(range) })
    const comparison = readComparison(await rpc.call(member, methods.compare, body, signal === undefined ? {} : { signal }))
    clock.observe(comparison.order)
    return this.#differenceOf(range, comparison)
  }

  #differenceOf(range: KeyRange, { upTo, buckets, keys, leads }: Comparison): Difference {
    const { store } = this.#components
    const compared: KeyRange = { from: range.from, to: contains(range, upTo) ? upTo : range.to }
    const theirs: Id[] = []
    const ours: Id[] = []
    const named = new Set<Id>()
    for (const { key, high, low } of keys) {
      if (!contains(compared, key)) continue
      named.add(key)
      const own = fingerprintOf(key, store.get(key))
      if (own.high === high && own.low === low) continue
      theirs.push(key)
      if (store.get(key).length > 0) ours.push(key)
    }
    for (const bucket of buckets) {
      for (const key of store.bucketKeys(bucket, compared)) if (!named.has(key)) ours.push(key)
    }
    return { upTo: compared.to, theirs, ours, leads }
  }

  #put(key: Id, record: StoredRecord): boolean {
    try {
      this.#components.store.put(key, record)
      return true
    } catch (error) {
      if (!isP2PSipError(error, "P2PSIP_LIMIT")) throw error
      this.#refused.add()
      return false
    }
  }

  #onStore(body: ByteReader): Reply | Promise<Reply> {
    if (this.#isLeaving) throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer is leaving; another one has to keep the record")
    const items = readStore(body, this.#components.runtime.now())
    const refused: number[] = []
    items.forEach((item, index) => {
      if (!this.take(item)) refused.push(index)
    })
    const reply = encodeRefused(refused)
    // Who only asks whether this peer stays (`requireStaying`) need not wait for its disk, be that full or not.
    if (items.length === 0) return reply
    return this.#components.store.flushed()?.then(() => reply) ?? reply
  }

  #onFetch(body: ByteReader): Reply {
    const { store, runtime } = this.#components
    const now = runtime.now()
    const items: StoredRecord[][] = []
    let bytes = 0
    const keys = readKeys(body)
    for (const key of keys) {
      if (bytes >= pageBytes) break
      const records = worthSending(store.get(key), now)
      for (const record of records) bytes += 64 + record.valueHash.length + (record.value?.length ?? 0)
      items.push(records)
    }
    return encodeFetched({ items, leads: this.#leads.leadsForKeys(keys) }, now)
  }

  /** Names the keys in buckets that differ, in the order of the range, until a page is full. */
  #onCompare(body: ByteReader): Reply {
    const { store, clock } = this.#components
    const { order: theirs, range, buckets } = readCompare(body)
    clock.observe(theirs)
    const order = clock.read()
    const asked = new Map(buckets.map((digest) => [digest.bucket, digest]))
    const differing = new Set<number>()
    for (const { bucket, high, low } of store.digest(range)) {
      const other = asked.get(bucket)
      asked.delete(bucket)
      if (other?.high !== high || other.low !== low) differing.add(bucket)
    }
    // What is left was asked about and is empty here.
    for (const bucket of asked.keys()) differing.add(bucket)
    const keys: KeyDigest[] = []
    const leads = this.#leads.leadsForRange(range)
    for (const key of this.#keysClockwise(differing, range)) {
      if (keys.length >= maxKeysPerPage) {
        return encodeComparison({ order, upTo: keys.at(-1)?.key ?? range.to, buckets: [...differing], keys, leads })
      }
      keys.push({ key, ...fingerprintOf(key, store.get(key)) })
    }
    return encodeComparison({ order, upTo: range.to, buckets: [...differing], keys, leads })
  }

  *#keysClockwise(buckets: ReadonlySet<number>, range: KeyRange): Iterable<Id> {
    const { store } = this.#components
    const first = bucketOf(range.from)
    for (const bucket of inOrder(buckets, first)) {
      for (const key of store.bucketKeys(bucket, range)) if (bucket !== first || key > range.from) yield key
    }
    // A range that goes all the way round ends in the bucket in which it began.
    if (buckets.has(first)) for (const key of store.bucketKeys(first, range)) if (key <= range.from) yield key
  }
}

function inOrder(buckets: Iterable<number>, first: number): number[] {
  const ascending = [...buckets].sort((a, b) => a - b)
  return [...ascending.filter((bucket) => bucket >= first), ...ascending.filter((bucket) => bucket < first)]
}

function worthSending(records: readonly StoredRecord[], now: number): StoredRecord[] {
  return records.filter((record) => isWorthSending(record, now))
}

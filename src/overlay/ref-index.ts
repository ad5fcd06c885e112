/**
 * Which records belong to the keys of a bucket: eight bytes for each of them.
 *
 * An entry is one number: 20 bits of the key, those after the bucket's, and 32
 * of the record's reference. Entries are sorted by the former; those that are
 * equal there stay in the order in which they came.
 */
import type { Fingerprint } from "./fingerprint.ts"
import type { Id } from "./id.ts"
import { bucketOf } from "./key-range.ts"
import type { Ref } from "./slabs.ts"

const refs = 2 ** 32
const prefixes = 2 ** 20

/** The keys that share their first three digits, and the fingerprint of all their records. */
export interface Bucket extends Fingerprint {
  readonly entries: number[]
}

/** The first 32 bits of a key: what the index knows of it. */
export type Place = number

export function placeOf(key: Id): Place {
  return bucketOf(key) * prefixes + Number.parseInt(key.slice(3, 8), 16)
}

/** See the head of this file. */
export class RefIndex {
  readonly #buckets = new Map<number, Bucket>()
  /** The numbers of the buckets in ascending order; undefined when one came or went. */
  #order: readonly number[] | undefined

  bucket(number: number): Bucket | undefined {
    return this.#buckets.get(number)
  }

  /** The bucket of a place, made where there is none. */
  bucketFor(place: Place): Bucket {
    const number = bucketNumber(place)
    let bucket = this.#buckets.get(number)
    if (bucket === undefined) {
      bucket = { entries: [], high: 0, low: 0 }
      this.#buckets.set(number, bucket)
      this.#order = undefined
    }
    return bucket
  }

  /** The numbers of the buckets that are not empty, in ascending order. */
  get order(): readonly number[] {
    this.#order ??= [...this.#buckets.keys()].sort((a, b) => a - b)
    return this.#order
  }

  /** References in a place: those of one key, but for keys that are alike in their first 32 bits. */
  at(place: Place): Ref[] {
    const entries = this.#buckets.get(bucketNumber(place))?.entries
    const found: Ref[] = []
    if (entries === undefined) return found
    const base = baseOf(place)
    for (let index = firstNotBelow(entries, base); index < entries.length; index++) {
      const ref = (entries[index] as number) - base
      if (ref >= refs) break
      found.push(ref)
    }
    return found
  }

  insert(place: Place, ref: Ref): void {
    const { entries } = this.bucketFor(place)
    const base = baseOf(place)
    const index = firstNotBelow(entries, base + refs)
    if (index === entries.length) entries.push(base + ref)
    else entries.splice(index, 0, base + ref)
  }

  replace(place: Place, from: Ref, to: Ref): void {
    const { entries } = this.bucketFor(place)
    entries[this.#indexOf(entries, place, from)] = baseOf(place) + to
  }

  /** A bucket that has become empty goes. */
  remove(place: Place, ref: Ref): void {
    const { entries } = this.bucketFor(place)
    entries.splice(this.#indexOf(entries, place, ref), 1)
    if (entries.length > 0) return
    this.#buckets.delete(bucketNumber(place))
    this.#order = undefined
  }

  clear(): void {
    this.#buckets.clear()
    this.#order = undefined
  }

  #indexOf(entries: readonly number[], place: Place, ref: Ref): number {
    const base = baseOf(place)
    const index = entries.indexOf(base + ref, firstNotBelow(entries, base))
    if (index < 0) throw new Error(`expected ${ref} in place ${place}, found it nowhere`)
    return index
  }
}

/** The reference in an entry. */
export function refIn(entry: number): Ref {
  return entry % refs
}

/** Whether two entries may be of one key. */
export function isSamePlace(a: number, b: number): boolean {
  return Math.floor(a / refs) === Math.floor(b / refs)
}

function bucketNumber(place: Place): number {
  return Math.floor(place / prefixes)
}

function baseOf(place: Place): number {
  return (place % prefixes) * refs
}

function firstNotBelow(entries: readonly number[], bound: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as number) < bound) low = middle + 1
    else high = middle
  }
  return low
}

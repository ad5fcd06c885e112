/**
 * A Map from addresses. They are numbers of 48 bits, which a Map of the language
 * takes for objects: each look-up allocates one, and hashes it at length. Here
 * they lie in a table of plain numbers (open addressing, linear probing).
 */
import type { Address } from "./address.ts"

/** Of a place where no address is. */
const none = -1
const leastPlaces = 16
/** Knuth's multiplier: spreads over the upper bits what differs in any. */
const multiplier = 0x9e3779b1

/** See the head of this file. Entries come in no order. */
export class AddressMap<Value> {
  size = 0
  #keys = newKeys(leastPlaces)
  #values = new Array<Value | undefined>(leastPlaces).fill(undefined)
  #mask = leastPlaces - 1
  #shift = 32 - Math.log2(leastPlaces)

  has(address: Address): boolean {
    return this.#keys[this.#find(address)] === address
  }

  get(address: Address): Value | undefined {
    return this.#values[this.#find(address)]
  }

  set(address: Address, value: Value): void {
    const at = this.#find(address)
    this.#values[at] = value
    if (this.#keys[at] === address) return
    this.#keys[at] = address
    this.size++
    if (3 * this.size > 2 * this.#mask) this.#grow()
  }

  /** Returns whether it was there. */
  delete(address: Address): boolean {
    const keys = this.#keys
    let gap = this.#find(address)
    if (keys[gap] !== address) return false
    // Whatever would not be found any more beyond the gap moves into it.
    for (let at = (gap + 1) & this.#mask; keys[at] !== none; at = (at + 1) & this.#mask) {
      const key = keys[at] as Address
      const isBetween = ((at - this.#homeOf(key)) & this.#mask) < ((at - gap) & this.#mask)
      if (isBetween) continue
      keys[gap] = key
      this.#values[gap] = this.#values[at]
      gap = at
    }
    keys[gap] = none
    this.#values[gap] = undefined
    this.size--
    return true
  }

  /** Not to be changed meanwhile. */
  *keys(): IterableIterator<Address> {
    const keys = this.#keys
    for (let at = 0; at < keys.length; at++) if (keys[at] !== none) yield keys[at] as Address
  }

  /** Not to be changed meanwhile. */
  *values(): IterableIterator<Value> {
    const keys = this.#keys
    for (let at = 0; at < keys.length; at++) if (keys[at] !== none) yield this.#values[at] as Value
  }

  /** Where an address is, or would be. */
  #find(address: Address): number {
    const keys = this.#keys
    let at = this.#homeOf(address)
    for (let key = keys[at]; key !== address && key !== none; key = keys[at]) at = (at + 1) & this.#mask
    return at
  }

  #homeOf(address: Address): number {
    return homeOf(address) >>> this.#shift
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    const places = 2 * keys.length
    this.#keys = newKeys(places)
    this.#values = new Array<Value | undefined>(places).fill(undefined)
    this.#mask = places - 1
    this.#shift--
    for (const [at, key] of keys.entries()) {
      if (key === none) continue
      const place = this.#find(key)
      this.#keys[place] = key
      this.#values[place] = values[at]
    }
  }
}

/** Where an address belongs: the upper bits of this. */
export function homeOf(address: Address): number {
  return Math.imul((address >>> 0) ^ (address / 0x1_0000_0000), multiplier)
}

function newKeys(places: number): Float64Array {
  return new Float64Array(places).fill(none)
}

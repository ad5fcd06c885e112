/**
 * A set of names that keeps no name: 64 bits of a hash of each, eight bytes
 * apart from the heap of JavaScript. A million names are nothing to collect,
 * and one is found with one look at memory.
 *
 * Two names may be taken for one, by chance once in 2^64 / size. Whoever
 * wants that to happen can as well say the other name. Nor does it help anybody
 * to say names that belong into one slot: no search is longer than some, and
 * what finds no place takes another's.
 */

const minSlots = 16
/** By chance none is so long, in a table of which half is free. */
const maxProbes = 256

/** See the head of this file. */
export class NameTable {
  /** Two halves for each slot; both 0 where it is free. At most half of the slots are taken. */
  #halves: Uint32Array
  #size = 0

  /** With room for so many names; it grows where there are more. */
  constructor(expected = 0) {
    let slots = minSlots
    while (slots < 2 * expected) slots *= 2
    this.#halves = new Uint32Array(2 * slots)
  }

  get size(): number {
    return this.#size
  }

  /** A name is two texts, so that nobody needs to join them. */
  has(first: string, second: string): boolean {
    const high = highOf(first, second)
    const low = lowOf(first, second)
    const at = this.#slotOf(high, low)
    return this.#halves[at] === high && this.#halves[at + 1] === low
  }

  add(first: string, second: string): void {
    const high = highOf(first, second)
    const low = lowOf(first, second)
    this.#put(high, low)
    if (4 * this.#size > this.#halves.length) this.#grow()
  }

  #put(high: number, low: number): void {
    const at = this.#slotOf(high, low)
    if (this.#halves[at + 1] === 0) this.#size++
    this.#halves[at] = high
    this.#halves[at + 1] = low
  }

  /** Where the name is, or would be, or may take another's place: the first half's index. */
  #slotOf(high: number, low: number): number {
    const mask = this.#halves.length - 1
    let at = (high << 1) & mask
    for (let probes = 1; probes < maxProbes; probes++) {
      if (this.#halves[at + 1] === 0 || (this.#halves[at] === high && this.#halves[at + 1] === low)) break
      at = (at + 2) & mask
    }
    return at
  }

  #grow(): void {
    const old = this.#halves
    this.#halves = new Uint32Array(2 * old.length)
    this.#size = 0
    for (let at = 0; at < old.length; at += 2) {
      const low = old[at + 1] ?? 0
      if (low !== 0) this.#put(old[at] ?? 0, low)
    }
  }
}

/** Decides about the slot. */
export function highOf(first: string, second: string): number {
  return hashOf(first, second, 0x9e3779b1, 0x85ebca77)
}

/** Never 0. */
function lowOf(first: string, second: string): number {
  return hashOf(first, second, 0x5f356495, 0xc2b2ae3d) || 1
}

/** 32 bits; other multipliers give others. */
function hashOf(first: string, second: string, multiplier: number, other: number): number {
  let hash = Math.imul(first.length + 1, other)
  for (let i = 0; i < first.length; i++) hash = Math.imul(hash ^ first.charCodeAt(i), multiplier)
  for (let i = 0; i < second.length; i++) hash = Math.imul(hash ^ second.charCodeAt(i), multiplier)
  hash = Math.imul(hash ^ (hash >>> 16), other)
  return (hash ^ (hash >>> 13)) >>> 0
}

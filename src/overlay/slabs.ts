/**
 * Memory for many small blocks outside the heap of JavaScript, where a million
 * of them cost the collection of garbage nothing.
 *
 * Blocks are appended to slabs. What is freed leaves holes; when these are too
 * many, the slab with most of them is emptied into the newest one: a log that
 * is cleaned (Rumble, Kejriwal, Ousterhout, FAST 2014). So blocks of any sizes,
 * however they change, waste no more than a share of the whole.
 */

/** Where a block is: the slab's number times 2^15, plus its place there in units. Below 2^32. */
export type Ref = number

/** Blocks begin at multiples of so many bytes, so that 64-bit numbers may stand in them. */
export const unitBytes = 8

const offsetBits = 15
const slabUnits = 2 ** offsetBits
const offsetMask = slabUnits - 1
const maxSlabs = 2 ** (32 - offsetBits)
/** The first slab is as small as this, and grows with what is in it. */
const smallestUnits = 512
/** Larger blocks have slabs of their own. */
const largestUnits = slabUnits / 4
/** Holes may be this share of the whole. */
const maxHoles = 1 / 4
/** Set in the first word of a block that is free; the rest of it is the block's units. */
const freeBit = 0x8000_0000

/** One piece of memory, to be read as whatever is needed. */
export interface Slab {
  readonly number: number
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly doubles: Float64Array
  /** Units that have been given away, from the beginning on. */
  used: number
  /** Units of these that are free again. */
  free: number
}

/** See the head of this file. The first 32-bit word of each block belongs to this class. */
export class Slabs {
  /** Told of each block that has been moved, after its bytes have. */
  readonly #onMove: (from: Ref, to: Ref) => void
  readonly #slabs: (Slab | undefined)[] = []
  readonly #vacantNumbers: number[] = []
  #open: Slab | undefined
  #units = 0
  #freeUnits = 0

  constructor(onMove: (from: Ref, to: Ref) => void) {
    this.#onMove = onMove
  }

  /** The memory taken, holes included. */
  get bytes(): number {
    return this.#units * unitBytes
  }

  /** Where a block is inside its slab, in units. */
  static offsetOf(ref: Ref): number {
    return ref & offsetMask
  }

  slabOf(ref: Ref): Slab {
    const slab = this.#slabs[ref >>> offsetBits]
    if (slab === undefined) throw new Error(`expected a block of a slab that is, found ${ref}`)
    return slab
  }

  unitsOf(ref: Ref): number {
    return this.slabOf(ref).words[(ref & offsetMask) * 2] as number
  }

  /** A block of so many units, whose content is undefined. May move all others. */
  allocate(units: number): Ref {
    if (units > largestUnits) return this.#append(this.#addSlab(units), units)
    if (this.#freeUnits > slabUnits && this.#freeUnits > maxHoles * this.#units) this.#clean()
    return this.#append(this.#roomFor(units), units)
  }

  free(ref: Ref): void {
    const slab = this.slabOf(ref)
    const word = (ref & offsetMask) * 2
    const units = slab.words[word] as number
    slab.words[word] = units | freeBit
    slab.free += units
    this.#freeUnits += units
    if (slab.free < slab.used) return
    if (slab !== this.#open) return this.#dropSlab(slab)
    this.#freeUnits -= slab.free
    slab.used = slab.free = 0
  }

  clear(): void {
    this.#slabs.length = this.#vacantNumbers.length = 0
    this.#open = undefined
    this.#units = this.#freeUnits = 0
  }

  #append(slab: Slab, units: number): Ref {
    const offset = slab.used
    slab.used += units
    slab.words[offset * 2] = units
    return slab.number * slabUnits + offset
  }

  #roomFor(units: number): Slab {
    const full = this.#open
    if (full !== undefined && full.used + units <= unitsIn(full)) return full
    // Only the first slab may be a small one.
    const isSmall = full !== undefined && unitsIn(full) < slabUnits
    let wanted = full === undefined || isSmall ? smallestUnits : slabUnits
    while (wanted < slabUnits && wanted < 2 * (units + (full === undefined ? 0 : full.used - full.free))) wanted *= 2
    const open = this.#addSlab(wanted)
    this.#open = open
    if (isSmall) this.#empty(full)
    return open
  }

  /** Empties the slab with most holes. */
  #clean(): void {
    let victim: Slab | undefined
    for (const slab of this.#slabs) {
      if (slab !== undefined && slab !== this.#open && slab.free > (victim?.free ?? 0)) victim = slab
    }
    if (victim !== undefined) this.#empty(victim)
  }

  /** Moves what is in the slab, and lets go of it. */
  #empty(slab: Slab): void {
    for (let offset = 0; offset < slab.used;) {
      const units = slab.words[offset * 2] as number
      if (units >= freeBit) {
        offset += units - freeBit
        continue
      }
      const to = this.#append(this.#roomFor(units), units)
      const target = this.slabOf(to)
      target.doubles.set(slab.doubles.subarray(offset, offset + units), to & offsetMask)
      this.#onMove(slab.number * slabUnits + offset, to)
      offset += units
    }
    this.#dropSlab(slab)
  }

  #addSlab(units: number): Slab {
    const number = this.#vacantNumbers.pop() ?? this.#slabs.length
    if (number >= maxSlabs) throw new Error(`expected at most ${maxSlabs} slabs, found one more`)
    const memory = new ArrayBuffer(units * unitBytes)
    const slab = { number, bytes: Buffer.from(memory), words: new Uint32Array(memory), doubles: new Float64Array(memory), used: 0, free: 0 }
    this.#slabs[number] = slab
    this.#units += units
    return slab
  }

  #dropSlab(slab: Slab): void {
    this.#slabs[slab.number] = undefined
    this.#vacantNumbers.push(slab.number)
    this.#units -= unitsIn(slab)
    this.#freeUnits -= slab.free
  }
}

function unitsIn(slab: Slab): number {
  return slab.doubles.length
}

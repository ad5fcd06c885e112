/**
 * The branches of a route cache as columns of plain numbers: a node that
 * forwards much looks at dozens of them for each packet, and large simulated
 * meshes have millions. A branch is the number of its row.
 */
import type { Address } from "./address.ts"

/** A node and the way to it. */
export type Branch = number

/** The node at which all ways begin. */
export const root: Branch = 0
/** In place of a branch. */
export const none = -1

const leastRows = 32
/** For the rest of a route that is being learned, when a cache is full. */
const spareRows = 128

/** Two columns of floats, seven of integers, four of flags. */
const bytesPerRow = 2 * 8 + 7 * 4 + 4

/** The columns of so many rows, in one piece of memory: a mesh of a hundred thousand nodes grows its tables a million times. */
function columnsOf(rows: number) {
  const memory = new ArrayBuffer(rows * bytesPerRow)
  let end = 0
  const place = (bytes: number): number => (end += rows * bytes) - rows * bytes
  const floats = (): Float64Array => new Float64Array(memory, place(8), rows)
  const integers = (): Int32Array => new Int32Array(memory, place(4), rows)
  const flags = (): Uint8Array => new Uint8Array(memory, place(1), rows)
  return {
    address: floats(), stamp: floats(),
    previous: integers(), hops: integers(), firstChild: integers(), earlier: integers(), later: integers(), older: integers(), newer: integers(),
    crowd: flags(), isHeld: flags(), isIdle: flags(), isUsed: flags(),
  }
}

/** What a table has before its first rows. */
const [noFloats, noIntegers, noFlags] = [new Float64Array(0), new Int32Array(0), new Uint8Array(0)]

/** See the head of this file. */
export class BranchTable {
  address = noFloats
  /** Grows with each time that any has come up. */
  stamp = noFloats
  previous = noIntegers
  /** Links on the way. */
  hops = noIntegers
  firstChild = noIntegers
  /** Siblings beside a branch. */
  earlier = noIntegers
  later = noIntegers
  /** Those beside it in a list of its crowd. */
  older = noIntegers
  newer = noIntegers
  /** Which of the crowds it belongs to: those at about the same distance from this node on the ring. */
  crowd = noFlags
  /** Never to be forgotten, end of a way or not. */
  isHeld = noFlags
  /** In a list of its crowd: it may be forgotten. */
  isIdle = noFlags
  isUsed = noFlags
  readonly #usualRows: number
  /** Rows that have been in use. */
  #rows = 1
  /** The first row that is free again; the others follow by `later`. */
  #free = none

  /** For a cache of so many nodes, which it may exceed for a moment. */
  constructor(self: Address, nodes: number) {
    this.#usualRows = nodes + spareRows
    this.#grow(leastRows)
    this.address[root] = self
    this.previous[root] = none
    this.firstChild[root] = none
  }

  /** To be filled in: what was in it may still be there. */
  protected _newRow(): Branch {
    const free = this.#free
    if (free !== none) {
      this.#free = this.later[free] as Branch
      return free
    }
    if (this.#rows === this.address.length) this.#grow(this.#rows < this.#usualRows ? Math.min(2 * this.#rows, this.#usualRows) : this.#rows + spareRows)
    return this.#rows++
  }

  protected _freeRow(branch: Branch): void {
    this.later[branch] = this.#free
    this.#free = branch
  }

  #grow(rows: number): void {
    const wide = columnsOf(rows)
    for (const name of Object.keys(wide) as (keyof typeof wide)[]) wide[name].set(this[name])
    Object.assign(this, wide)
  }
}

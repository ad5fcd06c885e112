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

/** See the head of this file. */
export class BranchTable {
  address: Float64Array
  /** Grows with each time that any has come up. */
  stamp: Float64Array
  previous: Int32Array
  /** Links on the way. */
  hops: Int32Array
  firstChild: Int32Array
  /** Siblings beside a branch. */
  earlier: Int32Array
  later: Int32Array
  /** Those beside it in a list of its crowd. */
  older: Int32Array
  newer: Int32Array
  /** Which of the crowds it belongs to: those at about the same distance from this node on the ring. */
  crowd: Uint8Array
  /** Never to be forgotten, end of a way or not. */
  isHeld: Uint8Array
  /** In a list of its crowd: it may be forgotten. */
  isIdle: Uint8Array
  isUsed: Uint8Array
  readonly #usualRows: number
  /** Rows that have been in use. */
  #rows = 1
  /** The first row that is free again; the others follow by `later`. */
  #free = none

  /** For a cache of so many nodes, which it may exceed for a moment. */
  constructor(self: Address, nodes: number) {
    this.#usualRows = nodes + spareRows
    ;({
      address: this.address, stamp: this.stamp, previous: this.previous, hops: this.hops, firstChild: this.firstChild, earlier: this.earlier, later: this.later,
      older: this.older, newer: this.newer, crowd: this.crowd, isHeld: this.isHeld, isIdle: this.isIdle, isUsed: this.isUsed,
    } = columnsOf(leastRows))
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
    this.address = filled(wide.address, this.address)
    this.stamp = filled(wide.stamp, this.stamp)
    this.previous = filled(wide.previous, this.previous)
    this.hops = filled(wide.hops, this.hops)
    this.firstChild = filled(wide.firstChild, this.firstChild)
    this.earlier = filled(wide.earlier, this.earlier)
    this.later = filled(wide.later, this.later)
    this.older = filled(wide.older, this.older)
    this.newer = filled(wide.newer, this.newer)
    this.crowd = filled(wide.crowd, this.crowd)
    this.isHeld = filled(wide.isHeld, this.isHeld)
    this.isIdle = filled(wide.isIdle, this.isIdle)
    this.isUsed = filled(wide.isUsed, this.isUsed)
  }
}

function filled<Column extends Float64Array | Int32Array | Uint8Array>(wide: Column, column: Column): Column {
  wide.set(column)
  return wide
}

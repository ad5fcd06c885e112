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
/** More at a time, and large caches would take half as much again as they need. */
const mostNewRows = 128

/** See the head of this file. */
export class BranchTable {
  address = new Float64Array(leastRows)
  /** Grows with each time that any has come up. */
  stamp = new Float64Array(leastRows)
  previous = new Int32Array(leastRows)
  /** Links on the way. */
  hops = new Int32Array(leastRows)
  firstChild = new Int32Array(leastRows)
  /** Siblings beside a branch. */
  earlier = new Int32Array(leastRows)
  later = new Int32Array(leastRows)
  /** Those beside it in a list of its crowd. */
  older = new Int32Array(leastRows)
  newer = new Int32Array(leastRows)
  /** Which of the crowds it belongs to: those at about the same distance from this node on the ring. */
  crowd = new Uint8Array(leastRows)
  /** Never to be forgotten, end of a way or not. */
  isHeld = new Uint8Array(leastRows)
  /** In a list of its crowd: it may be forgotten. */
  isIdle = new Uint8Array(leastRows)
  isUsed = new Uint8Array(leastRows)
  /** Rows that have been in use. */
  #rows = 1
  /** The first row that is free again; the others follow by `later`. */
  #free = none

  constructor(self: Address) {
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
    if (this.#rows === this.address.length) this.#grow(this.#rows + Math.min(this.#rows, mostNewRows))
    return this.#rows++
  }

  protected _freeRow(branch: Branch): void {
    this.later[branch] = this.#free
    this.#free = branch
  }

  #grow(rows: number): void {
    this.address = wider(this.address, new Float64Array(rows))
    this.stamp = wider(this.stamp, new Float64Array(rows))
    this.previous = wider(this.previous, new Int32Array(rows))
    this.hops = wider(this.hops, new Int32Array(rows))
    this.firstChild = wider(this.firstChild, new Int32Array(rows))
    this.earlier = wider(this.earlier, new Int32Array(rows))
    this.later = wider(this.later, new Int32Array(rows))
    this.older = wider(this.older, new Int32Array(rows))
    this.newer = wider(this.newer, new Int32Array(rows))
    this.crowd = wider(this.crowd, new Uint8Array(rows))
    this.isHeld = wider(this.isHeld, new Uint8Array(rows))
    this.isIdle = wider(this.isIdle, new Uint8Array(rows))
    this.isUsed = wider(this.isUsed, new Uint8Array(rows))
  }
}

function wider<Column extends Float64Array | Int32Array | Uint8Array>(column: Column, wide: Column): Column {
  wide.set(column)
  return wide
}

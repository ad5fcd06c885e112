/**
 * The tree of ways that a route cache is made of, as columns of plain numbers:
 * a node that forwards much looks at dozens of branches for each packet, and
 * large simulated meshes have millions of them. A branch is the number of its
 * row. Lists of children are links between the branches themselves.
 */
import type { Address } from "./address.ts"
import type { Crowd } from "./crowd.ts"

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
export class Branches {
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
  readonly crowds: Crowd[] = []
  /** Rows that have been in use. */
  #rows = 1
  /** The first row that is free again; the others follow by `later`. */
  #free = none

  constructor(self: Address) {
    this.address[root] = self
    this.previous[root] = none
    this.firstChild[root] = none
  }

  /** A branch that goes on from another. */
  add(address: Address, previous: Branch, crowd: number, isHeld: boolean): Branch {
    const branch = this.#newRow()
    this.address[branch] = address
    this.stamp[branch] = 0
    this.hops[branch] = 0
    this.firstChild[branch] = none
    this.crowd[branch] = crowd
    this.isHeld[branch] = Number(isHeld)
    this.isIdle[branch] = 0
    this.isUsed[branch] = 0
    ;(this.crowds[crowd] as Crowd).size++
    this.adopt(previous, branch)
    return branch
  }

  /** The branch is no more; it has left, and so have its children. */
  free(branch: Branch): void {
    const crowd = this.crowdOf(branch)
    crowd.size--
    crowd.mark(branch, false)
    this.later[branch] = this.#free
    this.#free = branch
  }

  /** The branch goes on from `previous`, and so does all behind it. */
  adopt(previous: Branch, branch: Branch): void {
    const next = this.firstChild[previous] as Branch
    this.previous[branch] = previous
    this.earlier[branch] = none
    this.later[branch] = next
    if (next !== none) this.earlier[next] = branch
    this.firstChild[previous] = branch
    this.#mark(previous)
    this.#measure(branch, (this.hops[previous] as number) + 1)
  }

  /** The branch no longer goes on from where it did; what is behind it stays behind it. */
  leave(branch: Branch): void {
    const previous = this.previous[branch] as Branch
    if (previous === none) return
    const [earlier, later] = [this.earlier[branch] as Branch, this.later[branch] as Branch]
    if (earlier === none) this.firstChild[previous] = later
    else this.later[earlier] = later
    if (later !== none) this.earlier[later] = earlier
    this.previous[branch] = none
    this.#mark(previous)
  }

  /** From now on, or no longer. */
  hold(branch: Branch, isHeld: boolean): void {
    this.isHeld[branch] = Number(isHeld)
    this.#mark(branch)
  }

  crowdOf(branch: Branch): Crowd {
    return this.crowds[this.crowd[branch] as number] as Crowd
  }

  /** All behind the branch is as far from it as before. */
  #measure(branch: Branch, hops: number): void {
    this.hops[branch] = hops
    this.#mark(branch)
    for (let child = this.firstChild[branch] as Branch; child !== none; child = this.later[child] as Branch) this.#measure(child, hops + 1)
  }

  /** Ends of ways may be forgotten, but for the links of this node and what it holds. */
  #mark(branch: Branch): void {
    const isIdle = (this.hops[branch] as number) > 1 && this.firstChild[branch] === none && this.isHeld[branch] === 0
    if (isIdle !== (this.isIdle[branch] === 1)) this.crowdOf(branch).mark(branch, isIdle)
  }

  #newRow(): Branch {
    const free = this.#free
    if (free !== none) {
      this.#free = this.later[free] as Branch
      return free
    }
    if (this.#rows === this.address.length) this.#grow(this.#rows + Math.min(this.#rows, mostNewRows))
    return this.#rows++
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

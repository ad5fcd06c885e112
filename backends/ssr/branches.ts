/** The tree of ways that a route cache is made of. Lists of children are links between the branches themselves. */
import type { Address } from "./address.ts"
import type { Branch } from "./branch-table.ts"
import { BranchTable, none } from "./branch-table.ts"
import type { Crowd } from "./crowd.ts"

/** See the head of this file. */
export class Branches extends BranchTable {
  readonly crowds: Crowd[] = []

  /** A branch that goes on from another. */
  add(address: Address, previous: Branch, crowd: number, isHeld: boolean): Branch {
    const branch = this._newRow()
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
    this._freeRow(branch)
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
}

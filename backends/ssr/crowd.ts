/**
 * Nodes at about the same distance on the ring: how many there are, and of
 * those that may be forgotten two lists, each by when they last came up. What
 * packets were sent by is in the one, what was only overheard in the other, and
 * goes first: a node that forwards much would forget its own ways otherwise
 * (segmented LRU). Links of the lists are columns of the branches.
 */
import type { Branch, BranchTable } from "./branch-table.ts"
import { none } from "./branch-table.ts"

/** See the head of this file. */
export class Crowd {
  /** All of them, those that must stay included. */
  size = 0
  readonly #branches: BranchTable
  readonly #overheard: Queue
  readonly #used: Queue

  constructor(branches: BranchTable) {
    this.#branches = branches
    this.#overheard = new Queue(branches)
    this.#used = new Queue(branches)
  }

  /** Whether it may be forgotten is another thing now. */
  mark(branch: Branch, isIdle: boolean): void {
    if (isIdle === (this.#branches.isIdle[branch] === 1)) return
    this.#branches.isIdle[branch] = Number(isIdle)
    if (isIdle) this.#queueOf(branch).append(branch)
    else this.#queueOf(branch).detach(branch)
  }

  /** It has come up again. */
  touch(branch: Branch, stamp: number): void {
    this.#branches.stamp[branch] = stamp
    if (this.#branches.isIdle[branch] === 0) return
    const queue = this.#queueOf(branch)
    if (branch === queue.newest) return
    queue.detach(branch)
    queue.append(branch)
  }

  /** A packet goes its way. Of those of which that is so, the one that was not used for longest makes room where they are too many. */
  use(branch: Branch, stamp: number): void {
    const { isIdle, isUsed } = this.#branches
    if (isUsed[branch] === 1) return this.touch(branch, stamp)
    this.#branches.stamp[branch] = stamp
    if (isIdle[branch] === 1) this.#overheard.detach(branch)
    isUsed[branch] = 1
    if (isIdle[branch] === 1) this.#used.append(branch)
    const { oldest } = this.#used
    if (oldest === none || this.#used.size <= this.size / 2) return
    this.#used.detach(oldest)
    isUsed[oldest] = 0
    this.#overheard.append(oldest)
  }

  /** The least useful of those that may be forgotten; `none` where all must stay. */
  get least(): Branch {
    return this.#overheard.oldest === none ? this.#used.oldest : this.#overheard.oldest
  }

  #queueOf(branch: Branch): Queue {
    return this.#branches.isUsed[branch] === 1 ? this.#used : this.#overheard
  }
}

class Queue {
  size = 0
  oldest: Branch = none
  newest: Branch = none
  readonly #branches: BranchTable

  constructor(branches: BranchTable) {
    this.#branches = branches
  }

  append(branch: Branch): void {
    const { older, newer } = this.#branches
    this.size++
    older[branch] = this.newest
    newer[branch] = none
    if (this.newest === none) this.oldest = branch
    else newer[this.newest] = branch
    this.newest = branch
  }

  detach(branch: Branch): void {
    const { older, newer } = this.#branches
    const [before, after] = [older[branch] as Branch, newer[branch] as Branch]
    this.size--
    if (before === none) this.oldest = after
    else newer[before] = after
    if (after === none) this.newest = before
    else older[after] = before
  }
}

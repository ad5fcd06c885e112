/**
 * The tree of ways that a route cache is made of. Lists of children are links
 * between the branches themselves: caches of large simulated meshes hold
 * millions of them.
 */
import type { Address } from "./address.ts"
import { Crowd } from "./crowd.ts"
import type { CrowdMember } from "./crowd.ts"

/** A node and the way to it. */
export interface Branch extends CrowdMember<Branch> {
  readonly address: Address
  previous: Branch | undefined
  /** Links on the way. */
  hops: number
  firstChild: Branch | undefined
  /** Its siblings beside it. */
  earlier: Branch | undefined
  later: Branch | undefined
  /** Never to be forgotten, end of a way or not. */
  isHeld: boolean
  /** Those at about the same distance from this node on the ring. */
  readonly crowd: Crowd<Branch>
}

/** The root of a tree, or a branch that belongs to none yet. */
export function newBranch(address: Address, crowd = new Crowd<Branch>()): Branch {
  return {
    address, previous: undefined, hops: 0, firstChild: undefined, earlier: undefined, later: undefined, isHeld: false,
    crowd, isIdle: false, isUsed: false, stamp: 0, older: undefined, newer: undefined,
  }
}

/** The branch goes on from `previous`, and so does all behind it. */
export function adopt(previous: Branch, branch: Branch): void {
  branch.previous = previous
  branch.earlier = undefined
  branch.later = previous.firstChild
  if (previous.firstChild !== undefined) previous.firstChild.earlier = branch
  previous.firstChild = branch
  mark(previous)
  measure(branch, previous.hops + 1)
}

/** The branch no longer goes on from where it did; what is behind it stays behind it. */
export function leave(branch: Branch): void {
  const { previous, earlier, later } = branch
  if (previous === undefined) return
  if (earlier === undefined) previous.firstChild = later
  else earlier.later = later
  if (later !== undefined) later.earlier = earlier
  branch.previous = undefined
  mark(previous)
}

/** From now on, or no longer. */
export function hold(branch: Branch, isHeld: boolean): void {
  branch.isHeld = isHeld
  mark(branch)
}

export function* childrenOf(branch: Branch): IterableIterator<Branch> {
  for (let child = branch.firstChild; child !== undefined; child = child.later) yield child
}

/** All behind the branch is as far from it as before. */
function measure(branch: Branch, hops: number): void {
  branch.hops = hops
  mark(branch)
  for (let child = branch.firstChild; child !== undefined; child = child.later) measure(child, hops + 1)
}

/** Ends of ways may be forgotten, but for the links of this node and what it holds. */
function mark(branch: Branch): void {
  branch.crowd.mark(branch, branch.hops > 1 && branch.firstChild === undefined && !branch.isHeld)
}

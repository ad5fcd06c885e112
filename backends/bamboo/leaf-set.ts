/**
 * The leaf set: the members next to this peer on either side of the ring.
 * Plain data and pure functions.
 *
 * Where the overlay has no more members than fit, both sides name all of them.
 */
import type { Id } from "../../src/overlay/id.ts"
import { isBetween, isBetweenOrAt } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { estimateSize } from "../../src/overlay/size-estimate.ts"

/** See the head of this file. */
export interface LeafSet {
  readonly self: Id
  /** The most members on a side. */
  readonly size: number
  /** Clockwise from this peer, nearest first. */
  readonly after: readonly Member[]
  /** Counter-clockwise, nearest first. */
  readonly before: readonly Member[]
}

export function emptyLeafSet(self: Id, size: number): LeafSet {
  return { self, size, after: [], before: [] }
}

/** The leaf set that has seen all these, each once. */
export function leafSetOf(self: Id, size: number, members: readonly Member[]): LeafSet {
  const others = members.filter(({ id }) => id !== self).sort((a, b) => (isBetween(self, a.id, b.id) ? -1 : 1))
  return { self, size, after: others.slice(0, size), before: others.reverse().slice(0, size) }
}

/** With the member, where it is near enough; with its new addresses, where it was there before. */
export function withLeaf(set: LeafSet, member: Member): LeafSet {
  if (member.id === set.self) return set
  const after = inserted(set.after, set.size, member, (other) => isBetween(set.self, member.id, other))
  const before = inserted(set.before, set.size, member, (other) => isBetween(other, member.id, set.self))
  return after === set.after && before === set.before ? set : { ...set, after, before }
}

export function withoutLeaf(set: LeafSet, id: Id): LeafSet {
  if (!hasLeaf(set, id)) return set
  // The far leaves of one side may have to stand in on the other.
  return leafSetOf(set.self, set.size, leavesOf(set).filter((leaf) => leaf.id !== id))
}

export function hasLeaf(set: LeafSet, id: Id): boolean {
  return set.after.some((leaf) => leaf.id === id) || set.before.some((leaf) => leaf.id === id)
}

/** Whether a peer would be in the set. */
export function wouldFit(set: LeafSet, id: Id): boolean {
  const lastAfter = set.after.at(-1)
  const lastBefore = set.before.at(-1)
  if (id === set.self) return false
  if (lastAfter === undefined || lastBefore === undefined || set.after.length < set.size || set.before.length < set.size) return true
  return isBetween(set.self, id, lastAfter.id) || isBetween(lastBefore.id, id, set.self)
}

/** Whether the set reaches around the whole ring. */
export function isWhole({ after, before, size }: LeafSet): boolean {
  const last = after.at(-1)
  return last === undefined || after.length < size || before.some(({ id }) => id === last.id)
}

/** Whether the member closest to the key is in the set, or this peer. */
export function covers(set: LeafSet, key: Id): boolean {
  const first = set.before.at(-1)
  const last = set.after.at(-1)
  return first === undefined || last === undefined || isWhole(set) || isBetweenOrAt(first.id, key, last.id)
}

/** The members up to `count` places away on either side, each once, nearest first. */
export function leavesOf({ after, before }: LeafSet, count = Infinity): Member[] {
  const members = new Map<Id, Member>()
  const reach = Math.min(count, Math.max(after.length, before.length))
  for (let at = 0; at < reach; at++) {
    const next = after[at]
    const previous = before[at]
    if (next !== undefined && !members.has(next.id)) members.set(next.id, next)
    if (previous !== undefined && !members.has(previous.id)) members.set(previous.id, previous)
  }
  return [...members.values()]
}

/** About how many members the overlay has. */
export function sizeOf(set: LeafSet): number {
  const all = spreadOf(set)
  // Where many have died of late the last on a side may lie far away, for want of better ones.
  const near = spreadOf({ ...set, after: set.after.slice(0, -2), before: set.before.slice(0, -2) })
  return near > 2 * all ? near : all
}

function spreadOf({ self, after, before }: LeafSet): number {
  const both = [...before.toReversed().map(({ id }) => id), self, ...after.map(({ id }) => id)]
  const members = new Set(both).size
  return members < both.length ? members : estimateSize(both)
}

function inserted(list: readonly Member[], size: number, member: Member, isNearerThan: (other: Id) => boolean): readonly Member[] {
  const known = list.findIndex(({ id }) => id === member.id)
  if (known >= 0) return list[known]?.addresses.join() === member.addresses.join() ? list : list.with(known, member)
  const farther = list.findIndex(({ id }) => isNearerThan(id))
  const at = farther < 0 ? list.length : farther
  return at >= size ? list : list.toSpliced(at, 0, member).slice(0, size)
}

/**
 * A peer's place on the ring as plain data: its leaf set, the arc of keys that
 * it answers for, and how both change. Pure functions; read this first.
 *
 * A key belongs to the member that is numerically closest to it, so the arc
 * should reach half-way to the adjacent leaf on either side. Two rules keep any
 * key from having two owners while nobody is wrongly taken for dead:
 * - An end of the arc draws back the instant a nearer leaf is listed.
 * - It moves outwards, or exists at all, only by a grant: the adjacent leaf
 *   says that it lists this peer as *its* adjacent one, and that its own far
 *   end was granted; and whom it had there before is a leaf of this peer now,
 *   so that it has drawn back as well. So grants pass from hand to hand, from a
 *   member to a joiner and from that to the next, clockwise for the ends before
 *   the peers, counter-clockwise for those after them.
 */
import type { Id } from "../../src/overlay/id.ts"
import { isBetween, isBetweenOrAt } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { LeafSet } from "./leaf-set.ts"
import { emptyLeafSet, hasLeaf, leavesOf, withLeaf, withoutLeaf } from "./leaf-set.ts"
import { midpoint } from "./ring-distance.ts"

/** See the head of this file. */
export interface Place {
  readonly leaves: LeafSet
  /** The keys (low, high] are this peer's, once both ends were granted; all where they are equal. */
  readonly low: Id | undefined
  readonly high: Id | undefined
  /** The elders named with the grants of either end, until everything on the other side has an owner as well. */
  readonly elderBefore?: Member | undefined
  readonly elderAfter?: Member | undefined
}

/** What a leaf, or a leaver, says of its own place: whether its ends were granted and by which elders, and whom it lists, nearest first, by the first digits of ids. */
export interface Claim {
  readonly hasLow: boolean
  readonly hasHigh: boolean
  readonly elderBefore?: Member | undefined
  readonly elderAfter?: Member | undefined
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** A peer that founds an overlay: alone, and responsible for everything. */
export function found(self: Id, size: number): Place {
  return { leaves: emptyLeafSet(self, size), low: self, high: self }
}

/** A peer among those that start an overlay together: all know their places. */
export function foundAmong(self: Id, size: number, neighbours: readonly Member[]): Place {
  return neighbours.reduce((place, member) => withMember(place, member), { ...found(self, size) })
}

/** A peer that joins: it answers for nothing yet. */
export function begin(self: Id, size: number): Place {
  return { leaves: emptyLeafSet(self, size), low: undefined, high: undefined }
}

/** Whether both ends were granted. */
export function isActive(place: Place): boolean {
  return place.low !== undefined && place.high !== undefined
}

export function isResponsible({ low, high }: Place, key: Id): boolean {
  return low !== undefined && high !== undefined && isBetweenOrAt(low, key, high)
}

/** A peer has shown that it lives: what lies beyond the half of the way to it is not ours. */
export function withMember(place: Place, member: Member): Place {
  const leaves = withLeaf(place.leaves, member)
  if (leaves === place.leaves) return place
  const { low, high } = place
  const ends = endsOf(leaves)
  if (ends === undefined) return { ...place, leaves }
  return {
    ...place,
    leaves,
    low: low !== undefined && isBetween(low, ends.low, leaves.self) ? ends.low : low,
    high: high !== undefined && isBetween(leaves.self, ends.high, high) ? ends.high : high,
  }
}

/** A peer is dead, or no member any more. Its keys are anybody's until they are granted. */
export function withoutMember(place: Place, id: Id): Place {
  if (!hasLeaf(place.leaves, id)) return place
  const leaves = withoutLeaf(place.leaves, id)
  if (leaves.after.length > 0) return { ...place, leaves }
  // Nobody is left to grant anything: a member takes all, a joiner begins anew.
  return isActive(place) ? found(leaves.self, leaves.size) : begin(leaves.self, leaves.size)
}

/** A leaf answered, and said this of its place. */
export function granted(place: Place, member: Id, claim: Claim): Place {
  const { leaves } = place
  const ends = endsOf(leaves)
  if (ends === undefined) return place
  const isHigh = leaves.after[0]?.id === member && claim.hasHigh && isHandedTo(leaves, claim.before)
  const isLow = leaves.before[0]?.id === member && claim.hasLow && isHandedTo(leaves, claim.after)
  const low = isLow ? ends.low : place.low
  const high = isHigh ? ends.high : place.high
  // Once both sides of a gap have owners, who joins there finds all with these two. A joiner needs the elders itself first.
  const isClosedAfter = isActive(place) && leaves.after[0]?.id === member && claim.hasLow && leaves.self.startsWith(claim.before[0] ?? "-")
  const isClosedBefore = isActive(place) && leaves.before[0]?.id === member && claim.hasHigh && leaves.self.startsWith(claim.after[0] ?? "-")
  const elderBefore = low !== place.low ? (claim.elderBefore ?? leaves.before[0]) : isClosedAfter && high === ends.high ? undefined : place.elderBefore
  const elderAfter = high !== place.high ? (claim.elderAfter ?? leaves.after[0]) : isClosedBefore && low === ends.low ? undefined : place.elderAfter
  const isSame = low === place.low && high === place.high && elderBefore === place.elderBefore && elderAfter === place.elderAfter
  return isSame ? place : { leaves, low, high, elderBefore, elderAfter }
}

/** The elders that this peer was told of, itself and its leaves not among them. */
export function eldersOf({ leaves, elderBefore, elderAfter }: Place): Member[] {
  const elders = new Map([elderBefore, elderAfter].flatMap((elder) => (elder === undefined ? [] : [[elder.id, elder] as const])))
  return [...elders.values()].filter(({ id }) => id !== leaves.self && !hasLeaf(leaves, id))
}

/** An adjacent leaf has left: the two beside it share what it had, each up to the half of the way to the other. */
export function inherited(place: Place, leaver: Id, { hasLow, hasHigh, elderBefore, elderAfter, before, after }: Claim): Place {
  const { leaves } = place
  const rest = withoutMember(place, leaver)
  const ends = endsOf(rest.leaves)
  if (ends === undefined || !isActive(place)) return rest
  const isNext = (member: Member | undefined, mark: string | undefined): boolean => mark !== undefined && member?.id.startsWith(mark) === true
  const isHigh = leaves.after[0]?.id === leaver && hasHigh && leaves.self.startsWith(before[0] ?? "-") && isNext(rest.leaves.after[0], after[0])
  const isLow = leaves.before[0]?.id === leaver && hasLow && leaves.self.startsWith(after[0] ?? "-") && isNext(rest.leaves.before[0], before[0])
  return {
    ...rest,
    low: isLow ? ends.low : rest.low,
    high: isHigh ? ends.high : rest.high,
    elderBefore: (isLow ? elderBefore : undefined) ?? rest.elderBefore,
    elderAfter: (isHigh ? elderAfter : undefined) ?? rest.elderAfter,
  }
}

/**
 * Takes the keys without a grant: for a peer whose adjacent leaves have waited in vain for one themselves. `elder`: a member by
 * which it came in. The grants may only be slow, and then the records are where they started from.
 */
export function acceptAnyway(place: Place, elder: Member | undefined): Place {
  const ends = endsOf(place.leaves)
  if (ends === undefined) return place
  const { low = ends.low, high = ends.high, elderBefore = elder, elderAfter = elder } = place
  return { ...place, low, high, elderBefore, elderAfter }
}

/** The adjacent leaves that have still to grant what lies on their side. */
export function ungranted({ leaves, low, high }: Place): Member[] {
  const ends = endsOf(leaves)
  const [after] = leaves.after
  const [before] = leaves.before
  if (ends === undefined || after === undefined || before === undefined) return []
  const missing = new Set<Member>()
  if (high !== ends.high) missing.add(after)
  if (low !== ends.low) missing.add(before)
  return [...missing]
}

/** Whether the list of a leaf begins with this peer, and goes on with one of whom this peer knows. */
function isHandedTo(leaves: LeafSet, [first, second]: readonly string[]): boolean {
  if (first === undefined || !leaves.self.startsWith(first)) return false
  return second === undefined || leavesOf(leaves).some(({ id }) => id.startsWith(second))
}

interface Ends {
  readonly low: Id
  readonly high: Id
}

/** Every answer of a leaf asks for them again. */
const knownEnds = new WeakMap<LeafSet, Ends>()

/** Half-way to the adjacent leaf on either side. */
function endsOf(leaves: LeafSet): Ends | undefined {
  const known = knownEnds.get(leaves)
  if (known !== undefined) return known
  const { self, after, before } = leaves
  const [next] = after
  const [previous] = before
  if (next === undefined || previous === undefined) return undefined
  const ends = { low: midpoint(previous.id, self), high: midpoint(self, next.id) }
  knownEnds.set(leaves, ends)
  return ends
}

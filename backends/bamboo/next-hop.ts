/** Whom to ask about a key: pure choices over what a peer knows. */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { MembershipTable } from "../../src/overlay/membership-table.ts"
import { covers, leavesOf } from "./leaf-set.ts"
import type { Place } from "./place.ts"
import { isResponsible } from "./place.ts"
import type { PrefixTable } from "./prefix-table.ts"
import { closerOf, closestOf, isCloser, sharedDigits } from "./ring-distance.ts"

/** What a peer knows of the overlay. */
export interface Knowledge {
  readonly self: Member
  readonly place: Place
  /** The leaf set, nearest first. */
  readonly leaves: readonly Member[]
  readonly prefixes: PrefixTable
  readonly table: MembershipTable
  readonly isTableComplete: boolean
  /** Members that were lately found dead: asked only when there is nobody else. */
  isDoubtful(peerId: PeerId): boolean
}

const nobody: ReadonlySet<PeerId> = new Set()

/** The best member to ask about the key; undefined when this peer answers for it, or knows nobody left to ask. */
export function nextHop(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId> = nobody): Member | undefined {
  return isResponsible(knowledge.place, key) ? undefined : hopsTowards(knowledge, key, excluded, 1)[0]
}

/** The best members to ask about the key, best first, this peer not among them. */
export function hopsTowards(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId>, count: number): Member[] {
  const chosen = new Set<Member>()
  const doubtful = new Set<Member>()
  const taken = new Set<PeerId>([knowledge.self.peerId])
  for (const member of candidates(knowledge, key, excluded)) {
    if (excluded.has(member.peerId) || taken.has(member.peerId)) continue
    taken.add(member.peerId)
    if (knowledge.isDoubtful(member.peerId)) doubtful.add(member)
    else if (chosen.add(member).size === count) return [...chosen]
  }
  return [...chosen, ...doubtful].slice(0, count)
}

/**
 * Members worth asking, best first: those closer to the key than this peer. An
 * operation that is passed on to others as well, because those closer are
 * silent, would visit all members one after another.
 */
function* candidates(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId>): Generator<Member> {
  const { self, place, leaves, prefixes } = knowledge
  const isProgress = ({ id }: Member): boolean => isCloser(key, id, self.id)
  // The key lies among the leaves, who have all shown that they live: the closest of them is its owner.
  if (covers(place.leaves, key)) yield* closerOf(key, self.id, leaves)
  const inTable = closestInTable(knowledge.table, key, 2, excluded)
  if (knowledge.isTableComplete) yield* inTable.filter(isProgress)
  // A longer prefix; then numerically closer, with as long a prefix; then whoever is closer at all. A longer prefix may lie
  // farther away, just beyond a border: whoever goes there may be sent back.
  const next = prefixes.towards(key)
  if (next !== undefined && isProgress(next)) yield next
  const closer = closerOf(key, self.id, [...leaves, ...prefixes.members, ...inTable])
  const shared = sharedDigits(self.id, key)
  yield* closer.filter(({ id }) => sharedDigits(id, key) >= shared)
  yield* closer
  // This peer should answer for the key and does not yet, or somebody closer was wrongly found dead: those beside it may know more.
  if (!closer.some(({ peerId }) => !knowledge.isDoubtful(peerId))) yield* closestOf(key, leavesOf(place.leaves, 1), 2)
}

/** The members of the table of all that are closest to the key, the closest first. */
export function closestInTable(table: MembershipTable, key: Id, count: number, excluded: ReadonlySet<PeerId> = nobody): Member[] {
  const near = new Map<Id, Member>()
  for (const member of table.successorsOf(key, count, excluded)) near.set(member.id, member)
  for (const member of table.predecessorsOf(key, count, excluded)) near.set(member.id, member)
  return closestOf(key, near.values(), count)
}

/** Who should hold the key, owner first: exact if this peer is the owner, a guess otherwise. */
export function replicaSet(knowledge: Knowledge, key: Id, count: number): Member[] {
  const { self, place, leaves } = knowledge
  if (isResponsible(place, key)) {
    const others = closestOf(key, leaves, count - 1)
    return [self, ...others].slice(0, count)
  }
  if (knowledge.isTableComplete) return closestInTable(knowledge.table, key, count)
  if (covers(place.leaves, key)) return closestOf(key, [self, ...leaves], count)
  return hopsTowards(knowledge, key, nobody, 1)
}

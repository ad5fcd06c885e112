/** Whom to ask about a key: pure choices over what a peer knows. */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { isBetween, isBetweenOrAt } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { MembershipTable } from "../../src/overlay/membership-table.ts"
import type { Ring } from "./ring.ts"
import { isResponsible } from "./ring.ts"

/** What a peer knows of the overlay. */
export interface Knowledge {
  readonly ring: Ring
  /** Those before this peer, nearest first; beyond the first they are hearsay. */
  readonly predecessors: readonly Member[]
  readonly fingers: readonly Member[]
  readonly table: MembershipTable
  readonly isTableComplete: boolean
  /** Members that were lately found dead: asked only when there is nobody else. */
  isDoubtful(peerId: PeerId): boolean
}

const nobody: ReadonlySet<PeerId> = new Set()

/** The best member to ask about the key; undefined when this peer answers for it, or knows nobody left to ask. */
export function nextHop(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId> = nobody): Member | undefined {
  if (isResponsible(knowledge.ring, key)) return undefined
  let doubtful: Member | undefined
  for (const member of candidates(knowledge, key, excluded)) {
    if (member.peerId === knowledge.ring.self.peerId || excluded.has(member.peerId)) continue
    if (!knowledge.isDoubtful(member.peerId)) return member
    doubtful ??= member
  }
  return doubtful
}

/** Members worth asking, best first. */
function* candidates(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId>): Generator<Member> {
  const { ring, predecessors, table } = knowledge
  yield* nearbyOwner(ring, predecessors, key)
  if (knowledge.isTableComplete) {
    for (const member of table.successorsOf(key, 4, excluded)) {
      // The table has this peer as the owner, but it is not: then somebody lies between the key and it.
      yield member.id === ring.self.id ? ring.predecessor : member
    }
  }
  yield* closestPreceding(knowledge, key, excluded)
  yield* ring.successors
  yield* predecessors
}

/** The owner, then who would take over from it, if the key lies within the lists of neighbours. */
function* nearbyOwner(ring: Ring, predecessors: readonly Member[], key: Id): Generator<Member> {
  const { self, predecessor, successors } = ring
  // Not accepted yet: the successor still answers for our keys.
  if (isBetweenOrAt(predecessor.id, key, self.id)) {
    yield* successors
    return
  }
  const last = successors.at(-1)
  if (last !== undefined && isBetweenOrAt(self.id, key, last.id)) {
    const at = successors.findIndex(({ id }) => isBetweenOrAt(self.id, key, id))
    yield* successors.slice(at)
    return
  }
  for (let at = 0; at + 1 < predecessors.length; at++) {
    const owner = predecessors[at]
    const before = predecessors[at + 1]
    if (owner === undefined || before === undefined || !isBetweenOrAt(before.id, key, owner.id)) continue
    for (let after = at; after >= 0; after--) {
      const member = predecessors[after]
      if (member !== undefined) yield member
    }
    return
  }
}

/** Up to `count` known members strictly between this peer and the key, the closest to the key first. */
export function closestPreceding(knowledge: Knowledge, key: Id, excluded: ReadonlySet<PeerId> = nobody, count = 4): Member[] {
  const { ring, fingers, table } = knowledge
  const self = ring.self.id
  const known = new Map<Id, Member>()
  for (const member of [...ring.successors, ...fingers, ...table.predecessorsOf(key, count, excluded)]) {
    if (!excluded.has(member.peerId) && isBetween(self, member.id, key)) known.set(member.id, member)
  }
  // All of them lie in (self, key): clockwise order is that of the ids, once those past zero are put last.
  const rank = (id: Id): string => (id > self ? `0${id}` : `1${id}`)
  return [...known.values()].sort((a, b) => (rank(a.id) < rank(b.id) ? 1 : -1)).slice(0, count)
}

/** Who should hold the key, owner first: exact if this peer is the owner, a guess otherwise. */
export function replicaSet(knowledge: Knowledge, key: Id, count: number): Member[] {
  const { ring, predecessors, table } = knowledge
  if (isResponsible(ring, key)) return [ring.self, ...ring.successors].slice(0, count)
  if (knowledge.isTableComplete) return table.successorsOf(key, count)
  const nearby = [...nearbyOwner(ring, predecessors, key)]
  if (nearby.length === 0) {
    const hop = nextHop(knowledge, key)
    return hop === undefined ? [] : [hop]
  }
  const last = nearby.at(-1)
  const isBefore = last !== undefined && last.id === ring.predecessor.id
  return (isBefore ? [...nearby, ring.self, ...ring.successors] : nearby).slice(0, count)
}

/**
 * The ring of Chord as plain data, and the corrected protocol's steps as pure
 * functions over it.
 *
 * The protocol as first published can break its ring; these are the operations
 * that Pamela Zave proved correct ("Reasoning about Identifier Spaces: How to
 * Make Chord Correct", 2016). Her names are kept. Two differences of form:
 * - Where she pads a list that lost an entry (with an identifier that nobody
 *   has), the list here is shorter. The two are equivalent.
 * - A list stops before it would name its owner, so that overlays with no more
 *   than r members hold full mutual lists, and a lone peer an empty one: it is
 *   its own successor and predecessor.
 */
import type { Id } from "../../src/overlay/id.ts"
import { isBetween, isBetweenOrAt } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"

/** What a member tells about its place. */
export interface Neighbourhood {
  readonly predecessor: Member
  /** Whether the member answers for the keys between its predecessor and itself. See {@link Ring.former}. */
  readonly accepted: boolean
  /** Clockwise, without the teller. */
  readonly successors: readonly Member[]
}

/** A member's state. */
export interface Ring extends Neighbourhood {
  readonly self: Member
  /** r: the most successors that are kept. */
  readonly maxSuccessors: number
  /**
   * The members before the predecessor that this peer knows of by the handing
   * over of keys, nearest first.
   *
   * Keys pass from hand to hand: a peer has none until its successor, who has
   * them until then, grants them in the answer to a notification (`accepted`).
   * The successor may know of members before us of whom we do not: they had
   * their part before. They come with the grant, so that nobody takes what was
   * given to another.
   */
  readonly former: readonly Member[]
  /**
   * The line of those through whose hands this peer's keys came of late, its own giver first. Should whoever had the keys
   * before this peer die soon after they were granted to it, the records are with one of these, however many have joined
   * in between.
   */
  readonly givers: readonly Member[]
  /** Tells this membership from earlier ones of the same peer, which may have ended unnoticed. */
  readonly life: number
  /**
   * The life of the predecessor to which this peer gives the keys before it;
   * undefined where the predecessor has, or had, them from elsewhere. A
   * predecessor that died and came back has forgotten to whom it gave keys in
   * its turn, and this peer never knew. "stranger": it has just taken the place
   * of a dead one, who may have given the keys before it to others yet to come.
   */
  readonly grantee: number | "stranger" | undefined
  /**
   * Whether the successor has said that the keys before this peer were its own
   * in an earlier life. It takes them when its predecessor is heard: that one,
   * and nobody else, knows where they begin.
   */
  readonly isReturning: boolean
  /** Whether the predecessor is still the member that this peer joined behind, and has never notified it: it may have gone. */
  readonly isPredecessorUnheard: boolean
}

/** How every life begins. */
const atFirst = { former: [], givers: [], grantee: undefined, isReturning: false } as const

/** Of a longer line the nearest are left out: they are among the successors. */
const maxGivers = 16

/** A peer that founds an overlay: alone, and responsible for everything. */
export function found(self: Member, maxSuccessors: number): Ring {
  return { ...atFirst, self, maxSuccessors, predecessor: self, successors: [], accepted: true, life: 0, isPredecessorUnheard: false }
}

/** A peer among those that start an overlay together: all know their places, and answer for them. */
export function foundAmong(self: Member, maxSuccessors: number, after: readonly Member[], before: readonly Member[]): Ring {
  const [predecessor] = before
  if (predecessor === undefined) return found(self, maxSuccessors)
  return { ...found(self, maxSuccessors), predecessor, successors: after, former: before.slice(1) }
}

/** The first successor; the peer itself while it is alone. */
export function successorOf(ring: Ring): Member {
  return ring.successors[0] ?? ring.self
}

/** Whether the peer answers for the key: (predecessor, self], once accepted. */
export function isResponsible(ring: Ring, key: Id): boolean {
  return ring.accepted && isBetweenOrAt(ring.predecessor.id, key, ring.self.id)
}

/** Whether `joiner` belongs directly after `member`: the test that a joining peer's contact must pass. */
export function isPlaceOf(member: Member, told: Neighbourhood, joiner: Id): boolean {
  return isBetween(member.id, joiner, (told.successors[0] ?? member).id)
}

/**
 * Join: the peer takes the whole list of the member directly before it, and
 * that member as predecessor, in one step. Joining with a successor alone
 * breaks rings. The caller has checked {@link isPlaceOf}, and gives a `life`
 * that this peer has not had yet.
 */
export function join(self: Member, maxSuccessors: number, member: Member, told: Neighbourhood, life: number): Ring {
  const list = told.successors.length === 0 ? [member] : told.successors
  const successors = ordered(self, maxSuccessors, list)
  return { ...atFirst, self, maxSuccessors, predecessor: member, successors, accepted: false, life, isPredecessorUnheard: true }
}

/** What to do after a step: ask a nearer successor about itself, or notify the present one. */
export type NextStep =
  | { readonly kind: "ask"; readonly candidate: Member }
  | { readonly kind: "notify"; readonly successor: Member }

/**
 * Stabilise, step 1: the successor answered. Its list, with itself in front,
 * becomes ours; if its predecessor lies strictly between, that is a candidate.
 */
export function stabilizeFromSuccessor(ring: Ring, successor: Member, told: Neighbourhood): { ring: Ring; next: NextStep } {
  const present = successorOf(ring)
  if (present.id !== successor.id) return { ring, next: { kind: "notify", successor: present } }
  return followed(ring, successor, told)
}

/**
 * Stabilise, step 2: the candidate answered, so it is live. It becomes the
 * successor, in front of its own list, and is notified; unless a still nearer
 * one has come in the meantime.
 *
 * Any live member may be a candidate, whoever named it: the new pair
 * (self, candidate) skips nobody whom (self, successor) did not skip.
 */
export function stabilizeFromCandidate(ring: Ring, candidate: Member, told: Neighbourhood): { ring: Ring; next: NextStep } {
  if (!isCandidate(ring, candidate)) return { ring, next: { kind: "notify", successor: successorOf(ring) } }
  return followed(ring, candidate, told)
}

/** Whether the peer lies strictly between this one and its successor. */
export function isCandidate(ring: Ring, candidate: Member): boolean {
  return isBetween(ring.self.id, candidate.id, successorOf(ring).id)
}

function followed(ring: Ring, successor: Member, told: Neighbourhood): { ring: Ring; next: NextStep } {
  const successors = ordered(ring.self, ring.maxSuccessors, [successor, ...told.successors])
  const between = isBetween(ring.self.id, told.predecessor.id, successor.id)
  const isOurs = told.predecessor.id === ring.self.id
  // A lone peer is its own successor, and grants itself everything. A successor that answers for our keys refutes us.
  const isAlone = isOurs && successor.id === ring.self.id
  const isRefuted = told.accepted && !isOurs && !between
  const accepted = isAlone || (ring.accepted && !isRefuted)
  const isReturning = ring.isReturning && !isAlone && !isRefuted
  const next: NextStep = between ? { kind: "ask", candidate: told.predecessor } : { kind: "notify", successor }
  return { ring: withRing(ring, { successors, accepted, isReturning }), next }
}

/**
 * A successor is dead, or has left: it goes, and the list moves up. The next
 * one then has to be notified.
 */
export function dropDeadSuccessor(ring: Ring, dead: Id): Ring {
  if (!ring.successors.some(({ id }) => id === dead)) return ring
  return { ...ring, successors: ring.successors.filter(({ id }) => id !== dead) }
}

/** A successor that leaves names those after it: they take its place in the list. */
export function spliceOutSuccessor(ring: Ring, leaving: Member, told: Neighbourhood): Ring {
  const at = ring.successors.findIndex(({ id }) => id === leaving.id)
  if (at < 0) return ring
  const list = [...ring.successors.slice(0, at), ...told.successors.filter(({ id }) => id !== leaving.id)]
  return withRing(ring, { successors: ordered(ring.self, ring.maxSuccessors, list) })
}

/**
 * Rectify, on a notification from `notifier` in its `life`: adopt it if it
 * lies between the predecessor and this peer. Otherwise the predecessor has to
 * be pinged first: see {@link replaceDeadPredecessor}. The predecessor is never
 * left blank.
 */
export function rectify(ring: Ring, notifier: Member, life: number): { ring: Ring; outcome: "adopted" | "known" | "ping predecessor" } {
  if (notifier.id === ring.predecessor.id) {
    return { ring: withRing(ring, { predecessor: notifier, ...heard(ring) }), outcome: "known" }
  }
  if (isBetween(ring.predecessor.id, notifier.id, ring.self.id)) {
    const former = [ring.predecessor, ...ring.former].slice(0, ring.maxSuccessors)
    return { ring: { ...ring, predecessor: notifier, former, grantee: life, ...heard(ring) }, outcome: "adopted" }
  }
  return { ring, outcome: "ping predecessor" }
}

/** Rectify, when the ping of the predecessor `dead` went unanswered: the notifier is adopted, unless another was meanwhile. */
export function replaceDeadPredecessor(ring: Ring, dead: Id, notifier: Member): Ring {
  if (ring.predecessor.id !== dead) return ring
  const isKnown = notifier.id === ring.self.id || ring.former.some(({ id }) => id === notifier.id)
  return { ...inherit(ring, dead, notifier), grantee: isKnown ? undefined : "stranger" }
}

/** The predecessor `leaver` is gone, and has named `heir`, who had its part before. */
export function inherit(ring: Ring, leaver: Id, heir: Member): Ring {
  if (ring.predecessor.id !== leaver) return ring
  return { ...ring, predecessor: heir, former: before(ring.self, heir, ring.former), grantee: undefined, ...heard(ring) }
}

/** Nobody has come nearer than the stranger for so long that nobody will: if it was not given its keys, nobody was. */
export function acquainted(ring: Ring, stranger: Id): Ring {
  return ring.grantee === "stranger" && ring.predecessor.id === stranger ? { ...ring, grantee: undefined } : ring
}

/** It is dead, or gone. */
export function withoutGiver(ring: Ring, id: Id): Ring {
  return ring.givers.some((giver) => giver.id === id) ? { ...ring, givers: ring.givers.filter((giver) => giver.id !== id) } : ring
}

/** What was granted is with its owners and their replicas by now. */
export function withoutGivers(ring: Ring): Ring {
  return ring.givers.length === 0 ? ring : { ...ring, givers: [] }
}

/** What follows from hearing of a live predecessor. */
function heard({ accepted, isReturning }: Ring): Partial<Ring> {
  return { isPredecessorUnheard: false, accepted: accepted || isReturning, isReturning: false }
}

/** Whether the answerer gives the keys before the notifier; `earlier`: they were the notifier's before, by another's grant or in another life. */
export type Grant = "none" | "given" | "earlier"

/** What a notified member answers. */
export interface NotifyAnswer {
  /** Whether it has the notifier as predecessor now. */
  readonly adopted: boolean
  readonly grant: Grant
  /** Adopted: those before the notifier, nearest first. Otherwise: the predecessor in its place. */
  readonly previous: readonly Member[]
  /** With a grant: those through whose hands the answerer's keys came of late. See {@link Ring.givers}. */
  readonly givers: readonly Member[]
}

/** The answer to a notification, once {@link rectify} is through with it. */
export function answerTo(ring: Ring, notifier: Member, life: number): NotifyAnswer {
  const adopted = ring.predecessor.id === notifier.id
  const mayTell = adopted && ring.accepted && ring.grantee !== "stranger"
  const grant = !mayTell ? "none" : ring.grantee === life ? "given" : "earlier"
  return { adopted, grant, previous: adopted ? ring.former : [ring.predecessor], givers: grant === "none" ? [] : ring.givers }
}

/** The successor answered our notification. */
export function notified(ring: Ring, successor: Member, answer: NotifyAnswer): { ring: Ring; next: NextStep | undefined } {
  const [nearest] = answer.previous
  if (successorOf(ring).id !== successor.id) return { ring, next: undefined }
  if (!answer.adopted) {
    const isNearer = nearest !== undefined && isBetween(ring.self.id, nearest.id, successor.id)
    return { ring, next: isNearer ? { kind: "ask", candidate: nearest } : undefined }
  }
  if (answer.grant === "none" || ring.accepted) return { ring, next: undefined }
  const givers = lineOf(ring.self, successor, answer.givers)
  if (answer.grant === "earlier") {
    const isReturning = ring.isPredecessorUnheard
    return { ring: withRing(ring, { givers, isReturning, accepted: !isReturning }), next: undefined }
  }
  // A joiner takes all that it is granted: were a member that it joined behind, and that has gone since, to remain the bound,
  // nobody would answer for the keys before it. If it lives, it notifies us and has its part from us. Whoever did notify us
  // may have had its part already.
  const isInside = nearest !== undefined && isBetween(ring.predecessor.id, nearest.id, ring.self.id)
  const isBound = isInside || (ring.isPredecessorUnheard && nearest?.id !== ring.self.id)
  const predecessor = (isBound ? nearest : undefined) ?? ring.predecessor
  const former = before(ring.self, predecessor, answer.previous)
  // Whom the successor names had its part before; whoever notified us inside of what we are granted has its part from us.
  const grantee = isBound || nearest?.id === predecessor.id ? undefined : ring.grantee
  return { ring: withRing(ring, { predecessor, former, givers, grantee, ...heard({ ...ring, accepted: true }) }), next: undefined }
}

function lineOf(self: Member, giver: Member, before: readonly Member[]): Member[] {
  const others = before.filter(({ id }) => id !== self.id && id !== giver.id)
  return [giver, ...others].slice(-maxGivers)
}

/** Takes the keys without a grant: for a peer whose successors have waited in vain for one themselves. */
export function acceptAnyway(ring: Ring): Ring {
  return withRing(ring, { accepted: true, isReturning: false })
}

/** Those of the list that lie before the predecessor, in order, nearest first. */
function before(self: Member, predecessor: Member, list: readonly Member[]): Member[] {
  const result: Member[] = []
  let last = predecessor.id
  for (const member of list) {
    if (last === self.id || !isBetween(self.id, member.id, last)) continue
    result.push(member)
    last = member.id
  }
  return result
}

/**
 * A list in clockwise order from `self`, without it and without repetition, cut
 * to the most that are kept. What is out of order is cut off with all after it:
 * a shorter list is always safe.
 */
export function ordered(self: Member, max: number, list: readonly Member[]): Member[] {
  const result: Member[] = []
  let last = self.id
  for (const member of list) {
    if (result.length === max || !isBetween(last, member.id, self.id)) break
    result.push(member)
    last = member.id
  }
  return result
}

/** Keeps the identity of a state that did not change, so that callers can compare by reference. */
function withRing(ring: Ring, change: Partial<Ring>): Ring {
  const changed = { ...ring, ...change }
  const same =
    changed.accepted === ring.accepted &&
    changed.predecessor === ring.predecessor &&
    changed.grantee === ring.grantee &&
    changed.isReturning === ring.isReturning &&
    changed.isPredecessorUnheard === ring.isPredecessorUnheard &&
    sameMembers(changed.former, ring.former) &&
    sameMembers(changed.givers, ring.givers) &&
    sameMembers(changed.successors, ring.successors)
  return same ? ring : changed
}

/** Whether two lists name the same members with the same addresses in the same order. */
export function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, index) => sameMember(member, b[index]))
}

function sameMember(a: Member, b: Member | undefined): boolean {
  if (a === b || b === undefined) return a === b
  return a.id === b.id && a.addresses.length === b.addresses.length && a.addresses.every((address, at) => address === b.addresses[at])
}

/**
 * A Chord ring without a network: every step of the protocol that a member can
 * take next is one transition of a shared state, as in Zave's model. A query
 * and the use of its answer are one step; between the steps of one member,
 * others may take theirs.
 */
import type { NextStep, Ring } from "../../../backends/chord/ring.ts"
import * as chord from "../../../backends/chord/ring.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import type { RingMember } from "../../../src/sim/checkers/zave.ts"
import { findInvariantViolations, findPrincipals } from "../../../src/sim/checkers/zave.ts"

export interface Model {
  readonly r: number
  readonly rings: ReadonlyMap<string, Ring>
  /** What a member does next, where it is in the middle of stabilising. */
  readonly pending: ReadonlyMap<string, NextStep>
  /** How many members there have been; who comes back counts again. */
  readonly lives: number
}

export interface Event {
  /** `return`: it fails, and joins again before anybody has noticed. */
  readonly kind: "join" | "fail" | "return" | "step"
  readonly id: string
}

export function memberOf(id: string): Member {
  return { id, peerId: `peer-${id}`, addresses: [] }
}

/** An ideal ring of the given members. */
export function idealRing(ids: readonly string[], r: number): Model {
  const order = [...ids].sort()
  const rings = order.map((id, at): [string, Ring] => {
    const after = [...order.slice(at + 1), ...order.slice(0, at)]
    const predecessor = memberOf(after.at(-1) ?? id)
    const successors = after.slice(0, r).map(memberOf)
    return [id, { ...chord.found(memberOf(id), r), predecessor, successors }]
  })
  return { r, rings: new Map(rings), pending: new Map(), lives: 1 }
}

export function view(model: Model): RingMember[] {
  return [...model.rings.values()].map(({ self, predecessor, successors }) => ({
    id: self.id,
    predecessor: predecessor.id,
    successors: successors.map(({ id }) => id),
  }))
}

/** The state after the event; undefined where it cannot happen, or where Zave's operating assumption forbids it. */
export function apply(model: Model, event: Event): Model | undefined {
  if (event.kind === "join") return join(model, event.id)
  const ring = model.rings.get(event.id)
  if (ring === undefined) return undefined
  if (event.kind === "return") return comeBack(model, event.id)
  return event.kind === "fail" ? fail(model, event.id) : step(model, ring)
}

/** Whoever is asked for its place, the one directly before it, learns that its earlier life is over. */
function comeBack(model: Model, id: string): Model | undefined {
  const failed = fail(model, id)
  if (failed === undefined) return undefined
  const ids = [...failed.rings.keys()].sort()
  const before = failed.rings.get(ids.findLast((other) => other < id) ?? ids.at(-1) ?? "")
  if (before === undefined) return undefined
  const told = chord.dropDeadSuccessor(before, id)
  return chord.isPlaceOf(before.self, told, id) ? joinBehind(withRing(failed, told), told, id) : undefined
}

function join(model: Model, id: string): Model | undefined {
  if (model.rings.has(id)) return undefined
  const before = [...model.rings.values()].find((ring) => chord.isPlaceOf(ring.self, ring, id))
  if (before === undefined) return undefined
  return joinBehind(model, before, id)
}

function joinBehind(model: Model, before: Ring, id: string): Model {
  return withRing({ ...model, lives: model.lives + 1 }, chord.join(memberOf(id), model.r, before.self, before, model.lives))
}

/** A member may fail as long as that leaves no member without a live successor, nor too few principals. */
function fail(model: Model, id: string): Model | undefined {
  const rings = new Map(model.rings)
  const pending = new Map(model.pending)
  rings.delete(id)
  pending.delete(id)
  const failed = { ...model, rings, pending }
  if (rings.size <= model.r || findInvariantViolations(view(failed), model.r).length > 0) return undefined
  return findPrincipals(view(failed)).length > model.r ? failed : undefined
}

/** The next step of one member: what is pending, else stabilising from the start. */
function step(model: Model, ring: Ring): Model {
  const id = ring.self.id
  const next = model.pending.get(id)
  if (next === undefined) return askSuccessor(model, ring)
  if (next.kind === "notify") return notify(withPending(model, id, undefined), ring, next.successor)
  const candidate = model.rings.get(next.candidate.id)
  if (candidate === undefined) return withPending(model, id, { kind: "notify", successor: chord.successorOf(ring) })
  const result = chord.stabilizeFromCandidate(ring, next.candidate, candidate)
  return withPending(withRing(model, result.ring), id, result.next)
}

function askSuccessor(model: Model, ring: Ring): Model {
  const id = ring.self.id
  const successor = chord.successorOf(ring)
  const told = model.rings.get(successor.id)
  if (told === undefined) {
    const dropped = chord.dropDeadSuccessor(ring, successor.id)
    return withPending(withRing(model, dropped), id, { kind: "notify", successor: chord.successorOf(dropped) })
  }
  const result = chord.stabilizeFromSuccessor(ring, successor, told)
  return withPending(withRing(model, result.ring), id, result.next)
}

function notify(model: Model, ring: Ring, successor: Member): Model {
  const notifiedRing = model.rings.get(successor.id)
  if (notifiedRing === undefined) return model
  const previous = notifiedRing.predecessor
  const attempt = chord.rectify(notifiedRing, ring.self, ring.life)
  let rectified = attempt.ring
  if (attempt.outcome === "ping predecessor" && !model.rings.has(previous.id)) {
    rectified = chord.replaceDeadPredecessor(rectified, previous.id, ring.self)
  }
  const after = withRing(model, rectified)
  const current = after.rings.get(ring.self.id) ?? ring
  return withRing(after, chord.notified(current, successor, chord.answerTo(rectified, ring.self, ring.life)).ring)
}

function withRing(model: Model, ring: Ring): Model {
  return { ...model, rings: new Map(model.rings).set(ring.self.id, ring) }
}

function withPending(model: Model, id: string, next: NextStep | undefined): Model {
  const pending = new Map(model.pending)
  if (next === undefined) pending.delete(id)
  else pending.set(id, next)
  return { ...model, pending }
}

/** Lets every member stabilise in turn until nothing changes any more, at most `rounds` times. */
export function settle(model: Model, rounds: number): Model {
  for (let round = 0; round < rounds; round++) {
    const before = fingerprint(model)
    for (const id of model.rings.keys()) {
      do {
        const ring = model.rings.get(id)
        if (ring !== undefined) model = step(model, ring)
      } while (model.pending.has(id))
    }
    if (fingerprint(model) === before) break
  }
  return model
}

/** A text that two equal states share. */
export function fingerprint(model: Model): string {
  return [...model.rings.keys()]
    .sort()
    .map((id) => {
      const ring = model.rings.get(id)
      const next = model.pending.get(id)
      const doing = next === undefined ? "" : next.kind === "ask" ? `?${next.candidate.id}` : `!${next.successor.id}`
      const hasGiven = ring?.grantee !== undefined && ring.grantee === model.rings.get(ring.predecessor.id)?.life
      const has = ring?.accepted === true ? "" : ring?.isReturning === true ? "~" : "-"
      const before = `${hasGiven ? "+" : ""}${ring?.predecessor.id}`
      return `${id}<${before}>${ring?.successors.map((member) => member.id).join("")}${doing}${has}(${ring?.former.map((member) => member.id).join("")})`
    })
    .join(" ")
}

/**
 * Watches a ring while it lives: after every event, Zave's invariant.
 *
 * Only the end of a member may break it (more of them at once than lists are
 * long), never a step of the protocol. Zave's steps read another member's
 * state and act on it in one; here the answer travels. So:
 * - Steps that rest on what was read before somebody's end are excused for as
 *   long as it takes to find out.
 * - The invariant counts as established when it has held for a while: a list
 *   that is still on its way may skip a newcomer whom all others list by now.
 *
 * Before an overlay has r+1 members the invariant has no meaning; that its best
 * successors form one ordered ring must hold all the same.
 */
import { OverlayServlet } from "../../overlay/overlay-servlet.ts"
import type { RingPlace } from "../../overlay/key-based-routing.ts"
import type { Fleet, FleetMember } from "../fleet.ts"
import type { Violation } from "./records.ts"
import { RingTally } from "./ring-tally.ts"
import { findInvariantViolations, findRingDefects, findShapeDefects } from "./zave.ts"

/** So long after a member's end others may still act on what they learnt before it. */
const graceMs = 20_000
/** No answer is acted upon so late. */
const staleMs = 5_000
/** Further ones say nothing new. */
const maxViolations = 3

/** See the head of this file. */
export class RingWatch {
  readonly #fleet: Fleet
  readonly #tally = new RingTally()
  readonly #places = new Map<string, RingPlace>()
  readonly #violations: Violation[] = []
  #running: readonly FleetMember[] = []
  #lastEndAt = -Infinity
  /** Since when the invariant has held; undefined while it does not. */
  #heldSince: number | undefined
  #isShaped = true
  /** Changes of anybody's list that were judged. */
  changes = 0

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  get violations(): readonly Violation[] {
    return this.#violations
  }

  /** Called after each event; see `Simulation.onEvent`. */
  look(peer: string | undefined): void {
    const { running, simulation } = this.#fleet
    let isChanged = false
    if (running !== this.#running) {
      this.#running = running
      for (const name of this.#places.keys()) {
        if (this.#fleet.member(name) === undefined) isChanged = this.#note(name, undefined) || isChanged
      }
    }
    if (peer === undefined) {
      for (const member of running) isChanged = this.#note(member.name, placeOf(member)) || isChanged
    } else {
      const member = this.#fleet.member(peer)
      if (member !== undefined) isChanged = this.#note(peer, placeOf(member)) || isChanged
    }
    if (isChanged) this.#judge(simulation.now)
  }

  /** Takes note of a member's place; true if its list is another than before. */
  #note(name: string, place: RingPlace | undefined): boolean {
    const before = this.#places.get(name)
    if (before === place) return false
    if (place === undefined) this.#places.delete(name)
    else this.#places.set(name, place)
    if (place === undefined) this.#lastEndAt = this.#fleet.simulation.now
    if (before?.successors === place?.successors) return false
    if (before !== undefined && before.self.id !== place?.self.id) this.#tally.set(before.self.id, undefined)
    if (place !== undefined) this.#tally.set(place.self.id, place.successors.map(({ id }) => id))
    this.changes++
    return true
  }

  #judge(now: number): void {
    const r = this.#places.values().next().value?.maxSuccessors ?? 0
    const members = [...this.#tally.members()].map(([id, successors]) => ({ id, predecessor: id, successors }))
    const isInvariant = this.#tally.starving === 0 && this.#tally.principals > r
    const shape = isInvariant ? [] : findShapeDefects(members)
    const isExcused = now - this.#lastEndAt < graceMs
    if (!isExcused && !isInvariant && now - (this.#heldSince ?? now) > staleMs) {
      this.#complain("a step of the protocol never breaks Zave's invariant", findInvariantViolations(members, r))
    }
    if (!isExcused && this.#isShaped && shape.length > 0) {
      this.#complain("a step of the protocol never splits or tangles the ring", shape)
    }
    this.#heldSince = isInvariant ? (this.#heldSince ?? now) : undefined
    this.#isShaped = shape.length === 0
  }

  #complain(law: string, defects: readonly string[]): void {
    if (this.#violations.length >= maxViolations) return
    const detail = `at ${this.#fleet.simulation.now.toFixed(1)} ms: ${withNames(defects.join("; "), this.#places)}`
    this.#violations.push({ kind: "safety", law, detail })
  }
}

/** In the end each member has exactly the right lists. */
export function checkRing(fleet: Fleet): Violation[] {
  const places = new Map(fleet.running.map((member) => [member.name, placeOf(member)]))
  const known = [...places.values()].filter((place) => place !== undefined)
  const members = known.map(({ self, predecessor, successors }) => ({
    id: self.id,
    predecessor: predecessor.id,
    successors: successors.map(({ id }) => id),
  }))
  const defects = findRingDefects(members, known[0]?.maxSuccessors ?? 0)
  const named = new Map(known.map((place) => [place.self.peerId, place]))
  return defects.slice(0, 3).map((defect) => ({ kind: "liveness", law: "the ring is perfect in the end", detail: withNames(defect, named) }))
}

function placeOf({ servlet }: FleetMember): RingPlace | undefined {
  return servlet instanceof OverlayServlet ? servlet.routing?.ring?.() : undefined
}

/** Peers by name instead of by identifier, as far as they are known. */
function withNames(text: string, places: ReadonlyMap<string, RingPlace>): string {
  const names = new Map([...places.values()].flatMap(({ self, successors }) => [self, ...successors]).map(({ id, peerId }) => [id, peerId]))
  return text.replace(/[0-9a-f]{40}/g, (id) => names.get(id) ?? id)
}

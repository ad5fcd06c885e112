/**
 * Stabilisation: the questions and notifications that the ring's transitions
 * call for, in their order, one pass at a time.
 *
 * Passes come routinely, and at once when something happened. Every pass goes
 * on until the ring is as right as this peer can make it, in a bounded number
 * of steps.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Neighbourhood, NextStep } from "./ring.ts"
import {
  acceptAnyway, isCandidate, notified, rectify, replaceDeadPredecessor, stabilizeFromCandidate, stabilizeFromSuccessor, successorOf,
  withoutGivers,
} from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

/** Questions in one pass, at most. */
const maxSteps = 48
/** Hints that wait for the next pass, at most. */
const maxHints = 32
/** A candidate that has not answered for so long holds nobody up. */
const candidatePatienceMs = 500
/** After so long without a grant a peer takes its keys all the same. */
const maxWaitMs = 10_000
/** After so long whoever gave this peer its keys has no records any more that others lack. */
const giversMs = 60_000

export interface StabilizerComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  /** Members that may lie directly after this peer, from other sources than its successor. */
  readonly suggestions: () => readonly Member[]
  readonly isDoubtful: (peerId: PeerId) => boolean
  /** Called with each member that turns out to be dead; it takes it out of the ring. */
  readonly onDead: (member: Member) => void
}

/** See the head of this file. */
export class Stabilizer {
  readonly #surroundings: Surroundings
  readonly #client: NeighbourClient
  readonly #components: StabilizerComponents
  readonly #hints = new Map<PeerId, Member>()
  /** Candidates that have not answered yet. */
  readonly #asked = new Set<PeerId>()
  #running: Promise<void> | undefined
  #isWantedAgain = false
  /** Since when the successor has us as predecessor, but no keys to grant. */
  #waitingSince: number | undefined
  /** Through whose hands this peer's keys came, and since when that is so. */
  #givers: { readonly members: readonly Member[]; readonly since: number } = { members: [], since: 0 }
  /** The successor that was last told of our predecessors, and which. */
  #notified: { readonly peerId: PeerId; readonly predecessors: string } | undefined

  constructor(components: StabilizerComponents) {
    this.#surroundings = components.surroundings
    this.#client = components.client
    this.#components = components
  }

  /** Wants a pass at once, or once more after the one that runs. A hint names a member that may lie directly after this peer. */
  request(hint?: Member): void {
    if (hint !== undefined && this.#hints.size < maxHints) this.#hints.set(hint.peerId, hint)
    if (this.#running !== undefined) this.#isWantedAgain = true
    else void this.run()
  }

  /** Resolves when a pass that began after this call has ended. */
  async run(): Promise<void> {
    if (this.#running !== undefined) {
      this.#isWantedAgain = true
      return this.#running
    }
    this.#running = this.#runAll()
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
  }

  async #runAll(): Promise<void> {
    // A bound, so that two peers that disagree cannot keep each other busy for ever: the next routine pass goes on.
    for (let pass = 0; pass < 8; pass++) {
      this.#isWantedAgain = false
      await this.#pass()
      if (!this.#isWantedAgain || !this.#surroundings.isMember) return
    }
  }

  async #pass(): Promise<void> {
    for (let step = 0; step < maxSteps && this.#surroundings.isMember; step++) {
      if ((await this.#step()) === "settled") return
    }
  }

  async #step(): Promise<"settled" | "again"> {
    const surroundings = this.#surroundings
    this.#forgetGivers()
    const successor = successorOf(surroundings.ring)
    const isAlone = successor.id === surroundings.ring.self.id
    // Another may have been it in the meantime; one that comes back has forgotten what it was told.
    if (this.#notified?.peerId !== successor.peerId) this.#notified = undefined
    const outcome = isAlone ? undefined : await this.#client.ask(successor)
    if (!surroundings.isMember) return "settled"
    if (outcome?.kind === "dead") return this.#lost(successor)
    if (outcome?.kind === "unclear") return "settled"
    // Stabilise, step 1; a lone peer is its own successor.
    const told: Neighbourhood = outcome === undefined ? surroundings.ring : outcome.answer
    const result = stabilizeFromSuccessor(surroundings.ring, successor, told)
    surroundings.set(result.ring)
    if (await this.#tryCandidates(result.next)) return "again"
    if (!surroundings.isMember) return "settled"
    return successorOf(surroundings.ring).id === surroundings.ring.self.id ? this.#rectifyAlone() : this.#notify()
  }

  /** Stabilise, step 2, for each member that may be a nearer successor. True if one became the successor. */
  async #tryCandidates(next: NextStep): Promise<boolean> {
    const named = next.kind === "ask" ? [next.candidate] : []
    const candidates = [...named, ...this.#hints.values(), ...this.#components.suggestions()]
    this.#hints.clear()
    for (const candidate of candidates) {
      if (!this.#surroundings.isMember) return false
      if (!isCandidate(this.#surroundings.ring, candidate) || this.#components.isDoubtful(candidate.peerId)) continue
      if (!this.#asked.has(candidate.peerId) && (await this.#tryCandidate(candidate))) return true
    }
    return false
  }

  /**
   * True if it became the successor. One that lets us wait may be dead; the
   * present successor may know of others by then, so the pass goes on, and
   * comes back to it should it answer after all.
   */
  #tryCandidate(candidate: Member): Promise<boolean> {
    const { runtime } = this.#components
    this.#asked.add(candidate.peerId)
    return new Promise((resolve) => {
      let isWaiting = true
      const timer = runtime.setTimer(candidatePatienceMs, () => {
        isWaiting = false
        resolve(false)
      })
      void this.#client.ask(candidate).then((outcome) => {
        timer.cancel()
        this.#asked.delete(candidate.peerId)
        const isAdopted = this.#judgeCandidate(candidate, outcome)
        if (isWaiting) resolve(isAdopted)
        else if (isAdopted) this.request()
      })
    })
  }

  #judgeCandidate(candidate: Member, outcome: Outcome<Neighbourhood>): boolean {
    if (!this.#surroundings.isMember) return false
    if (outcome.kind === "dead") this.#components.onDead(candidate)
    if (outcome.kind !== "answered" || !isCandidate(this.#surroundings.ring, candidate)) return false
    this.#surroundings.set(stabilizeFromCandidate(this.#surroundings.ring, candidate, outcome.answer).ring)
    return true
  }

  async #notify(): Promise<"settled" | "again"> {
    const surroundings = this.#surroundings
    const { ring, predecessors } = surroundings
    const successor = successorOf(ring)
    const said = { peerId: successor.peerId, predecessors: predecessors.map(({ id }) => id).join() }
    const isKnown = this.#client.lastTold(successor.peerId)?.predecessor.id === ring.self.id
    // It has us as predecessor, and knows who is before us: a notification would say nothing new.
    if (ring.accepted && isKnown && this.#notified?.peerId === said.peerId && this.#notified.predecessors === said.predecessors) return "settled"
    const outcome = await this.#client.notify(successor, { notifier: ring.self, life: ring.life, predecessors })
    if (!surroundings.isMember) return "settled"
    if (outcome.kind === "dead") return this.#lost(successor)
    if (outcome.kind === "unclear") return "settled"
    const result = notified(surroundings.ring, successor, outcome.answer)
    surroundings.set(result.ring)
    if (outcome.answer.adopted) this.#notified = said
    this.#callPredecessor()
    if (outcome.answer.adopted && !surroundings.ring.accepted) this.#waitForGrant()
    else this.#waitingSince = undefined
    return result.next === undefined ? "settled" : "again"
  }

  /** A peer without successors is its own: it notifies itself, and so finds out whether its predecessor is dead. */
  async #rectifyAlone(): Promise<"settled" | "again"> {
    const { ring } = this.#surroundings
    if (rectify(ring, ring.self, ring.life).outcome !== "ping predecessor") return "settled"
    const { predecessor } = ring
    const outcome: Outcome<true> = this.#components.isDoubtful(predecessor.peerId)
      ? { kind: "dead", code: "P2PSIP_TIMEOUT" }
      : await this.#client.ping(predecessor)
    if (!this.#surroundings.isMember || outcome.kind === "unclear") return "settled"
    if (outcome.kind === "dead") {
      this.#components.onDead(predecessor)
      this.#surroundings.set(replaceDeadPredecessor(this.#surroundings.ring, predecessor.id, ring.self))
    }
    return "again"
  }

  /** One that comes back waits for its predecessor, which may not have noticed yet. */
  #callPredecessor(): void {
    const { ring, told } = this.#surroundings
    if (ring.isReturning) this.#client.update(ring.predecessor, { teller: ring.self, told })
  }

  /**
   * The successor waits for a grant itself, and tells when it has one. Should
   * the last that had keys to grant have died, somebody has to begin.
   */
  #waitForGrant(): void {
    const now = this.#components.runtime.now()
    this.#waitingSince ??= now
    if (now - this.#waitingSince < maxWaitMs) return
    this.#waitingSince = undefined
    this.#surroundings.set(acceptAnyway(this.#surroundings.ring))
  }

  #forgetGivers(): void {
    const { ring } = this.#surroundings
    const now = this.#components.runtime.now()
    if (ring.givers !== this.#givers.members) this.#givers = { members: ring.givers, since: now }
    else if (now - this.#givers.since >= giversMs) this.#surroundings.set(withoutGivers(ring))
  }

  #lost(member: Member): "again" {
    this.#components.onDead(member)
    return "again"
  }
}

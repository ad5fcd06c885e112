/** Fills and refreshes the fingers, one at a time, at random within their intervals, the nearest by round-trip time first. */
import type { Formation } from "../../src/overlay/formation.ts"
import type { Id } from "../../src/overlay/id.ts"
import { isBetweenOrAt } from "../../src/overlay/id.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import { FingerTable } from "./fingers.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Knowledge } from "./next-hop.ts"
import { closestPreceding } from "./next-hop.ts"
import { findPlace } from "./place-finder.ts"

/** Between the first refreshments, after the join. */
const fillMs = 150
/** A finger is looked up anew each time that its turn has come so often; in between it is only asked whether it is there. */
const turnsPerSearch = 3
/** Candidates whose round-trip time is measured for one finger. */
const maxMeasured = 3

export interface FingerKeeperComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly client: NeighbourClient
  readonly knowledge: () => Knowledge | undefined
  /** Find out whether that peer is dead. */
  readonly suspect: (peerId: PeerId) => void
  /** How long until each finger should have been refreshed once. */
  readonly intervalMs: () => number
}

/** See the head of this file. */
export class FingerKeeper {
  readonly #components: FingerKeeperComponents
  readonly #table: FingerTable
  #members: readonly Member[] = []
  #next = 0
  #timer: Timer | undefined

  constructor(self: Id, size: number, components: FingerKeeperComponents) {
    this.#components = components
    this.#table = new FingerTable(self, size)
  }

  get members(): readonly Member[] {
    return this.#members
  }

  start(): void {
    this.#schedule(fillMs)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Takes a random founder from each interval; refreshing looks for nearer ones. */
  fill(formation: Formation): void {
    const knowledge = this.#components.knowledge()
    if (knowledge === undefined) return
    for (let index = this.#countWanted(knowledge) - 1; index >= 0; index--) {
      const target = this.#table.randomTarget(index, this.#components.runtime.random)
      const from = formation.members[formation.indexOf(target)]
      const member = from !== undefined && this.#table.fits(index, from) ? from : formation.members[formation.indexOf(this.#table.interval(index).from)]
      if (member !== undefined && this.#table.fits(index, member)) this.#table.set(index, member)
    }
    this.#members = this.#table.members
  }

  remove(member: Member): void {
    this.#table.remove(member.peerId)
    this.#members = this.#table.members
  }

  #schedule(delayMs: number): void {
    const { runtime } = this.#components
    this.#timer = runtime.setTimer(delayMs * (0.5 + runtime.random.float()), () => {
      void this.#refreshNext().then((wasEmpty) => {
        const knowledge = this.#components.knowledge()
        if (knowledge === undefined) return
        const wanted = Math.max(1, this.#countWanted(knowledge))
        this.#schedule(wasEmpty ? fillMs : Math.max(fillMs, this.#components.intervalMs() / (wanted * turnsPerSearch)))
      })
    })
  }

  /** Fingers that reach beyond the successor list; the nearer ones would name the same members. */
  #countWanted({ ring }: Knowledge): number {
    const last = ring.successors.at(-1)
    if (last === undefined || ring.successors.length < ring.maxSuccessors) return 0
    let wanted = 0
    while (wanted < this.#table.size && !isBetweenOrAt(ring.self.id, this.#table.interval(wanted).to, last.id)) wanted++
    return wanted
  }

  /** Refreshes one finger. True if it was empty before and has been filled. */
  async #refreshNext(): Promise<boolean> {
    const knowledge = this.#components.knowledge()
    // While the table names everybody, fingers would only repeat it.
    if (knowledge === undefined || knowledge.isTableComplete) return false
    const wanted = this.#countWanted(knowledge)
    if (wanted === 0) return false
    const turn = this.#next++
    const index = turn % wanted
    if ((Math.floor(turn / wanted) + index) % turnsPerSearch !== 0 && (await this.#isThere(index))) return false
    // This peer may have left while it asked.
    const present = this.#components.knowledge()
    if (present === undefined) return false
    const target = this.#table.randomTarget(index, this.#components.runtime.random)
    const starts = [...closestPreceding(present, target), ...present.ring.successors]
    const { client, suspect } = this.#components
    const result = await findPlace(client, target, starts, { isJoining: false })
    for (const peerId of result.failures.keys()) suspect(peerId)
    if (result.kind === "failed") return false
    const { member, told } = result.place
    const candidates = [member, ...told.successors].filter((each) => this.#table.fits(index, each))
    const before = this.#table.get(index)
    const best = await this.#nearest(before === undefined ? candidates : [before, ...candidates])
    this.#table.set(index, best)
    this.#members = this.#table.members
    return before === undefined && best !== undefined
  }

  /** One that is not makes room. */
  async #isThere(index: number): Promise<boolean> {
    const member = this.#table.get(index)
    if (member === undefined) return false
    if ((await this.#components.client.ping(member)).kind === "answered") return true
    this.remove(member)
    this.#components.suspect(member.peerId)
    return false
  }

  /** Proximity: the one with the shortest round trip, of those that answer now: one that did long ago may be dead by now. */
  async #nearest(candidates: readonly Member[]): Promise<Member | undefined> {
    const { rpc, client } = this.#components
    const unmeasured = candidates.filter(({ peerId }) => rpc.rttMs(peerId) === undefined)
    const answers = new Map<PeerId, boolean>()
    const isThere = async (member: Member): Promise<boolean> => {
      const known = answers.get(member.peerId)
      const isAnswering = known ?? (await client.ping(member)).kind === "answered"
      answers.set(member.peerId, isAnswering)
      return isAnswering
    }
    await Promise.all(unmeasured.slice(0, maxMeasured).map(isThere))
    const byRtt = candidates
      .map((member) => ({ member, rttMs: rpc.rttMs(member.peerId) ?? Infinity }))
      .filter(({ rttMs }) => rttMs < Infinity)
      .sort((a, b) => a.rttMs - b.rttMs)
    for (const { member } of byRtt.slice(0, maxMeasured)) {
      if (await isThere(member)) return member
      this.#components.suspect(member.peerId)
    }
    return undefined
  }
}

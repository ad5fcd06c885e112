/**
 * Brings rings together that formed apart: a healed partition, or two starts.
 *
 * Now and then a peer looks its own place up through the members that it lost
 * from sight. If one of them lives on another ring, the answer names neighbours
 * of whom this peer has never heard; stabilisation does the rest, and tables of
 * members that merge make it spread (the idea of Shafaat, Ghodsi and Haridi,
 * "Dealing with Network Partitions in Structured Overlay Networks", 2009).
 *
 * Whoever looks for a member tells its successor, and a peer that leaves both
 * its neighbours: the last one that knew of the other ring may be about to go.
 */
import type { PeerId } from "../../src/link/link.ts"
import { isBetween } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import { chordMethods, decodeMissed } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import { findPlace } from "./place-finder.ts"
import { isCandidate, successorOf } from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

/** Of each kind. */
const maxRemembered = 16
/** Of all that are to be tried, this part is tried at once, but a few at least. */
const shareAtOnce = 1 / 3
const leastAtOnce = 3
/** Whom others miss is looked for so often. */
const triesForOthers = 12
/** Named to the successor at once. */
const maxTold = 8

export interface ReunionComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly membership: Membership
  readonly stabilize: (hint?: Member) => void
}

/** Somebody lost from sight, and how often it was tried in vain. */
interface Missed {
  readonly member: Member
  tries: number
}

/** See the head of this file. */
export class Reunion {
  readonly #components: ReunionComponents
  readonly #intervalMs: number
  /** Through whom this peer joined; the one tried longest ago first, as below. */
  #contacts: Missed[] = []
  /** Neighbours that were found dead: the table of members may be off, or have forgotten them. */
  #lost: Missed[] = []
  /** Whom others have lost. */
  #heard: Missed[] = []
  #timer: Timer | undefined

  constructor(components: ReunionComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
    components.rpc.onNotification(chordMethods.missed, (from, body) => this.#hear(from, decodeMissed(body)))
  }

  remember(contacts: readonly Member[]): void {
    for (const member of contacts) {
      if (this.#contacts.length < maxRemembered && !has(this.#contacts, member)) this.#contacts.push({ member, tries: 0 })
    }
  }

  /** A member was found dead; perhaps only the way to it was cut. */
  lose(member: Member): void {
    this.#heard = without(this.#heard, member.peerId)
    this.#lost = [{ member, tries: 0 }, ...without(this.#lost, member.peerId)]
    if (this.#lost.length > maxRemembered) this.#forgetOneOf(this.#lost)
  }

  /** This peer leaves: others are to go on looking. */
  bequeath(heirs: readonly Member[]): void {
    const missed = [...this.#lost, ...this.#heard].slice(0, maxRemembered).map(({ member }) => member)
    if (missed.length > 0) for (const heir of heirs) this.#components.client.miss(heir, missed)
  }

  start(): void {
    const { runtime, surroundings } = this.#components
    this.#timer = runtime.setTimer(this.#intervalMs * (0.5 + runtime.random.float()), () => {
      const chosen = this.#choose()
      this.#tellSuccessor(chosen)
      void Promise.all(chosen.map((missed) => this.#reunite(missed))).then(() => {
        if (surroundings.isMember) this.start()
      })
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Neighbours alone are believed: whoever is named here is dialled. */
  #hear(from: PeerId, members: readonly Member[]): void {
    const { surroundings } = this.#components
    if (surroundings.find(from) === undefined) return
    for (const member of members) {
      if (member.id === surroundings.ring.self.id || has(this.#lost, member) || has(this.#heard, member)) continue
      this.#heard.unshift({ member, tries: 0 })
      if (this.#heard.length > maxRemembered) this.#forgetOneOf(this.#heard)
    }
  }

  /** The one that was tried most often: it is the least likely to live. */
  #forgetOneOf(list: Missed[]): void {
    const most = Math.max(...list.map(({ tries }) => tries))
    list.splice(list.findLastIndex(({ tries }) => tries === most), 1)
  }

  /** Those whose turn it is, of all that are out of sight. */
  #choose(): Missed[] {
    const { runtime, membership, surroundings } = this.#components
    this.#heard = this.#heard.filter(({ tries }) => tries < triesForOthers)
    const gone = [...membership.table.gone].filter(({ status }) => status === "dead").map(({ member }) => ({ member, tries: 0 }))
    const oneGone = gone.slice(runtime.random.uint32() % Math.max(1, gone.length)).slice(0, 1)
    const all = [...this.#lost, ...this.#heard, ...this.#contacts].filter(({ member }) => surroundings.find(member.peerId) === undefined)
    const atOnce = Math.max(leastAtOnce, Math.ceil(all.length * shareAtOnce))
    const turn = all.sort((a, b) => a.tries - b.tries).slice(0, atOnce)
    return [...turn, ...oneGone.filter(({ member }) => !has(turn, member))]
  }

  #tellSuccessor(missed: readonly Missed[]): void {
    const { client, surroundings } = this.#components
    const successor = successorOf(surroundings.ring)
    const members = missed.filter((one) => this.#lost.includes(one)).map(({ member }) => member)
    if (members.length > 0 && successor.id !== surroundings.ring.self.id) client.miss(successor, members.slice(0, maxTold))
  }

  async #reunite(missed: Missed): Promise<void> {
    const { client, membership, surroundings, stabilize } = this.#components
    const { self } = surroundings.ring
    const { member } = missed
    missed.tries++
    const result = await findPlace(client, self.id, [member], { isJoining: false })
    if (result.kind === "failed" || !surroundings.isMember) return
    const { place } = result
    for (const hint of [place.told.successors[0] ?? place.member, place.member]) {
      if (isCandidate(surroundings.ring, hint)) stabilize(hint)
    }
    // It may lie directly before this peer: tell it so.
    if (place.member.id !== self.id && isBetween(surroundings.ring.predecessor.id, place.member.id, self.id)) {
      client.update(place.member, { teller: self, told: surroundings.told })
    }
    await membership.exchange(place.member.id === self.id ? member : place.member)
  }
}

function has(list: readonly Missed[], { id }: Member): boolean {
  return list.some(({ member }) => member.id === id)
}

function without(list: readonly Missed[], peerId: PeerId): Missed[] {
  return list.filter(({ member }) => member.peerId !== peerId)
}

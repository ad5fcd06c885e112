/**
 * Brings rings together that formed apart: a healed partition, or two starts.
 *
 * Now and then a peer looks its own place up through the members that it lost
 * from sight (`src/overlay/missed-peers.ts`). If one of them lives on another ring, the answer names neighbours
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
import { MissedPeers } from "../../src/overlay/missed-peers.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import { chordMethods, decodeMissed } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import { findPlace } from "./place-finder.ts"
import { isCandidate, successorOf } from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

export interface ReunionComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly membership: Membership
  readonly stabilize: (hint?: Member) => void
}

/** See the head of this file. */
export class Reunion {
  readonly #components: ReunionComponents
  readonly #intervalMs: number
  readonly #missed: MissedPeers
  #timer: Timer | undefined

  constructor(components: ReunionComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
    this.#missed = new MissedPeers(components.runtime)
    components.rpc.onNotification(chordMethods.missed, (from, body) => this.#hear(from, decodeMissed(body)))
  }

  remember(contacts: readonly Member[]): void {
    this.#missed.remember(contacts)
  }

  /** A member was found dead; perhaps only the way to it was cut. */
  lose(member: Member): void {
    this.#missed.lose(member)
  }

  /** This peer leaves: others are to go on looking. */
  bequeath(heirs: readonly Member[]): void {
    const { bequest } = this.#missed
    if (bequest.length > 0) for (const heir of heirs) this.#components.client.miss(heir, bequest)
  }

  start(): void {
    const { runtime, surroundings } = this.#components
    this.#timer = runtime.setTimer(this.#intervalMs * (0.5 + runtime.random.float()), () => {
      const chosen = this.#choose()
      this.#tellSuccessor(chosen)
      void Promise.all(chosen.map((member) => this.#reunite(member))).then(() => {
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
    if (surroundings.find(from) !== undefined) this.#missed.hear(members.filter(({ id }) => id !== surroundings.ring.self.id))
  }

  /** Those whose turn it is. */
  #choose(): Member[] {
    const { membership, surroundings } = this.#components
    const gone = [...membership.table.gone].filter(({ status }) => status === "dead").map(({ member }) => member)
    return this.#missed.takeTurn(({ peerId }) => surroundings.find(peerId) !== undefined, gone)
  }

  #tellSuccessor(members: readonly Member[]): void {
    const { client, surroundings } = this.#components
    const successor = successorOf(surroundings.ring)
    const own = this.#missed.ownAmong(members)
    if (own.length > 0 && successor.id !== surroundings.ring.self.id) client.miss(successor, own)
  }

  async #reunite(member: Member): Promise<void> {
    const { client, membership, surroundings, stabilize } = this.#components
    const { self } = surroundings.ring
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

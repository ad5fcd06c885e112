/**
 * Brings rings together that formed apart: a healed partition, or two starts.
 *
 * Now and then a peer looks its own place up through a member that it lost from
 * sight. If that member lives on another ring, the answer names neighbours of
 * whom this peer has never heard; stabilisation does the rest, and tables of
 * members that merge make it spread (the idea of Shafaat, Ghodsi and Haridi,
 * "Dealing with Network Partitions in Structured Overlay Networks", 2009).
 */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { isBetween } from "../../src/overlay/id.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import { findPlace } from "./place-finder.ts"
import { isCandidate } from "./ring.ts"
import type { Surroundings } from "./surroundings.ts"

const maxRemembered = 16

export interface ReunionComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  readonly client: NeighbourClient
  readonly membership: Membership
  readonly stabilize: (hint?: Member) => void
}

/** See the head of this file. */
export class Reunion {
  readonly #components: ReunionComponents
  readonly #intervalMs: number
  /** Through whom this peer joined. */
  readonly #contacts: Member[] = []
  /** Neighbours that were found dead, the latest last: the table of members may be off, or have forgotten them. */
  readonly #lost: Member[] = []
  #timer: Timer | undefined

  constructor(components: ReunionComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
  }

  remember(contacts: readonly Member[]): void {
    for (const member of contacts) {
      if (this.#contacts.length < maxRemembered && !this.#contacts.some(({ id }) => id === member.id)) this.#contacts.push(member)
    }
  }

  /** A member was found dead; perhaps only the way to it was cut. */
  lose(member: Member): void {
    const known = this.#lost.findIndex(({ id }) => id === member.id)
    if (known >= 0) this.#lost.splice(known, 1)
    this.#lost.push(member)
    if (this.#lost.length > maxRemembered) this.#lost.shift()
  }

  start(): void {
    const { runtime, surroundings } = this.#components
    this.#timer = runtime.setTimer(this.#intervalMs * (0.5 + runtime.random.float()), () => {
      const member = this.#choose()
      const attempt = member === undefined ? Promise.resolve() : this.#reunite(member)
      void attempt.then(() => {
        if (surroundings.isMember) this.start()
      })
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** A member that is believed dead, or through whom this peer once joined: at random. */
  #choose(): Member | undefined {
    const { runtime, membership, surroundings } = this.#components
    const lost = [...membership.table.gone].filter(({ status }) => status === "dead").map(({ member }) => member)
    const choice = [...lost, ...this.#lost, ...this.#contacts].filter(({ peerId }) => surroundings.find(peerId) === undefined)
    return choice[runtime.random.uint32() % Math.max(1, choice.length)]
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

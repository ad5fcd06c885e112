/**
 * Brings overlays together that formed apart: a healed partition, or two starts.
 *
 * Now and then a peer looks its own place up through members that are out of
 * its sight (`src/overlay/missed-peers.ts`). If one of them lives in another
 * overlay, those there who belong beside this peer are met, and tables of
 * members are merged. Whoever looks for a member tells one of its siblings, and
 * a peer that leaves the closest two: the last one that knew of the other
 * overlay may be about to go.
 */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import { decodeMembers, kademliaMethods } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import type { Siblings } from "./siblings.ts"

export interface ReunionComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly client: NeighbourClient
  readonly siblings: Siblings
  readonly acquaintances: Acquaintances
  readonly membership: Membership
  readonly self: () => Member
}

/** So many of a stranger's closest members tell whether its overlay is this one. */
const probe = 4
/** Siblings that go on looking for whom a leaver misses. */
const maxHeirs = 2

/** See the head of this file. */
export class Reunion {
  readonly #components: ReunionComponents
  readonly #intervalMs: number
  #timer: Timer | undefined

  constructor(components: ReunionComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
    // Siblings alone are believed: whoever is named here is dialled.
    components.rpc.onNotification(kademliaMethods.missed, (from, body) => {
      const members = decodeMembers(body)
      const { siblings, acquaintances, self } = components
      if (siblings.find(from) !== undefined) acquaintances.missed.hear(members.filter(({ id }) => id !== self().id))
    })
  }

  start(contacts: readonly Member[]): void {
    this.#components.acquaintances.missed.remember(contacts)
    this.#repeat()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** This peer leaves: others are to go on looking. */
  bequeath(): void {
    const { acquaintances, client, siblings } = this.#components
    const { bequest } = acquaintances.missed
    if (bequest.length > 0) for (const heir of siblings.members.slice(0, maxHeirs)) client.miss(heir, bequest)
  }

  #repeat(): void {
    const { runtime, siblings } = this.#components
    this.#timer = runtime.setTimer(this.#intervalMs * (0.5 + runtime.random.float()), () => {
      void this.#lookForMissed().finally(() => {
        if (siblings.presence === "active") this.#repeat()
      })
    })
  }

  async #lookForMissed(): Promise<void> {
    const { runtime, client, acquaintances, membership, siblings, self } = this.#components
    const { id } = self()
    const gone = [...membership.table.gone].filter(({ status }) => status === "dead").map(({ member }) => member)
    const turn = acquaintances.missed.takeTurn((member) => member.id === id || siblings.find(member.peerId) !== undefined, gone)
    const own = acquaintances.missed.ownAmong(turn)
    // Another one each time: the two closest peers would tell but each other.
    const any = siblings.members[runtime.random.uint32() % Math.max(1, siblings.members.length)]
    if (any !== undefined && own.length > 0) client.miss(any, own)
    await Promise.all(turn.map((member) => this.#reunite(member)))
  }

  /** If it lives, it may live in an overlay of its own: those of its members that belong beside this peer are met. */
  async #reunite(member: Member): Promise<void> {
    const { client, acquaintances, membership, siblings, self } = this.#components
    const { id } = self()
    // Silence is no news here: nobody is told of it.
    const outcome = await client.find(member, { key: id, count: probe, asker: self() })
    if (siblings.presence !== "active" || outcome.kind !== "answered") return
    acquaintances.heard(member)
    // A member of the same overlay names those who are siblings here, and is not close itself.
    const isNew = (other: Member): boolean => siblings.wouldFit(other.id) && siblings.find(other.peerId) === undefined
    if (siblings.find(member.peerId) === undefined && !outcome.answer.some(isNew)) return
    const { closest } = await acquaintances.lookUp(id, [member])
    if (siblings.presence !== "active" || closest.length === 0) return
    for (const each of closest.slice(0, siblings.capacity)) if (siblings.wouldFit(each.id)) void acquaintances.announce(each)
    await membership.exchange(closest[0] ?? member)
  }
}

/**
 * Brings overlays together that formed apart: a healed partition, or two starts.
 *
 * Now and then a peer looks its own place up through members that are out of
 * its sight (`src/overlay/missed-peers.ts`). If one of them lives in another
 * overlay, the answer names those there who belong beside this peer: they are
 * met, and tables of members are merged. Whoever looks for a member tells the
 * leaf after it, and a peer that leaves both adjacent leaves: the last one that
 * knew of the other overlay may be about to go.
 */
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Membership } from "../../src/overlay/membership.ts"
import type { MissedPeers } from "../../src/overlay/missed-peers.ts"
import type { Outcome } from "../../src/overlay/peer-client.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { Acquaintances } from "./acquaintances.ts"
import type { FindAnswer } from "./messages.ts"
import { bambooMethods, decodeMembers } from "./messages.ts"
import type { NeighbourClient } from "./neighbour-client.ts"
import { findRoot } from "./search.ts"
import type { Surroundings } from "./surroundings.ts"

export interface ReunionComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly client: NeighbourClient
  readonly surroundings: Surroundings
  readonly acquaintances: Acquaintances
  readonly membership: Membership
  readonly self: () => Member
}

/** See the head of this file. */
export class Reunion {
  readonly #components: ReunionComponents
  readonly #missed: MissedPeers
  readonly #intervalMs: number
  #timer: Timer | undefined

  constructor(components: ReunionComponents, intervalMs: number) {
    this.#components = components
    this.#missed = components.acquaintances.missed
    this.#intervalMs = intervalMs
    // Leaves alone are believed: whoever is named here is dialled.
    components.rpc.onNotification(bambooMethods.missed, (from, body) => {
      const members = decodeMembers(body)
      const { surroundings, self } = components
      if (surroundings.find(from) !== undefined) this.#missed.hear(members.filter(({ id }) => id !== self().id))
    })
  }

  start(contacts: readonly Member[]): void {
    this.#missed.remember(contacts)
    this.#repeat()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** This peer leaves: these are to go on looking. */
  bequeath(heirs: ReadonlySet<Member>): void {
    const { bequest } = this.#missed
    if (bequest.length > 0) for (const heir of heirs) this.#components.client.miss(heir, bequest)
  }

  #repeat(): void {
    const { runtime, surroundings } = this.#components
    this.#timer = runtime.setTimer(this.#intervalMs * (0.5 + runtime.random.float()), () => {
      void this.#lookForMissed().finally(() => {
        if (surroundings.place !== undefined) this.#repeat()
      })
    })
  }

  async #lookForMissed(): Promise<void> {
    const { client, membership, surroundings, self } = this.#components
    const { id } = self()
    const gone = [...membership.table.gone].filter(({ status }) => status === "dead").map(({ member }) => member)
    const turn = this.#missed.takeTurn((member) => member.id === id || surroundings.find(member.peerId) !== undefined, gone)
    const own = this.#missed.ownAmong(turn)
    const [next] = surroundings.place?.leaves.after ?? []
    if (next !== undefined && own.length > 0) client.miss(next, own)
    await Promise.all(turn.map((member) => this.#lookFor(member)))
  }

  async #lookFor(member: Member): Promise<void> {
    const { acquaintances, membership, surroundings, self } = this.#components
    const { id } = self()
    const result = await findRoot((other) => this.#ask(other), id, [member])
    if (result.kind === "failed" || surroundings.place === undefined) return
    acquaintances.pursue([{ member: result.root, coordinate: undefined }, ...result.named].filter((each) => each.member.id !== id))
    await membership.exchange(result.root.id === id ? member : result.root)
  }

  /** The way to this peer's place. Silence is no news here: nobody else is told of it. */
  async #ask(member: Member): Promise<Outcome<FindAnswer>> {
    const { client, acquaintances, surroundings, self } = this.#components
    const { id } = self()
    if (member.id === id) return { kind: "answered", answer: { isRoot: true, named: acquaintances.named(surroundings.leaves) } }
    const outcome = await client.find(member, { key: id, isJoining: false })
    if (outcome.kind === "answered") acquaintances.heard(member)
    return outcome
  }
}

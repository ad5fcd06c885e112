/**
 * Bamboo as key-based routing: the parts put together, and what is done at
 * once when something happens.
 */
import type { Link, PeerAddress, PeerId } from "../../src/link/link.ts"
import { FailureWatch } from "../../src/overlay/failure-watch.ts"
import type { Formation } from "../../src/overlay/formation.ts"
import { formationOf } from "../../src/overlay/formation.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { KeyBasedRouting, KeyRange, Member, RoutingChange } from "../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import { Membership } from "../../src/overlay/membership.ts"
import { RoutingListeners } from "../../src/overlay/routing-listeners.ts"
import type { Rpc } from "../../src/overlay/rpc.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { PeerInfo } from "../../src/servlet/types.ts"
import { Acquaintances } from "./acquaintances.ts"
import { Answers } from "./answers.ts"
import { joinOverlay } from "./joining.ts"
import { leavesOf } from "./leaf-set.ts"
import { NeighbourClient } from "./neighbour-client.ts"
import type { Knowledge } from "./next-hop.ts"
import * as choices from "./next-hop.ts"
import type { BambooOptions, BambooSettings } from "./options.ts"
import { bambooSettings } from "./options.ts"
import { found, foundAmong, isResponsible } from "./place.ts"
import { Reunion } from "./reunion.ts"
import type { SurroundingsChange } from "./surroundings.ts"
import { Surroundings } from "./surroundings.ts"
import { Upkeep } from "./upkeep.ts"

export interface BambooComponents {
  readonly runtime: Runtime
  readonly link: Link
  readonly rpc: Rpc
  /** The peers that start an overlay together, for a join without bootstrap peers. */
  readonly founders?: readonly PeerAddress[]
}

/** See the head of this file. */
export class BambooRouting implements KeyBasedRouting {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #settings: BambooSettings
  readonly #founders: readonly PeerAddress[] | undefined
  readonly #surroundings: Surroundings
  readonly #client: NeighbourClient
  readonly #membership: Membership
  readonly #failures: FailureWatch
  readonly #acquaintances: Acquaintances
  readonly #upkeep: Upkeep
  readonly #reunion: Reunion
  readonly #listeners: RoutingListeners
  readonly #removeLinkListener: () => void

  constructor({ runtime, link, rpc, founders }: BambooComponents, options: BambooOptions = {}) {
    this.#runtime = runtime
    this.#link = link
    this.#founders = founders
    this.#settings = bambooSettings(options)
    this.#listeners = new RoutingListeners(runtime)
    this.#surroundings = new Surroundings((change) => this.#onSurroundings(change))
    this.#client = new NeighbourClient({ runtime, rpc })
    this.#membership = new Membership({ runtime, rpc }, this.self, this.#settings.membership)
    this.#failures = new FailureWatch(runtime.now())
    const shared = {
      runtime, rpc, client: this.#client, surroundings: this.#surroundings, membership: this.#membership,
      failures: this.#failures,
      self: () => this.self,
      knowledge: () => this.#knowledge,
    }
    this.#acquaintances = new Acquaintances(shared)
    const acquaintances = this.#acquaintances
    this.#upkeep = new Upkeep({ ...shared, acquaintances }, this.#settings)
    this.#reunion = new Reunion({ ...shared, acquaintances }, this.#settings.reunionMs)
    new Answers(rpc, { ...shared, acquaintances })
    this.#membership.onChange(({ member, status }) => {
      if (status === "alive") acquaintances.hearAlive(member)
      else if (this.#surroundings.find(member.peerId) !== undefined) acquaintances.suspect(member.peerId, "others")
    })
    this.#removeLinkListener = link.onPeer(({ name, peerId }) => {
      if (name === "down" && this.#surroundings.find(peerId) !== undefined) acquaintances.suspect(peerId)
    })
  }

  get self(): Member {
    return memberOf(this.#link.self)
  }

  async join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void> {
    const { self } = this
    if (bootstrap.length === 0 && this.#founders !== undefined) return this.#takePlace(formationOf(this.#founders))
    const contacts = bootstrap.filter(({ id }) => id !== self.id)
    if (contacts.length === 0) {
      this.#surroundings.set(found(self.id, this.#settings.leavesPerSide))
      this.#begin(self, [])
      return
    }
    const components = { runtime: this.#runtime, surroundings: this.#surroundings, acquaintances: this.#acquaintances, self }
    await joinOverlay(components, contacts, this.#settings, signal)
    this.#begin(self, contacts)
  }

  async leave(): Promise<void> {
    if (this.#surroundings.place !== undefined) {
      this.#membership.leave()
      this.#upkeep.stop()
      this.#reunion.stop()
      const { after, before } = this.#surroundings.place.leaves
      this.#reunion.bequeath(new Set([...after.slice(0, 1), ...before.slice(0, 1)]))
      await this.#sayFarewell()
    }
    this.stop()
  }

  stop(): void {
    this.#client.stop()
    this.#surroundings.set(undefined)
    this.#membership.stop()
    this.#upkeep.stop()
    this.#reunion.stop()
    this.#acquaintances.stop()
    this.#removeLinkListener()
  }

  isResponsible(key: Id): boolean {
    const { place } = this.#surroundings
    return place !== undefined && isResponsible(place, key)
  }

  ranges(): readonly KeyRange[] {
    return this.#surroundings.ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    const knowledge = this.#knowledge
    return knowledge === undefined ? undefined : choices.nextHop(knowledge, key, excluded)
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    const knowledge = this.#knowledge
    return knowledge === undefined ? [] : choices.replicaSet(knowledge, key, count)
  }

  replicas(count: number): readonly Member[] {
    const { place } = this.#surroundings
    return place === undefined ? [] : leavesOf(place.leaves, count - 1)
  }

  neighbours(): readonly Member[] {
    return this.#surroundings.neighbours
  }

  suspect(peerId: PeerId): void {
    this.#acquaintances.suspect(peerId)
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  describe(): { readonly peersKnown: number; readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>> } {
    const { leaves, place } = this.#surroundings
    const prefixes = this.#acquaintances.prefixes.members
    const known = new Set([...leaves, ...prefixes, ...this.#membership.table.alive].map(({ id }) => id))
    known.delete(this.self.id)
    const { after = [], before = [] } = place?.leaves ?? {}
    return { peersKnown: known.size, neighbours: { before, after, prefixes } }
  }

  get #knowledge(): Knowledge | undefined {
    const { place, leaves } = this.#surroundings
    if (place === undefined) return undefined
    return {
      self: this.self, place, leaves,
      prefixes: this.#acquaintances.prefixes,
      table: this.#membership.table,
      isTableComplete: this.#membership.isComplete,
      isDoubtful: (peerId) => this.#acquaintances.lost.isDoubtful(peerId),
    }
  }

  #begin(self: Member, contacts: readonly Member[]): void {
    if (contacts.length === 0) this.#membership.start(self, true)
    else this.#membership.startCautiously(self, this.#surroundings.estimateSize())
    const [closest] = this.#surroundings.leaves
    if (closest !== undefined) void this.#membership.fill(closest)
    this.#upkeep.start()
    this.#reunion.start(contacts)
  }

  /** All founders know all others: leaf sets and tables are right from the start. */
  #takePlace(formation: Formation): void {
    const self = formation.members[formation.indexOf(this.self.id)] ?? this.self
    const { leavesPerSide } = this.#settings
    const near = [1, -1].flatMap((step) => formation.neighboursOf(self.id, leavesPerSide, step === 1 ? 1 : -1))
    this.#surroundings.set(foundAmong(self.id, leavesPerSide, near))
    this.#membership.startAmong(formation.members)
    this.#upkeep.start()
    this.#reunion.start([])
    if (!this.#membership.isComplete) this.#upkeep.fill(formation)
  }

  /** Stops answering for keys, and tells all that list this peer. */
  async #sayFarewell(): Promise<void> {
    const { leaves } = this.#surroundings
    const farewell = { teller: this.self, statement: this.#acquaintances.statementFor("") }
    this.#surroundings.set(undefined)
    await Promise.all(leaves.map((leaf) => this.#client.leave(leaf, farewell)))
  }

  #onSurroundings(change: SurroundingsChange): void {
    this.#failures.sawNeighbours(this.#runtime.now(), this.#surroundings.leaves.map(({ peerId }) => peerId))
    if (change === "ownership") this.#listeners.tell()
    else this.#listeners.tellSoon()
    this.#acquaintances.settle()
  }
}

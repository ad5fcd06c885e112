/**
 * Kademlia as key-based routing: the parts put together, and what is done at
 * once when something happens.
 */
import type { Link, PeerAddress, PeerId } from "../../src/link/link.ts"
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
import { NeighbourClient } from "./neighbour-client.ts"
import type { KademliaOptions, KademliaSettings } from "./options.ts"
import { kademliaSettings } from "./options.ts"
import { Reunion } from "./reunion.ts"
import type { SiblingChange } from "./siblings.ts"
import { Siblings } from "./siblings.ts"
import { Upkeep } from "./upkeep.ts"
import { closestInOrder, closestOf, isCloser, selectClosest } from "./xor.ts"

export interface KademliaComponents {
  readonly runtime: Runtime
  readonly link: Link
  readonly rpc: Rpc
  /** The peers that start the overlay together; see `RoutingContext`. */
  readonly founders?: readonly PeerAddress[]
}

/** Siblings that have to know a joiner before it answers for its keys, and who may hold copies of them. */
const minNeighbours = 8
/** Members between this peer and a key: whoever is farther away keeps answers as if no more were. */
const maxCounted = 64
/** Each arc is compared with each neighbour: few of them, if need be with somebody else's keys in them. */
const maxArcs = 4

/** See the head of this file. */
export class KademliaRouting implements KeyBasedRouting {
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #founders: readonly PeerAddress[] | undefined
  readonly #settings: KademliaSettings
  readonly #siblings: Siblings
  readonly #client: NeighbourClient
  readonly #membership: Membership
  readonly #acquaintances: Acquaintances
  readonly #upkeep: Upkeep
  readonly #reunion: Reunion
  readonly #listeners: RoutingListeners
  readonly #removeLinkListener: () => void
  #isSearching = false

  constructor({ runtime, link, rpc, founders }: KademliaComponents, options: KademliaOptions = {}) {
    this.#runtime = runtime
    this.#link = link
    this.#founders = founders
    this.#listeners = new RoutingListeners(runtime)
    this.#settings = kademliaSettings(options)
    const siblingOptions = { maxSiblings: this.#settings.siblings, minNeighbours, maxArcs }
    this.#siblings = new Siblings(this.self.id, siblingOptions, (change) => this.#onSiblings(change))
    this.#client = new NeighbourClient({ runtime, rpc })
    this.#membership = new Membership({ runtime, rpc }, this.self, this.#settings.membership)
    const shared = {
      runtime, rpc, client: this.#client, siblings: this.#siblings, membership: this.#membership, self: () => this.self,
    }
    this.#acquaintances = new Acquaintances(shared, this.#settings)
    const acquaintances = this.#acquaintances
    this.#upkeep = new Upkeep({ ...shared, acquaintances }, this.#settings)
    this.#reunion = new Reunion({ ...shared, acquaintances }, this.#settings.reunionMs)
    new Answers(rpc, { siblings: this.#siblings, acquaintances })
    this.#membership.onChange(({ member, status }) => {
      if (status === "alive") acquaintances.hearAlive(member)
      else if (this.#siblings.find(member.peerId) !== undefined) acquaintances.suspect(member.peerId)
    })
    this.#removeLinkListener = link.onPeer(({ name, peerId }) => {
      if (name === "down" && this.#siblings.find(peerId) !== undefined) acquaintances.suspect(peerId)
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
      this.#siblings.begin()
      this.#siblings.activate([])
      this.#begin(self, [])
      return
    }
    const components = { runtime: this.#runtime, siblings: this.#siblings, acquaintances: this.#acquaintances, self }
    const settings = { joinTimeoutMs: this.#settings.joinTimeoutMs, minNeighbours }
    await joinOverlay(components, contacts, settings, signal)
    this.#begin(self, contacts)
  }

  completed(): void {
    if (this.#siblings.isComplete) return
    this.#siblings.complete()
    this.#upkeep.tellAll()
  }

  async leave(): Promise<void> {
    if (this.#siblings.presence !== "absent") {
      this.#membership.leave()
      this.#upkeep.stop()
      this.#reunion.stop()
      this.#reunion.bequeath()
      await this.#sayFarewell()
    }
    this.stop()
  }

  stop(): void {
    this.#client.stop()
    this.#siblings.end()
    this.#membership.stop()
    this.#upkeep.stop()
    this.#reunion.stop()
    this.#removeLinkListener()
  }

  isResponsible(key: Id): boolean {
    return this.#siblings.isResponsible(key)
  }

  ranges(): readonly KeyRange[] {
    return this.#siblings.ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    if (this.#siblings.presence === "absent" || this.isResponsible(key)) return undefined
    const next = this.#acquaintances.next(key, excluded)
    // The one whom this peer would have named is silent, or nobody nearer is known: look who is there, for the next time.
    const isProgress = next !== undefined && isCloser(key, next.id, this.self.id)
    if (!isProgress || (excluded !== undefined && excluded.size > 0)) this.#search(key)
    return next
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    if (this.#siblings.presence !== "active") return []
    const { self } = this
    if (this.isResponsible(key)) return selectClosest(key, [self, ...this.#siblings.members], count)
    if (this.#membership.isComplete) return closestInOrder(key, this.#membership.table.alive, count)
    return closestOf(key, [self, ...this.#acquaintances.closest(key, count)], count)
  }

  countNearer(key: Id): number {
    const { id } = this.self
    return this.#acquaintances.closest(key, maxCounted).filter((member) => isCloser(key, member.id, id)).length
  }

  replicas(count: number): readonly Member[] {
    return this.#siblings.presence === "active" ? this.#siblings.nearest(count - 1) : []
  }

  neighbours(): readonly Member[] {
    return this.#siblings.neighbours
  }

  suspect(peerId: PeerId): void {
    this.#acquaintances.suspect(peerId)
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  describe(): { readonly peersKnown: number; readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>> } {
    const siblings = this.#siblings.members
    const contacts = [...this.#acquaintances.contacts]
    const known = new Set([...siblings, ...contacts, ...this.#membership.table.alive].map(({ id }) => id))
    known.delete(this.self.id)
    return { peersKnown: known.size, neighbours: { siblings, contacts } }
  }

  #begin(self: Member, contacts: readonly Member[]): void {
    this.#membership.start(self, contacts.length === 0)
    const [closest] = this.#siblings.members
    if (closest !== undefined) void this.#membership.fill(closest)
    this.#upkeep.start()
    this.#reunion.start(contacts)
  }

  /** All founders know all others: siblings, table and buckets are right from the start. */
  #takePlace({ members }: Formation): void {
    const { id } = this.self
    this.#siblings.begin()
    // The peer itself is the closest, and passed over.
    for (const member of closestInOrder(id, members, this.#settings.siblings + 1)) this.#siblings.add(member)
    this.#siblings.activate([])
    this.#membership.startAmong(members)
    this.#upkeep.start()
    this.#reunion.start([])
    if (!this.#membership.isComplete) this.#acquaintances.fill(members)
  }

  /** Stops answering for keys, and tells all that list this peer. */
  async #sayFarewell(): Promise<void> {
    const { members } = this.#siblings
    const leaver = this.self
    this.#siblings.end()
    await Promise.all(members.map((member) => this.#client.leave(member, { leaver, members })))
  }

  #search(key: Id): void {
    // Who is no member yet asks as one that begins to join: those that have heard its announcement would forget it again.
    if (this.#isSearching || this.#membership.isComplete || this.#siblings.presence !== "active") return
    this.#isSearching = true
    void this.#acquaintances.lookUp(key).finally(() => {
      this.#isSearching = false
    })
  }

  #onSiblings(change: SiblingChange): void {
    this.#upkeep.hasten()
    if (change === "ownership") this.#listeners.tell()
    else this.#listeners.tellSoon()
  }
}

/**
 * The ring of the mesh as key-based routing: a node answers for the keys from
 * its own address up to its right neighbour's.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { KeyBasedRouting, KeyRange, Member, RoutingChange } from "../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import { RoutingListeners } from "../../src/overlay/routing-listeners.ts"
import { pause } from "../../src/runtime/pause.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { PeerInfo } from "../../src/servlet/types.ts"
import type { Address } from "./address.ts"
import { addressOfId, addressOfPeer, clockwise, peerIdOf } from "./address.ts"
import { noNeighbours } from "./mesh-link.ts"
import type { MeshLink } from "./mesh-link.ts"
import type { SsrSettings } from "./options.ts"
import { keysFrom } from "./responsibility.ts"
import type { RingPlaces } from "./ring.ts"
import type { Tenure } from "./tenure.ts"
import { hasGrown } from "./tenure.ts"

const noRanges: readonly KeyRange[] = []
const nobody: readonly Member[] = []
/** A place that has been the same for so long, in rounds, is taken for the right one. */
const settleRounds = 0.6
/** The first node on the line waits so long, in rounds, for one that has keys already. */
const foundRounds = 20
/** Nodes on either side that may hold copies of what a node answered for that is gone. */
const witnessCount = 8

/** See the head of this file. */
export class SsrRouting implements KeyBasedRouting {
  readonly self: Member
  readonly #runtime: Runtime
  readonly #link: MeshLink
  readonly #settings: SsrSettings
  readonly #listeners: RoutingListeners
  readonly #removeListener: () => void
  #isMember = false
  #ranges = noRanges
  #neighbours = nobody
  /** Whom to ask once, besides those that are near: these may all have come at the same time, and have nothing. */
  #witnesses = nobody
  /** Which keys this node answered for when it last looked. */
  #tenure: Tenure | undefined
  #places: RingPlaces = {}
  #changedAt = 0

  constructor(components: { readonly runtime: Runtime; readonly link: MeshLink }, settings: SsrSettings) {
    this.#runtime = components.runtime
    this.#link = components.link
    this.#settings = settings
    this.self = memberOf(components.link.self)
    this.#listeners = new RoutingListeners(components.runtime)
    this.#removeListener = components.link.onRing(() => this.#onRing())
  }

  async join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void> {
    const contacts = bootstrap.filter(({ peerId }) => addressOfPeer(peerId) !== this.#link.node.address)
    this.#link.enter(contacts)
    this.#witnesses = contacts.map(({ peerId }) => memberAt(addressOfPeer(peerId)))
    if (contacts.length > 0 || (await this.#hearsAnybody(signal))) await this.#placed(contacts, signal)
    this.#isMember = true
    this.#link.node.serve()
    this.#takeOver()
    this.#onRing()
  }

  async leave(): Promise<void> {
    // Whoever has agreed with a node that is not yet a member waits for it to answer for keys.
    this.#link.node.sayFarewell()
    this.stop()
  }

  stop(): void {
    this.#removeListener()
    this.#isMember = false
    this.#ranges = noRanges
    this.#neighbours = nobody
    this.#link.exit()
  }

  isResponsible(key: Id): boolean {
    const { address, tenure } = this.#link.node
    if (tenure === undefined) return false
    return tenure.end === address || clockwise(address, addressOfId(key)) < clockwise(address, tenure.end)
  }

  ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined {
    const address = addressOfId(key)
    const { node } = this.#link
    if (this.isResponsible(key)) return undefined
    const isExcluded = excluded === undefined ? undefined : (other: Address): boolean => excluded.has(peerIdOf(other))
    const nearer = node.cache.towards(address, clockwise(node.address, address), isExcluded)
    return nearer === undefined ? undefined : memberAt(nearer)
  }

  replicaSet(key: Id, count: number): readonly Member[] {
    if (!this.#isMember) return []
    const owner = this.isResponsible(key) ? this.self : this.nextHop(key)
    const others = this.#neighbours.filter(({ id }) => id !== owner?.id)
    return [...(owner === undefined ? [] : [owner]), ...others].slice(0, count)
  }

  replicas(count: number): readonly Member[] {
    return this.#neighbours.slice(0, count - 1)
  }

  neighbours(): readonly Member[] {
    return this.#neighbours
  }

  suspect(peerId: PeerId): void {
    this.#link.node.suspect(addressOfPeer(peerId))
  }

  onChange(listener: (change: RoutingChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  describe(): { readonly peersKnown: number; readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>> } {
    const { left, right } = this.#link.node.places
    const info = (address: Address | undefined): PeerInfo[] => (address === undefined ? [] : [memberAt(address)])
    return { peersKnown: this.#link.node.cache.size, neighbours: { left: info(left), right: info(right) } }
  }

  /** Listens for neighbours: a node in the middle of a mesh does not begin with one of its own. */
  async #hearsAnybody(signal: AbortSignal): Promise<boolean> {
    const giveUpAt = this.#runtime.now() + this.#link.listenMs
    while (!this.#link.hasNeighbours) {
      if (this.#runtime.now() >= giveUpAt) return false
      await this.#pause(this.#link.listenMs / 8, signal)
    }
    return true
  }

  /**
   * Resolves once both neighbours on the ring have agreed, the left one has drawn back, and no others have come up for a moment.
   * Where nobody has keys yet, the first node on the line begins.
   */
  async #placed(contacts: readonly Member[], signal: AbortSignal): Promise<void> {
    const { address } = this.#link.node
    const settleMs = settleRounds * this.#settings.minStabilizeMs
    const foundMs = foundRounds * this.#settings.minStabilizeMs
    const giveUpAt = this.#runtime.now() + this.#settings.joinTimeoutMs
    for (;;) {
      await this.#pause(settleMs / 6, signal)
      const { left, right, given } = this.#link.node.places
      const now = this.#runtime.now()
      const quietMs = given !== undefined ? settleMs : left !== undefined && left > address ? foundMs : Infinity
      if (left !== undefined && right !== undefined && now >= this.#changedAt + quietMs) return
      if (now < giveUpAt) continue
      // Neighbours without a place are better than none: there may be nobody else to wait for.
      if (contacts.length === 0) return
      await this.leave()
      throw noNeighbours(contacts)
    }
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await pause(this.#runtime, delayMs, signal)
    if (!signal.aborted) return
    await this.leave()
    signal.throwIfAborted()
  }

  /**
   * For a moment all that this node was given, or took over, is its own: whom it would have to ask about the keys that it gives
   * on at once is what the next node will ask this one.
   */
  #takeOver(): void {
    const { address, near, tenure } = this.#link.node
    if (tenure === undefined || tenure.end === tenure.limit) return
    this.#neighbours = this.#withWitnesses(near)
    this.#ranges = [keysFrom(address, tenure.limit)]
    this.#listeners.tell()
  }

  #onRing(): void {
    const { address: own, cache, near, places, tenure } = this.#link.node
    if (places !== this.#places) this.#changedAt = this.#runtime.now()
    this.#places = places
    if (!this.#isMember || tenure === undefined) return
    const hasInherited = this.#tenure !== undefined && hasGrown(own, this.#tenure, tenure)
    this.#tenure = tenure
    if (hasInherited) {
      // Those that hold copies for a node that is gone were near it once; others may have come between since.
      this.#witnesses = [...new Set(cache.nearest(witnessCount))].map(memberAt)
      this.#takeOver()
    }
    // Not only the two that have agreed: where several came at once, none of these may have held a record yet.
    this.#neighbours = this.#withWitnesses(near)
    const [range] = this.#ranges
    const owned = keysFrom(own, tenure.end)
    if (range === undefined || owned.from !== range.from || owned.to !== range.to) this.#ranges = [owned]
    this.#listeners.tell()
  }

  /** Once is enough: who is owed an answer is asked, in sight or not. */
  #withWitnesses(near: readonly Address[]): readonly Member[] {
    const members = near.map(memberAt)
    const others = this.#witnesses.filter(({ id }) => members.every((member) => member.id !== id))
    this.#witnesses = nobody
    return [...members, ...others]
  }
}

function memberAt(address: Address): Member {
  return memberOf({ peerId: peerIdOf(address), addresses: [] })
}

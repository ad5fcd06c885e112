/**
 * Neighbours on a network where any peer could reach any other: a few links
 * that each peer chooses, so that the mesh stays connected when some are lost.
 */
import { ByteReader } from "../../src/codec.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { Link, PeerAddress, PeerId } from "../../src/link/link.ts"
import { channels } from "../../src/link/link.ts"
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { NetworkNeighbour } from "../../src/servlet/index.ts"
import type { Address } from "./address.ts"
import { addressOfPeer, peerIdOf } from "./address.ts"
import { Acquaintances } from "./acquaintances.ts"
import type { Hello, HelloKind } from "./hello.ts"
import { decodeHello, encodeHello, helloKinds, isHello, maxOthers } from "./hello.ts"
import { MissedNodes } from "./missed.ts"
import type { LinkEvent, Mesh } from "./neighbourhood.ts"

export interface WiredOptions {
  /**
   * Links that a peer looks for; it grants others up to four times as many, those who have fewer than it wants up to eight times, and those
   * of other meshes up to nine times.
   */
  readonly wiredLinks: number
}

interface WiredLink {
  readonly peer: PeerAddress
  heardAt: number
  doubtedAt: number
  /** When it was sent the first packet since it was last heard. */
  sentAt: number
  /** Since it was last heard: another connection takes its time. */
  hasBroken: boolean
  /** Nothing goes by way of one that does not answer while it has time to be heard again. */
  isUp: boolean
}

function newLink(peer: PeerAddress, now: number): WiredLink {
  return { peer, heardAt: now, doubtedAt: -Infinity, sentAt: -Infinity, hasBroken: false, isUp: true }
}

function heard(link: WiredLink, now: number): void {
  link.heardAt = now
  link.hasBroken = false
  link.isUp = true
}

/** Time between two rounds of asking whether the links still are. */
const helloMs = 10_000
/** Who was asked so long ago may still answer. */
const askedMs = 3.5 * helloMs
/** A peer that is asked has so long to answer, and as long once more when it is doubted. */
const doubtMs = 3_000
/** For so long, while it is doubted, packets still go that way. */
const trustMs = 1_000
/** Many may doubt it at once. */
const doubtAgainMs = 500
/** Whoever is sent packets says something sooner or later. Before a request is repeated for the second time, whether it went to a dead peer is to be known. */
const silenceMs = 400
const grantFactor = 4
/** Were there no more for those who have few, peers that all have links to each other would let nobody in. */
const poorFactor = 8
/** And were there none left for those that come from another mesh, two meshes that have met would stay two. */
const strayFactor = 9

/** See the head of this file. */
export class Wired implements Mesh {
  readonly self: Address
  readonly isLossy = false
  readonly listenMs = 0
  readonly #runtime: Runtime
  readonly #link: Link
  readonly #wanted: number
  readonly #links = new Map<Address, WiredLink>()
  readonly #acquaintances = new Acquaintances()
  readonly #missed = new MissedNodes()
  readonly #asked: Recent<PeerId>
  #leadsTo: (address: Address) => Promise<boolean> = () => Promise.resolve(true)
  #packetHandler: (neighbour: Address, packet: Uint8Array) => void = () => undefined
  #linkListener: (event: LinkEvent) => void = () => undefined
  #removeListener: (() => void) | undefined
  #timer: Timer | undefined

  constructor(components: { readonly runtime: Runtime; readonly link: Link }, options: WiredOptions) {
    this.#runtime = components.runtime
    this.#link = components.link
    this.#wanted = options.wiredLinks
    this.#asked = new Recent(components.runtime, { lifeMs: askedMs })
    this.self = addressOfPeer(components.link.self.peerId)
  }

  get addresses(): readonly string[] {
    return this.#link.self.addresses
  }

  get maxPacketBytes(): number {
    return this.#link.maxFrameBytes
  }

  get usualPacketBytes(): number {
    return this.#link.maxFrameBytes
  }

  describe(): readonly NetworkNeighbour[] {
    const now = this.#runtime.now()
    return [...this.#links].map(([address, { peer, heardAt, isUp }]) => ({
      peerId: peerIdOf(address), on: "wire", at: peer.peerId, isUp, cost: 1, silentMs: now - heardAt,
    }))
  }

  open(): Promise<void> {
    return this.#link.start()
  }

  async close(): Promise<void> {
    await this.#link.stop()
  }

  /** Takes over the overlay's channel, and asks these peers to be neighbours. */
  start(contacts: readonly PeerAddress[]): void {
    this.#link.onFrame(channels.overlay, (from, frame) => this.#onFrame(from, frame))
    this.#removeListener = this.#link.onPeer(({ name, peerId }) => {
      if (name === "down") this.#onBreak(addressOfPeer(peerId))
    })
    for (const contact of contacts) {
      this.#acquaintances.add(contact)
      this.#missed.add(contact)
      this.#ask(contact)
    }
    this.#helloLater()
  }

  /** Tells the neighbours, and hears nothing more. */
  stop(): void {
    for (const { peer } of this.#links.values()) this.#say(helloKinds.no, peer.peerId)
    this.#links.clear()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#removeListener?.()
    this.#link.onFrame(channels.overlay, () => undefined)
  }

  *neighbours(): IterableIterator<Address> {
    for (const [address, { isUp }] of this.#links) if (isUp) yield address
  }

  isNeighbour(address: Address): boolean {
    return this.#links.get(address)?.isUp === true
  }

  send(neighbour: Address, packet: Uint8Array): boolean {
    const link = this.#links.get(neighbour)
    if (link?.isUp !== true) return false
    const now = this.#runtime.now()
    if (link.sentAt <= link.heardAt) link.sentAt = now
    else if (now >= link.sentAt + silenceMs) this.doubt(neighbour)
    return this.#link.send(link.peer.peerId, channels.overlay, packet)
  }

  onPacket(handler: (neighbour: Address, packet: Uint8Array) => void): void {
    this.#packetHandler = handler
  }

  onLink(listener: (event: LinkEvent) => void): void {
    this.#linkListener = listener
  }

  onSearch(leadsTo: (address: Address) => Promise<boolean>): void {
    this.#leadsTo = leadsTo
  }

  #onFrame(from: PeerId, frame: Uint8Array): void {
    const address = addressOfPeer(from)
    if (!isHello(frame)) {
      const link = this.#links.get(address)
      if (link === undefined) return this.#count("not a neighbour")
      const wasUp = link.isUp
      heard(link, this.#runtime.now())
      if (!wasUp) this.#linkListener({ name: "up", neighbour: address })
      return this.#packetHandler(address, frame)
    }
    try {
      this.#onHello(from, decodeHello(new ByteReader(frame)))
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#count("malformed")
    }
  }

  #onHello(from: PeerId, { kind, addresses, others }: Hello): void {
    const peer = { peerId: from, addresses }
    const address = addressOfPeer(from)
    if (kind === helloKinds.silent) {
      if (!this.#links.has(address)) return this.#count("not a neighbour")
      return others.forEach(({ peerId }) => this.doubt(addressOfPeer(peerId)))
    }
    this.#acquaintances.add(peer)
    for (const other of others) if (other.peerId !== this.#link.self.peerId) this.#acquaintances.add(other)
    switch (kind) {
      // Who asks names others that it has links to.
      case helloKinds.ask: return this.#grant(peer, others.length < Math.min(this.#wanted, maxOthers) ? poorFactor : grantFactor)
      case helloKinds.seek: return this.#grant(peer, strayFactor)
      // Who was not asked has no answer: links are granted, not taken.
      case helloKinds.yes: return this.#asked.has(from) ? this.#raise(address, peer) : this.#count("not asked")
      case helloKinds.no: {
        this.#drop(address)
        this.#acquaintances.refused(from)
      }
    }
  }

  #grant(peer: PeerAddress, factor: number): void {
    const address = addressOfPeer(peer.peerId)
    const isGranted = this.#links.has(address) || this.#links.size < factor * this.#wanted
    this.#link.learn(peer)
    this.#say(isGranted ? helloKinds.yes : helloKinds.no, peer.peerId)
    if (isGranted) this.#raise(address, peer)
  }

  #raise(address: Address, peer: PeerAddress): void {
    this.#missed.delete(peer.peerId)
    const known = this.#links.get(address)
    if (known === undefined) this.#links.set(address, newLink(peer, this.#runtime.now()))
    else heard(known, this.#runtime.now())
    this.#linkListener({ name: "up", neighbour: address })
  }

  /** A connection broke, or nothing is answered, or a neighbour says so: another connection may be made, or the peer is dead. */
  doubt(address: Address): void {
    const link = this.#links.get(address)
    const doubtedAt = this.#runtime.now()
    if (link === undefined || doubtedAt < link.doubtedAt + doubtAgainMs) return
    link.doubtedAt = doubtedAt
    this.#say(helloKinds.ask, link.peer.peerId)
    const ifSilentFor = (afterMs: number, then: () => void): void => {
      this.#runtime.setTimer(afterMs, () => {
        if (this.#links.get(address) === link && link.heardAt < doubtedAt) then()
      })
    }
    ifSilentFor(trustMs, () => {
      if (!link.hasBroken) this.#mistrust(address, link)
    })
    ifSilentFor(doubtMs, () => this.#lose(address, link))
  }

  #onBreak(address: Address): void {
    const link = this.#links.get(address)
    if (link !== undefined) link.hasBroken = true
    this.doubt(address)
  }

  #mistrust(address: Address, link: WiredLink): void {
    if (!link.isUp) return
    link.isUp = false
    this.#linkListener({ name: "down", neighbour: address })
  }

  /** It has fallen silent: dead, or cut off with others. Each of its neighbours would have to find out by itself, and lose packets until then. */
  #lose(address: Address, { peer }: WiredLink): void {
    this.#missed.add(peer)
    this.#drop(address)
    const frame = encodeHello({ kind: helloKinds.silent, addresses: this.#link.self.addresses, others: [peer] })
    for (const link of this.#links.values()) this.#link.send(link.peer.peerId, channels.overlay, frame)
  }

  #drop(address: Address): void {
    const link = this.#links.get(address)
    if (link === undefined) return
    this.#mistrust(address, link)
    this.#links.delete(address)
    this.#lookForMore()
  }

  #helloLater(): void {
    this.#timer = this.#runtime.setTimer(helloMs * (0.75 + 0.5 * this.#runtime.random.float()), () => {
      this.#askAll()
      this.#lookForMore()
      void this.#lookForMissed()
      this.#helloLater()
    })
  }

  /** Nobody may have had anything to send by way of one that is dead: it is found out all the same. */
  #askAll(): void {
    const askedAt = this.#runtime.now()
    for (const { peer } of this.#links.values()) this.#say(helloKinds.ask, peer.peerId)
    this.#runtime.setTimer(doubtMs, () => {
      for (const [address, { heardAt }] of this.#links) if (heardAt < askedAt) this.doubt(address)
    })
  }

  /** Asks for links where they are too few; and always one old acquaintance: the mesh may have come apart. */
  #lookForMore(): void {
    const missing = Math.max(1, this.#wanted - this.#links.size)
    const isUnlinked = ({ peerId }: PeerAddress): boolean => !this.#links.has(addressOfPeer(peerId))
    if (this.#links.size >= grantFactor * this.#wanted) return
    for (const peer of this.#acquaintances.draw(missing, this.#runtime.random, isUnlinked)) this.#ask(peer)
  }

  /** One that this node misses: where no way of the mesh leads to it, it may be in another, all of whose links are in use as well. */
  async #lookForMissed(): Promise<void> {
    const peer = this.#missed.next(({ peerId }) => !this.#links.has(addressOfPeer(peerId)))
    if (peer === undefined) return
    const isHere = await this.#leadsTo(addressOfPeer(peer.peerId))
    if (isHere) this.#missed.delete(peer.peerId)
    else if (this.#timer !== undefined) this.#ask(peer, helloKinds.seek)
  }

  #ask(peer: PeerAddress, kind: HelloKind = helloKinds.ask): void {
    this.#link.learn(peer)
    this.#say(kind, peer.peerId)
  }

  #say(kind: HelloKind, to: PeerId): void {
    if (kind === helloKinds.ask || kind === helloKinds.seek) this.#asked.note(to)
    const others = this.#acquaintances.draw(maxOthers, this.#runtime.random, ({ peerId }) => peerId !== to && this.#links.has(addressOfPeer(peerId)))
    this.#link.send(to, channels.overlay, encodeHello({ kind, addresses: this.#link.self.addresses, others }))
  }

  #count(reason: string): void {
    this.#runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason }).add()
  }
}

/**
 * Forwards packets: blindly along a source route, and where it ends to a node
 * that is nearer to the destination on the ring. What is said of the way here
 * teaches the route cache.
 */
import { ByteReader, ByteWriter } from "../../src/codec.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { BrokenLinks } from "./broken-links.ts"
import type { Doubts } from "./doubts.ts"
import type { Floods } from "./floods.ts"
import type { Neighbourhood } from "./neighbourhood.ts"
import type { Packet, PacketType } from "./packet.ts"
import { decodePacket, encodePacket, maxRouteLength, nextNode, packetTypes, payloadTypes, readAddress, readRoute, sourceOf, writeAddress } from "./packet.ts"
import { advanced, goalOf, isBeyondTelling, isComplaint, previousNode, sentAnew } from "./packet-steps.ts"
import { PassingTalk } from "./passing-talk.ts"
import type { RouteCache } from "./route-cache.ts"
import type { Route } from "./route.ts"
import { reverse } from "./route.ts"
import { withDecider } from "./trace.ts"
import type { Vicinity } from "./vicinity.ts"
import { WaitingRoom } from "./waiting-room.ts"
import { Ways } from "./ways.ts"

export interface ForwarderComponents {
  readonly runtime: Runtime
  readonly neighbourhood: Neighbourhood
  readonly cache: RouteCache
  readonly doubts: Doubts
  readonly vicinity: Pick<Vicinity, "via">
  /** Left out where nothing is flooded. */
  readonly floods?: Floods
}

/** What the node does with what the forwarder finds out. */
export interface ForwarderListener {
  /** A packet has arrived: at its destination, or at the nearest node where its type allows that. */
  onArrival(packet: Packet): void
  /** Nodes that were not known before came up in a route. */
  onLearned(addresses: readonly Address[]): void
  /** A link to this node is broken, and with it all ways that crossed it. */
  onBroken(far: Address): void
}

/** To whatever has the smallest address; see `packetTypes.newNodeAnnounce`. */
export const smallestAddress = 0

/** See the head of this file. */
export class Forwarder {
  readonly #components: ForwarderComponents
  readonly #listener: ForwarderListener
  readonly #broken: BrokenLinks
  readonly #ways: Ways
  readonly #waiting: WaitingRoom
  readonly #talk = new PassingTalk()

  constructor(components: ForwarderComponents, listener: ForwarderListener) {
    this.#components = components
    this.#listener = listener
    this.#broken = new BrokenLinks(components.runtime)
    this.#ways = new Ways({ ...components, broken: this.#broken })
    this.#waiting = new WaitingRoom(components.runtime, {
      retry: (packet) => this.#goOn(packet) !== undefined,
      giveUp: (packet) => {
        this.#giveUp(packet, "no way")
        if (sourceOf(packet) === components.cache.self) this.#listener.onBroken(packet.destination)
      },
    })
    components.neighbourhood.onPacket((neighbour, frame) => this.#onFrame(neighbour, frame))
  }

  /** Sends from this node. Returns false where no way leads on, or the neighbour's queue is full. */
  send(type: PacketType, destination: Address, payload: Uint8Array, payloadType: number = payloadTypes.none): boolean {
    const { cache } = this.#components
    if (type === packetTypes.connect) cache.keep(destination)
    return this.#decide({ type, stub: [], route: [cache.self], hop: 0, destination, payloadType, payload })
  }

  /** Sends from this node by a way that may not work. */
  sendAlong(route: Route, type: PacketType, payload: Uint8Array): void {
    const destination = route.at(-1) as Address
    if (route.length > 1) this.#pass({ type, stub: [], route, hop: 0, destination, payloadType: payloadTypes.none, payload })
  }

  /** Sends nothing any more of what waits. */
  stop(): void {
    this.#waiting.clear()
  }

  /** Lets every node know the way to this one. */
  flood(): void {
    const { cache: { self }, floods } = this.#components
    if (floods === undefined) return
    this.#spread({ type: packetTypes.maxNodeAnnounce, stub: [], route: [self], hop: 0, destination: self, payloadType: payloadTypes.none, payload: floods.next() })
  }

  /** As much of a route that somebody tells as does not contradict what was found out lately. */
  credible(route: Route): Route {
    return this.#components.doubts.before(this.#broken.before(route))
  }

  /** There is no such link: what lies behind it is reached by another neighbour of its far end, or forgotten. */
  cut(near: Address, far: Address): void {
    if (this.#components.cache.forgetLink(near, far, (one) => this.#ways.via(one))) this.#listener.onBroken(far)
  }

  /** A link of this node is there. */
  onLinkUp(neighbour: Address): void {
    this.#broken.passed([this.#components.cache.self, neighbour])
  }

  #onFrame(neighbour: Address, frame: Uint8Array): void {
    let packet: Packet
    try {
      packet = decodePacket(new ByteReader(frame), this.#components.cache.self)
      if (previousNode(packet) !== neighbour && packet.stub.length === 0) return void this.#drop("forged")
      packet = advanced(packet)
      this.#learnFrom(packet, neighbour)
      if (packet.type === packetTypes.maxNodeAnnounce) return this.#onFlood(packet)
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      return void this.#drop("malformed")
    }
    if (nextNode(packet) !== undefined) this.#forward(packet, neighbour)
    else if (packet.destination === this.#components.cache.self) this.#listener.onArrival(packet)
    else this.#decide(packet)
  }

  #onFlood(packet: Packet): void {
    const { cache, floods } = this.#components
    if (floods === undefined || nextNode(packet) !== undefined || packet.destination !== cache.self) return void this.#drop("malformed")
    const verdict = floods.judge(packet.route[0] as Address, new ByteReader(packet.payload))
    if (verdict === "new") this.#spread(packet)
    else if (verdict === "too many") this.#drop("flood")
  }

  /** To all neighbours by which it has not come. */
  #spread(packet: Packet): void {
    for (const neighbour of [...this.#components.neighbourhood.neighbours()]) {
      if (!packet.route.includes(neighbour)) this.#pass({ ...packet, route: [...packet.route, neighbour], destination: neighbour })
    }
  }

  /** Along the route, or by a shorter way where this node knows one. */
  #forward(packet: Packet, neighbour: Address): boolean {
    const { cache } = this.#components
    // A complaint is for all nodes on its way: those that chose it believe in what is broken.
    if (isComplaint(packet)) return this.#pass(packet, neighbour)
    const gap = this.#broken.isEmpty ? undefined : this.#broken.firstOf([cache.self, ...packet.stub, ...packet.route.slice(packet.hop + 1)])
    if (gap !== undefined) return this.#repair(packet, gap, neighbour)
    if (packet.stub.length > 0) return this.#pass(packet, neighbour)
    const beyond = this.#ways.beyond(packet)
    return this.#pass(beyond === undefined ? this.#ways.shortened(packet) : this.#ways.led(this.#noted(packet), beyond), neighbour)
  }

  /** To the next node of its route; `neighbour` is where it came from. */
  #pass(packet: Packet, neighbour?: Address): boolean {
    const { neighbourhood } = this.#components
    const next = nextNode(packet) as Address
    if (!neighbourhood.isNeighbour(next)) return this.#notice(packet, next, neighbour)
    if (packet.route.length > maxRouteLength) return this.#drop("too long")
    const frame = encodePacket(packet)
    if (frame.length > neighbourhood.maxPacketBytes) return this.#drop("too long")
    return neighbourhood.send(next, frame) || this.#drop("queue full")
  }

  /** A link of this node is gone. */
  #notice(packet: Packet, next: Address, neighbour?: Address): boolean {
    const { cache } = this.#components
    this.#broken.note(cache.self, next)
    if (cache.forgetLink(cache.self, next)) this.#listener.onBroken(next)
    return this.#repair(packet, [cache.self, next], neighbour)
  }

  /**
   * A link ahead is gone: by another way to where the route leads, or on towards
   * the destination. The source is told of the link; and the neighbour, who may
   * be the one that chose the way, or knows who did.
   */
  #repair(packet: Packet, gap: Route, neighbour?: Address): boolean {
    const { cache } = this.#components
    if (packet.type !== packetTypes.linkBroken) {
      this.#complain(packetTypes.linkBroken, packet, gap)
      if (neighbour !== undefined && packet.route[packet.hop - 1] !== neighbour) this.#tellNeighbour(packet, gap, neighbour)
    }
    const onward = this.#ways.routeTo(goalOf(packet)) ?? this.#ways.towards(packet.destination, packet.type)
    const stranded = packet.stub.length === 0 ? packet : sentAnew(packet, cache.self)
    if (onward === undefined) return this.#wait(stranded) || this.#drop("broken link")
    // Also back where it came from: the nodes there have just been told of the link, ahead of the packet.
    return this.#pass(this.#ways.led(stranded, onward))
  }

  #tellNeighbour(packet: Packet, gap: Route, neighbour: Address): void {
    this.#complain(packetTypes.linkBroken, { ...packet, stub: [], route: [neighbour, this.#components.cache.self], hop: 1 }, gap)
  }

  /** At the end of a source route: on to a node that is nearer to the destination. */
  #decide(packet: Packet): boolean {
    const { type } = packet
    const hasGone = this.#goOn(packet)
    if (hasGone !== undefined) return hasGone
    if (type === packetTypes.closest || type === packetTypes.newNodeAnnounce) {
      this.#listener.onArrival(packet)
      return true
    }
    return this.#wait(packet) || this.#giveUp(packet, "no way")
  }

  /** Another node decides, if one that is nearer is known; undefined where none is. */
  #goOn(packet: Packet): boolean | undefined {
    const { destination, type } = packet
    const onward = this.#ways.towards(destination, type)
    if (onward === undefined) return undefined
    return this.#pass(this.#ways.led(this.#noted(packet), onward))
  }

  /** A way may turn up, unless the destination has been asked in vain; whose last link has just gone looks for others. */
  #wait(packet: Packet): boolean {
    const { doubts } = this.#components
    // Nobody wants to hear late what was said.
    if (packet.payloadType === payloadTypes.media) return false
    return packet.type === packetTypes.connect && !doubts.isSilent(packet.destination) && this.#waiting.add(packet)
  }

  #giveUp(packet: Packet, reason: string): boolean {
    if (packet.type === packetTypes.connect) this.#complain(packetTypes.unreachable, packet, [packet.destination])
    return this.#drop(reason)
  }

  /** A packet that asks for its way gets to know who decides. */
  #noted(packet: Packet): Packet {
    if (packet.payloadType !== payloadTypes.trace) return packet
    return { ...packet, payload: withDecider(packet.payload, this.#components.cache.self) }
  }

  /** Tells the source of a packet what is wrong, by the way that it came. */
  #complain(type: PacketType, { route, hop, stub }: Packet, about: readonly Address[]): void {
    if (stub.length > 0) return
    const writer = new ByteWriter(16)
    for (const address of about) writeAddress(writer, address)
    this.sendAlong(reverse(route.slice(0, hop + 1)), type, writer.finish())
  }

  /** Ways back to where the packet has been, ways on to where it goes, and what it says of ways that are none. */
  #learnFrom(packet: Packet, neighbour: Address): void {
    const { cache, neighbourhood, doubts } = this.#components
    const { type, stub, route, hop, payload } = packet
    if (type === packetTypes.unreachable) this.#unlearn(readAddress(new ByteReader(payload)))
    if (type === packetTypes.linkBroken) this.#unlearnLink(new ByteReader(payload))
    const travelled = reverse(route.slice(0, hop + 1))
    // At the end of a stub route this node may have been left by a link that is none any more, or never was.
    const back = stub.length === 0 && neighbourhood.isNeighbour(travelled[1] ?? neighbour) ? travelled : [cache.self, neighbour]
    this.#broken.passed(back)
    doubts.passed(back)
    const onward = this.credible(stub.length > 0 ? [cache.self, ...stub, ...route.slice(hop + 1)] : route.slice(hop))
    if (this.#talk.isIgnored(packet, cache)) return
    const learned = onward[1] !== undefined && neighbourhood.isNeighbour(onward[1]) ? [...cache.learn(onward)] : []
    learned.push(...cache.learn(back))
    if (type === packetTypes.pathAnnounce && (packet.origin === undefined || isBeyondTelling(packet))) this.#lookAround(sourceOf(packet), readRoute(new ByteReader(payload)))
    if (learned.length === 0) return
    this.#listener.onLearned(learned)
    this.#waiting.onLearned(learned)
  }

  /** A node tells by the way who its neighbours are: is one of them near? */
  #lookAround(address: Address, theirs: readonly Address[]): void {
    const { cache } = this.#components
    for (const neighbour of theirs) {
      const [known = Infinity, hops = Infinity] = [cache.hopsTo(address), this.#ways.hopsTo(neighbour)]
      if (hops + 1 >= known || this.#broken.has(neighbour, address)) continue
      const way = this.#ways.routeTo(neighbour) as Route
      if (!way.includes(address)) cache.learn([...way, address])
    }
  }

  /** Somebody found no way to a node: whoever has a link to it knows better. */
  #unlearn(address: Address): void {
    const { cache, neighbourhood } = this.#components
    if (!neighbourhood.isNeighbour(address) && cache.forget(address)) this.#listener.onBroken(address)
  }

  /** Somebody found a link broken: of its own links a node lets nobody tell it. */
  #unlearnLink(reader: ByteReader): void {
    const { cache } = this.#components
    const [near, far] = [readAddress(reader), readAddress(reader)]
    if (near === cache.self || far === cache.self) return
    this.#broken.note(near, far)
    this.cut(near, far)
  }

  #drop(reason: string): boolean {
    this.#components.runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason }).add()
    return false
  }
}

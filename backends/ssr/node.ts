/**
 * A node of the mesh: a forwarder, a place on the ring, and what is done when
 * something is learned. It needs no join: it is a node as soon as it has a link.
 */
import { ByteReader } from "../../src/codec.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { clockwise, ringSize } from "./address.ts"
import { Doubts } from "./doubts.ts"
import { Floods } from "./floods.ts"
import { Forwarder, smallestAddress } from "./forwarder.ts"
import type { LinkEvent, Neighbourhood } from "./neighbourhood.ts"
import type { SsrSettings } from "./options.ts"
import type { Packet } from "./packet.ts"
import { packetTypes, payloadTypes, readAddress, sourceOf } from "./packet.ts"
import { PathAnnouncer } from "./path-announcer.ts"
import { newRing } from "./procedures.ts"
import type { Ring, RingPlaces, RingPort } from "./ring.ts"
import type { Claim } from "./ring-messages.ts"
import { decodeClaim, decodeUpdate, encodeClaim, encodeUpdate } from "./ring-messages.ts"
import type { Route } from "./route.ts"
import { join, reverse } from "./route.ts"
import { RouteCache } from "./route-cache.ts"
import { Rounds } from "./rounds.ts"
import type { Tenure } from "./tenure.ts"
import { begun, drawnTo, taken } from "./tenure.ts"
import type { Trace } from "./trace.ts"
import { Tracer } from "./trace.ts"
import { Vicinity } from "./vicinity.ts"

export interface NodeComponents {
  readonly runtime: Runtime
  readonly neighbourhood: Neighbourhood
}

/** What the layer above does with what arrives here. */
export interface NodeListener {
  /** Application data for this node; `isExact` unless this node is only the closest. */
  onData(source: Address, payload: Uint8Array, isExact: boolean): void
  /** A datagram for exactly this node. */
  onDatagram?(source: Address, datagram: Uint8Array): void
  onPlaces(places: RingPlaces): void
  /** The nearest nodes on the ring are others now. */
  onNear?(): void
  /** No way leads to a node any more. */
  onUnreachable(address: Address): void
}

/** Nodes on either side that count as near. */
const nearCount = 4
/** A node with nobody in sight for so long, in shortest rounds, is alone: by then it would have found other links. */
const aloneRounds = 6
const nothingSaid: Claim = { sides: [], serves: false }
const everywhere = { after: ringSize, before: 0 }

/** See the head of this file. */
export class SsrNode {
  readonly cache: RouteCache
  readonly #components: NodeComponents
  readonly #settings: SsrSettings
  readonly #listener: NodeListener
  readonly #forwarder: Forwarder
  #ring: Ring
  readonly #tracer: Tracer
  readonly #announcer: PathAnnouncer
  readonly #doubts: Doubts
  readonly #vicinity: Vicinity
  readonly #rounds: Rounds
  #near: readonly Address[] = []
  /** How far clockwise the last of them on the one side and on the other. */
  #reach = everywhere
  #tenure: Tenure | undefined
  /** The right neighbour by which that goes. */
  #right: Address | undefined
  /** Since when nobody has been in sight; undefined while somebody is. */
  #aloneSince: number | undefined

  constructor(components: NodeComponents, settings: SsrSettings, listener: NodeListener) {
    const { runtime, neighbourhood } = components
    this.#components = components
    this.#settings = settings
    this.#listener = listener
    this.#rounds = new Rounds(runtime, settings, {
      onRound: () => {
        this.#ring.tick()
        this.#remember()
        this.#look()
      },
      isUnplaced: () => this.cache.size > 0 && (this.places.left === undefined || this.places.right === undefined),
    })
    this.cache = new RouteCache(neighbourhood.self, settings.maxRoutes)
    this.#announcer = new PathAnnouncer({ runtime, neighbourhood, send: (to, body) => void this.#forwarder.send(packetTypes.pathAnnounce, to, body) })
    this.#doubts = new Doubts(runtime)
    this.#vicinity = new Vicinity(this.cache.self)
    this.#ring = newRing(settings.ring, this.cache, this.#port())
    const floods = settings.ring === "isprp" ? { floods: new Floods(runtime) } : {}
    this.#forwarder = new Forwarder({ ...components, cache: this.cache, doubts: this.#doubts, vicinity: this.#vicinity, ...floods }, {
      onArrival: (packet) => this.#onArrival(packet),
      onLearned: (addresses) => this.#learned(addresses, false),
      onBroken: (far) => {
        this.#doubt(far)
        this.#rounds.hurry()
      },
    })
    this.#tracer = new Tracer(runtime, (kind, to, payload) =>
      this.#forwarder.send(kind === "question" ? packetTypes.closest : packetTypes.connect, to, payload, payloadTypes.trace))
    neighbourhood.onLink((event) => this.#onLink(event))
    neighbourhood.onHears?.((neighbour, theirs) => this.#vicinity.tell(neighbour, theirs).forEach((far) => this.#forwarder.cut(neighbour, far)))
  }

  get address(): Address {
    return this.cache.self
  }

  /** Neighbours on the ring that have agreed. */
  get places(): RingPlaces {
    return this.#ring.places
  }

  /** Which keys this node answers for. */
  get tenure(): Tenure | undefined {
    return this.#tenure
  }

  /** The nearest nodes that are known on either side of the ring, those that have agreed to be neighbours first. The same array until something changes. */
  get near(): readonly Address[] {
    return this.#near
  }

  start(): void {
    this.#rounds.start()
    for (const neighbour of this.#components.neighbourhood.neighbours()) this.#onLink({ name: "up", neighbour })
    this.#rounds.hurry()
  }

  /** Answers for keys from now on. */
  serve(): void {
    const { right, given } = this.places
    this.#tenure = begun(this.address, right, given)
    this.#ring.onServing()
  }

  /** Where it is started again, nobody has agreed to anything, or given it any keys. */
  stop(): void {
    this.#rounds.stop()
    this.#tenure = undefined
    this.#aloneSince = undefined
    this.#ring = newRing(this.#settings.ring, this.cache, this.#port())
    this.#forwarder.stop()
  }

  /** Tells the neighbours on the ring that this node goes, also those that it has only asked, and those between whom it was of each other. */
  sayFarewell(): void {
    const { left, right } = this.places
    if (left !== undefined && right !== undefined && left !== right) {
      this.#introduce(left, right)
      this.#introduce(right, left)
    }
    for (const neighbour of new Set([left, right, this.cache.beside("left"), this.cache.beside("right")])) {
      if (neighbour !== undefined) this.#forwarder.send(packetTypes.update, neighbour, encodeUpdate({ kind: "farewell" }))
    }
  }

  /** Application data to one node. False where no way leads on. */
  send(to: Address, payload: Uint8Array): boolean {
    return this.#forwarder.send(packetTypes.connect, to, payload, payloadTypes.application)
  }

  /** Data that is of no use later: it waits for no way. */
  sendDatagram(to: Address, datagram: Uint8Array): boolean {
    return this.#forwarder.send(packetTypes.connect, to, datagram, payloadTypes.media)
  }

  /** Application data to the node that answers for an address. */
  sendToClosest(to: Address, payload: Uint8Array): boolean {
    return this.#forwarder.send(packetTypes.closest, to, payload, payloadTypes.application)
  }

  /** Which way packets for an address go. Rejects with `P2PSIP_LIMIT`, `P2PSIP_TIMEOUT`, `P2PSIP_UNREACHABLE`. */
  trace(to: Address): Promise<Trace> {
    return this.#tracer.trace(to)
  }

  /** A node did not answer: asks it whether it is still there, unless it is but one of many that are known; and whether the first link on the way still is. */
  suspect(address: Address): void {
    this.#components.neighbourhood.doubt?.(this.cache.routeTo(address)?.[1] ?? address)
    if (address === this.places.left || address === this.places.right) this.#rounds.hurry()
    else if (!this.#components.neighbourhood.isNeighbour(address)) this.cache.forget(address)
  }

  #port(): RingPort {
    const send = (type: typeof packetTypes.notification | typeof packetTypes.update, to: Address, body: Uint8Array): void => {
      this.#forwarder.send(type, to, body)
    }
    const tenure = (): Tenure | undefined => this.#tenure
    return {
      get tenure() {
        return tenure()
      },
      now: () => this.#components.runtime.now(),
      notify: (to, claim) => send(packetTypes.notification, to, encodeClaim(claim)),
      reply: (to, claim) => send(packetTypes.update, to, encodeUpdate({ kind: "agreed", claim })),
      introduce: (to, candidate) => this.#introduce(to, candidate),
      announce: () => void this.#forwarder.send(packetTypes.newNodeAnnounce, smallestAddress, new Uint8Array(0)),
      flood: () => this.#forwarder.flood(),
      randomLink: () => {
        const links = [...this.#components.neighbourhood.neighbours()]
        return links[Math.floor(this.#components.runtime.random.float() * links.length)]
      },
      doubt: (address) => {
        this.#doubts.silent(address)
        this.#doubt(address)
        if (this.#components.neighbourhood.isNeighbour(address)) this.#components.neighbourhood.doubt?.(address)
      },
      hurry: () => this.#rounds.hurry(),
      onPlaces: (places) => {
        this.#rounds.hurry()
        this.#follow(places)
        this.#look()
        this.#listener.onPlaces(places)
      },
    }
  }

  /** Draws back, or goes further, as the right neighbour has agreed; without one, keeps to its keys until the next one agrees, or nobody is left. */
  #follow({ right, rightServes }: RingPlaces): void {
    const isAnother = right !== this.#right
    this.#right = right
    if (this.#tenure === undefined || right === undefined) return
    if (isAnother) this.#tenure = drawnTo(this.address, this.#tenure, right, rightServes === true)
    if (rightServes === true && this.#tenure.end === right) this.#tenure = taken(this.#tenure)
  }

  #introduce(to: Address, candidate: Address): void {
    const there = this.cache.routeTo(to)
    const onward = this.cache.routeTo(candidate)
    if (there === undefined || onward === undefined) return
    this.#forwarder.send(packetTypes.update, to, encodeUpdate({ kind: "candidate", route: join(reverse(there), onward) }))
  }

  #onLink({ name, neighbour }: LinkEvent): void {
    if (name === "down") {
      this.#vicinity.forget(neighbour)
      this.#forwarder.cut(this.address, neighbour)
    } else {
      this.#doubts.passed([neighbour])
      this.#forwarder.onLinkUp(neighbour)
      if (this.cache.hopsTo(neighbour) === 1) return
      this.#learned(this.cache.learn([this.address, neighbour]), true)
    }
    this.#rounds.hurry()
  }

  /** Whoever was given up as it did not answer, and is a neighbour all the same, gets another chance: it may know no more of this node either. */
  #remember(): void {
    const forgotten = [...this.#components.neighbourhood.neighbours()].filter((neighbour) => !this.cache.knows(neighbour) && !this.#doubts.has(neighbour))
    for (const neighbour of forgotten) this.#onLink({ name: "up", neighbour })
  }

  #doubt(address: Address): void {
    if (!this.cache.knows(address) && this.#doubts.lost(address)) this.#listener.onUnreachable(address)
  }

  #learned(addresses: readonly Address[], isIntroduced: boolean): void {
    for (const address of addresses) if (this.cache.knows(address)) this.#ring.onLearned(address, isIntroduced)
    if (addresses.some((address) => this.#isNear(address))) this.#look()
  }

  #onArrival(packet: Packet): void {
    try {
      this.#take(packet, sourceOf(packet))
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#components.runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason: "malformed" }).add()
    }
  }

  #take(packet: Packet, source: Address): void {
    const body = new ByteReader(packet.payload)
    this.#announcer.onArrival(packet)
    switch (packet.type) {
      case packetTypes.notification: return this.#ring.onNotification(source, decodeClaim(body))
      case packetTypes.newNodeAnnounce: return this.#ring.onAnnounce(source)
      // It was asked for: not to be forgotten with what is only overheard.
      case packetTypes.pathAnnounce: return void this.cache.routeTo(source)
      case packetTypes.unreachable: return this.#doubt(readAddress(body))
      case packetTypes.update: {
        const update = decodeUpdate(body)
        if (update.kind === "farewell") return this.#onFarewell(source)
        if (update.kind === "candidate") this.#learnCandidate(update.route)
        return this.#ring.onUpdate(source, update)
      }
      case packetTypes.connect:
      case packetTypes.closest: {
        if (packet.payloadType === payloadTypes.trace) this.#tracer.onArrival(packet, this.address)
        if (packet.payloadType === payloadTypes.media && packet.destination === this.address) this.#listener.onDatagram?.(source, packet.payload)
        if (packet.payloadType === payloadTypes.application) this.#listener.onData(source, packet.payload, packet.destination === this.address)
      }
    }
  }

  #onFarewell(from: Address): void {
    const { left, right } = this.places
    // The only other one: there is nobody to wait for.
    if (left === from && right === from) this.#aloneSince = -Infinity
    this.#ring.onFarewell(from)
  }

  #learnCandidate(route: Route): void {
    const candidate = route.at(-1) as Address
    if (route[0] !== this.address) return
    const isCredible = this.#components.neighbourhood.isNeighbour(route[1] as Address) && this.#forwarder.credible(route).length === route.length
    if (this.#doubts.has(candidate) || !isCredible) {
      if (this.#doubts.mayAsk(candidate)) this.#forwarder.sendAlong(route, packetTypes.notification, encodeClaim(nothingSaid))
      return
    }
    const learned = this.cache.learn(route)
    this.#learned(learned.filter((address) => address !== candidate), false)
    if (learned.includes(candidate)) this.#learned([candidate], true)
  }

  /** Whether a node may sit among those that are near. */
  #isNear(address: Address): boolean {
    const distance = clockwise(this.address, address)
    return distance < this.#reach.after || distance > this.#reach.before
  }

  /** All the links of a node may go at one time while the mesh lives on: it has not inherited everything at once. */
  #isAlone(): boolean {
    const now = this.#components.runtime.now()
    const isSeen = this.cache.size > 0 || [...this.#components.neighbourhood.neighbours()].some((neighbour) => !this.#doubts.isSilent(neighbour))
    this.#aloneSince = isSeen ? undefined : (this.#aloneSince ?? now)
    return this.#aloneSince !== undefined && now - this.#aloneSince >= aloneRounds * this.#settings.minStabilizeMs
  }

  #look(): void {
    const { left, right } = this.places
    if (this.#isAlone() && this.#tenure !== undefined && right === undefined) this.#tenure = begun(this.address, undefined, undefined)
    const agreed = [left, right].filter((address) => address !== undefined)
    const known = this.cache.nearest(nearCount)
    const distances = known.map((address) => clockwise(this.address, address))
    const isFull = known.length === 2 * nearCount
    this.#reach = isFull ? { after: distances[nearCount - 1] ?? ringSize, before: distances.at(-1) ?? 0 } : everywhere
    const near = [...new Set([...agreed, ...known])].filter((address) => address !== this.address)
    if (near.length === this.#near.length && near.every((address, at) => address === this.#near[at])) return
    this.#near = near
    this.#listener.onNear?.()
  }
}

/**
 * The modelled network between the peers of one simulation.
 *
 * Connections are made when first needed (`dialRoundTrips`), keep their frames
 * in order in each direction, and break when an end crashes or the path stays
 * cut. A frame is lost by chance (`lossRate`), when its path is cut, or when
 * its receiver is gone; nobody is told.
 */
import type { Channel, PeerId } from "../link/link.ts"
import type { VirtualClock } from "./clock.ts"
import type { EventHash } from "./event-hash.ts"
import type { SimEvent } from "./event-heap.ts"
import { nobody } from "./host.ts"
import type { Connection, Host, HostReceiver } from "./host.ts"
import type { LatencyModel } from "./latency.ts"
import type { SimRandom } from "./sim-random.ts"
import { Traffic } from "./traffic.ts"

/** The network's character; all of it may be changed while the simulation runs. */
export interface NetworkConditions {
  /** Probability that a frame is lost. */
  lossRate: number
  /** Each frame takes up to this fraction longer than the model says. */
  jitter: number
  /** Round trips before the first frame can follow a dial (TCP and Noise take about three). */
  dialRoundTrips: number
  /** What one peer can send, in bytes per second. */
  uploadBytesPerSecond: number
  /** Bytes that may wait at a sender; `send` refuses more. */
  maxQueueBytes: number
  /** Probability that a crash resets its connections; otherwise they fall silent. */
  resetOnCrash: number
  /** How long a cut path takes to break its connections. */
  breakAfterMs: number
  /** Whether frames go only to peers whose address was learnt, as on a real Link. */
  requireAddresses: boolean
}

export const defaultConditions: Readonly<NetworkConditions> = {
  lossRate: 0,
  jitter: 0,
  dialRoundTrips: 1,
  uploadBytesPerSecond: Infinity,
  maxQueueBytes: 4 * 1024 * 1024,
  resetOnCrash: 0.5,
  breakAfterMs: 20_000,
  requireAddresses: true,
}

/** Why frames did not arrive. */
export type DropReason = "loss" | "reset" | "cut" | "down" | "natted" | "queue" | "unknown" | "tooLong"

export interface NetworkComponents {
  readonly clock: VirtualClock
  readonly random: SimRandom
  readonly latency: LatencyModel
  readonly hash: EventHash
}

/** See the head of this file. */
export class SimNetwork {
  readonly conditions: NetworkConditions
  readonly #clock: VirtualClock
  readonly #random: SimRandom
  readonly #latency: LatencyModel
  readonly #hash: EventHash
  readonly #hosts = new Map<PeerId, Host>()
  readonly #blocked = new Set<string>()
  #isPartitioned = false
  #hadResets = false
  #hostCount = 0
  /** When a connection last broke before it was made. */
  lastBrokenDialAt = -Infinity
  framesSent = 0
  bytesSent = 0
  framesDelivered = 0
  readonly traffic = new Traffic()
  readonly dropped: Record<DropReason, number> = { loss: 0, reset: 0, cut: 0, down: 0, natted: 0, queue: 0, unknown: 0, tooLong: 0 }

  constructor(components: NetworkComponents, conditions: Partial<NetworkConditions>) {
    this.conditions = { ...defaultConditions, ...conditions }
    this.#clock = components.clock
    this.#random = components.random
    this.#latency = components.latency
    this.#hash = components.hash
  }

  /** Puts a peer onto the network. */
  attach(peerId: PeerId, receiver: HostReceiver): Host {
    this.#latency.addHost(this.#random)
    const host: Host = {
      peerId,
      index: this.#hostCount++,
      receiver,
      connections: new Map(),
      backlog: undefined,
      isUp: true,
      group: 0,
      slownessMs: 0,
      isNatted: false,
      uploadFreeAt: 0,
    }
    this.#hosts.set(peerId, host)
    return host
  }

  host(peerId: PeerId): Host | undefined {
    return this.#hosts.get(peerId)
  }

  /** Takes a host off the network, at once. A `graceful` end tells the others; a crash does so by chance. */
  detach(host: Host, graceful: boolean): void {
    if (!host.isUp) return
    host.isUp = false
    host.receiver = nobody
    for (const connection of [...host.connections.values()]) {
      const other = connection.dialler === host ? connection.listener : connection.dialler
      this.#forget(connection)
      if (!connection.isOpen) continue
      const delayMs =
        graceful || this.#random.chance(this.conditions.resetOnCrash)
          ? this.#latency.oneWayMs(host.index, other.index)
          : this.conditions.breakAfterMs
      this.#clock.call(this.#clock.now + delayMs, () => this.#tellDown(other, host.peerId))
    }
  }

  /** Cuts the network into groups; peers that are not named form one more. Replaces an earlier partition. */
  partition(groups: readonly (readonly PeerId[])[]): void {
    this.#isPartitioned = true
    for (const host of this.#hosts.values()) host.group = 0
    groups.forEach((group, index) => {
      for (const peerId of group) {
        const host = this.#hosts.get(peerId)
        if (host !== undefined) host.group = index + 1
      }
    })
    this.#breakCutConnections()
  }

  /** Ends a partition. */
  heal(): void {
    this.#isPartitioned = false
    for (const host of this.#hosts.values()) host.group = 0
  }

  /** Frames from one peer no longer reach another; the way back stays open. */
  block(from: PeerId, to: PeerId): void {
    this.#blocked.add(`${from} ${to}`)
    this.#breakCutConnections()
  }

  unblock(from: PeerId, to: PeerId): void {
    this.#blocked.delete(`${from} ${to}`)
  }

  /** Whether a frame can pass now, the receiver's NAT aside. */
  canReach(from: Host, to: Host): boolean {
    if (this.#isPartitioned && from.group !== to.group) return false
    return this.#blocked.size === 0 || !this.#blocked.has(`${from.peerId} ${to.peerId}`)
  }

  /** One-way time between two hosts at rest. */
  latencyMs(from: Host, to: Host): number {
    return this.#latency.oneWayMs(from.index, to.index)
  }

  /** Sends a frame as `Link.send` does; false if it was refused at once. */
  send(from: Host, to: PeerId, channel: Channel, frame: Uint8Array): boolean {
    this.framesSent++
    this.bytesSent += frame.length
    this.traffic.count(channel, frame)
    const known = from.connections.get(to)
    const target = known === undefined ? this.#hosts.get(to) : known.dialler === from ? known.listener : known.dialler
    const now = this.#clock.now
    const conditions = this.conditions
    let leftAt = from.backlog === undefined ? now : Math.max(now, from.backlog.until)
    const rate = conditions.uploadBytesPerSecond
    if (rate !== Infinity) {
      const departure = Math.max(leftAt, from.uploadFreeAt)
      if (((departure - leftAt) / 1000) * rate > conditions.maxQueueBytes) return this.#drop("queue", false)
      leftAt = departure + (frame.length * 1000) / rate
      from.uploadFreeAt = leftAt
    }
    if (target === from) {
      this.#clock.at(leftAt, new Delivery(this, from, target, channel, frame))
      return true
    }
    if (target === undefined || !target.isUp) return this.#drop("down", true)
    if (!this.canReach(from, target)) return this.#drop("cut", true)
    const connection = known ?? this.#dial(from, target)
    if (connection === undefined) return this.#drop("natted", true)
    if (this.#random.chance(conditions.lossRate)) return this.#drop("loss", true)
    this.#schedule(connection, from, target, leftAt, channel, frame)
    return true
  }

  #schedule(connection: Connection, from: Host, target: Host, leftAt: number, channel: Channel, frame: Uint8Array): void {
    let transitMs = this.#latency.oneWayMs(from.index, target.index)
    if (this.conditions.jitter > 0) transitMs *= 1 + this.conditions.jitter * this.#random.float()
    let arrival = leftAt + transitMs + target.slownessMs
    if (connection.dialler === from) {
      if (arrival < connection.toListenerFloor) arrival = connection.toListenerFloor
      connection.toListenerFloor = arrival
    } else {
      if (arrival < connection.toDiallerFloor) arrival = connection.toDiallerFloor
      connection.toDiallerFloor = arrival
    }
    this.#clock.at(arrival, new Delivery(this, from, target, channel, frame, connection))
  }

  #dial(from: Host, to: Host): Connection | undefined {
    if (to.isNatted) return undefined
    const oneWayMs = this.#latency.oneWayMs(from.index, to.index)
    const backMs = this.#latency.oneWayMs(to.index, from.index)
    const openAt = this.#clock.now + this.conditions.dialRoundTrips * (oneWayMs + backMs)
    const connection: Connection = {
      dialler: from,
      listener: to,
      toListenerFloor: openAt + oneWayMs,
      toDiallerFloor: openAt,
      isOpen: false,
      isReset: false,
    }
    from.connections.set(to.peerId, connection)
    to.connections.set(from.peerId, connection)
    this.#clock.call(openAt, () => {
      if (from.connections.get(to.peerId) !== connection) return
      connection.isOpen = true
      from.receiver.peerEvent({ name: "up", peerId: to.peerId })
      to.receiver.peerEvent({ name: "up", peerId: from.peerId })
    })
    return connection
  }

  /** A frame is there: the last moment at which it can be lost. */
  arrive(from: Host, to: Host, channel: Channel, frame: Uint8Array, connection?: Connection): void {
    if (this.#hadResets && connection?.isReset === true && this.#random.chance(0.5)) {
      this.dropped.reset++
      return
    }
    if (!to.isUp) {
      this.dropped.down++
      return
    }
    if (!this.canReach(from, to)) {
      this.dropped.cut++
      return
    }
    this.framesDelivered++
    this.#clock.eventPeer = to.peerId
    this.#hash.frame(this.#clock.now, from.index, to.index, channel, frame)
    to.receiver.receive(from.peerId, channel, frame)
  }

  #drop(reason: DropReason, accepted: boolean): boolean {
    this.dropped[reason]++
    return accepted
  }

  /**
   * Breaks a share of all connections. Of the frames on their way half are lost; the others arrive all the same, and those
   * of the next connection may overtake them.
   */
  resetConnections(share: number): void {
    this.#hadResets = true
    const all = new Set([...this.#hosts.values()].flatMap((host) => [...host.connections.values()]))
    for (const connection of all) {
      if (!this.#random.chance(share)) continue
      const { dialler, listener } = connection
      this.#forget(connection)
      connection.isReset = true
      if (!connection.isOpen) this.lastBrokenDialAt = this.#clock.now
      for (const [host, other] of [[dialler, listener], [listener, dialler]] as const) {
        const delayMs = this.#latency.oneWayMs(other.index, host.index)
        this.#clock.call(this.#clock.now + delayMs, () => this.#tellDown(host, other.peerId))
      }
    }
  }

  #breakCutConnections(): void {
    const cut = new Set<Connection>()
    for (const host of this.#hosts.values()) {
      for (const connection of host.connections.values()) {
        if (this.#isCut(connection)) cut.add(connection)
      }
    }
    this.#clock.call(this.#clock.now + this.conditions.breakAfterMs, () => {
      for (const connection of cut) {
        const { dialler, listener } = connection
        if (dialler.connections.get(listener.peerId) !== connection || !this.#isCut(connection)) continue
        this.#forget(connection)
        this.#tellDown(dialler, listener.peerId)
        this.#tellDown(listener, dialler.peerId)
      }
    })
  }

  #isCut(connection: Connection): boolean {
    const { dialler, listener } = connection
    return !this.canReach(dialler, listener) || !this.canReach(listener, dialler)
  }

  #forget(connection: Connection): void {
    const { dialler, listener } = connection
    if (dialler.connections.get(listener.peerId) === connection) dialler.connections.delete(listener.peerId)
    if (listener.connections.get(dialler.peerId) === connection) listener.connections.delete(dialler.peerId)
  }

  #tellDown(host: Host, peerId: PeerId): void {
    const tell = { isCancelled: false, fire: () => this.#tellDown(host, peerId) }
    // Whoever has sent something since is dialling already, and knows that only now.
    if (!host.isUp || host.connections.get(peerId)?.isOpen === true || host.backlog?.keeps(tell) === true) return
    host.receiver.peerEvent({ name: "down", peerId })
  }
}

class Delivery implements SimEvent {
  readonly #network: SimNetwork
  readonly #from: Host
  readonly #to: Host
  readonly #channel: Channel
  readonly #frame: Uint8Array
  /** None for what a peer sends itself. */
  readonly #connection: Connection | undefined

  constructor(network: SimNetwork, from: Host, to: Host, channel: Channel, frame: Uint8Array, connection?: Connection) {
    this.#connection = connection
    this.#network = network
    this.#from = from
    this.#to = to
    this.#channel = channel
    this.#frame = frame
  }

  get isCancelled(): boolean {
    return false
  }

  fire(): void {
    if (this.#to.backlog?.keeps(this) === true) return
    this.#network.arrive(this.#from, this.#to, this.#channel, this.#frame, this.#connection)
  }
}

/** Which way a packet takes from here: what the route cache, the neighbours' beacons and the links that are known to be broken say together. */
import type { Address } from "./address.ts"
import { clockwise } from "./address.ts"
import type { BrokenLinks } from "./broken-links.ts"
import type { Neighbourhood } from "./neighbourhood.ts"
import type { Packet, PacketType } from "./packet.ts"
import { packetTypes } from "./packet.ts"
import { goalOf, ledBy, longRoute, relieved, restored, shortcut, straightened } from "./packet-steps.ts"
import type { RouteCache } from "./route-cache.ts"
import type { Route } from "./route.ts"
import { extend } from "./route.ts"
import type { Vicinity } from "./vicinity.ts"

export interface WaysComponents {
  readonly neighbourhood: Neighbourhood
  readonly cache: RouteCache
  readonly vicinity: Pick<Vicinity, "via">
  readonly broken: BrokenLinks
}

/** See the head of this file. */
export class Ways {
  readonly #components: WaysComponents

  constructor(components: WaysComponents) {
    this.#components = components
  }

  /** Links on the way to a node; undefined where none is known. */
  hopsTo(address: Address): number | undefined {
    const known = this.#components.cache.hopsTo(address)
    return (known === undefined || known > 2) && this.via(address) !== undefined ? 2 : known
  }

  routeTo(address: Address): Route | undefined {
    const { cache } = this.#components
    const known = cache.hopsTo(address)
    const via = known === undefined || known > 2 ? this.via(address) : undefined
    return via === undefined ? cache.routeTo(address) : [cache.self, via, address]
  }

  /** The neighbour that has this node for a neighbour, as far as is known. */
  via(address: Address): Address | undefined {
    const { vicinity, neighbourhood, broken } = this.#components
    const via = vicinity.via(address)
    return via === undefined || !neighbourhood.isNeighbour(via) || broken.has(via, address) ? undefined : via
  }

  /** The way to a destination, or to a node that is nearer to it than this one. */
  towards(destination: Address, type: PacketType): Route | undefined {
    const { cache } = this.#components
    const known = this.routeTo(destination)
    if (known !== undefined) return known
    const goal = type === packetTypes.newNodeAnnounce ? cache.smallest() : cache.towards(destination, clockwise(cache.self, destination))
    return goal === undefined ? undefined : cache.routeTo(goal)
  }

  /** The packet with a way from here on; what grows long is made as short as this node can. */
  led(packet: Packet, onward: Route): Packet {
    const travelled = { ...packet, route: packet.route.slice(0, packet.hop + 1) }
    const led = travelled.route.length + onward.length > longRoute ? this.#relieved(travelled) : travelled
    return ledBy(led, extend(led.route, onward))
  }

  /**
   * A better way for a packet whose route leads only part of the way to its destination: there, or to a node that is nearer to
   * it on the ring than where the route ends and no more links away. Undefined where none is known, and for a whole route.
   */
  beyond(packet: Packet): Route | undefined {
    const { cache } = this.#components
    const { type, destination, route, hop } = packet
    if (goalOf(packet) === destination || type === packetTypes.newNodeAnnounce) return undefined
    const known = this.routeTo(destination)
    if (known !== undefined) return known
    const nearer = cache.towards(destination, clockwise(goalOf(packet), destination))
    return nearer === undefined || (cache.hopsTo(nearer) as number) > route.length - 1 - hop ? undefined : cache.routeTo(nearer)
  }

  /** The packet with the shortest way that this node knows to any node of its route, unless that leads back to where the packet has been. */
  shortened(sent: Packet): Packet {
    const packet = sent.route.length > longRoute ? this.#relieved(sent) : sent
    const { route, hop } = packet
    let saved = 0
    let rejoin = hop
    for (let at = route.length - 1; at - hop - 1 > saved; at--) {
      const hops = this.hopsTo(route[at] as Address)
      if (hops === undefined || at - hop - hops <= saved) continue
      saved = at - hop - hops
      rejoin = at
    }
    return saved === 0 ? packet : shortcut(packet, this.routeTo(route[rejoin] as Address) as Route, rejoin)
  }

  /** What the packet has travelled as short as this node can make it, and from its source on where this node knows the way there. */
  #relieved(packet: Packet): Packet {
    const back = packet.origin === undefined ? undefined : this.#backTo(packet.origin)
    const whole = back === undefined ? packet : restored(packet, back)
    const travelled = whole.route.slice(0, whole.hop + 1)
    return relieved(whole, straightened(travelled, (address) => this.hopsTo(address), (address) => this.routeTo(address)))
  }

  #backTo(source: Address): Route | undefined {
    const { self } = this.#components.cache
    return source === self ? [self] : this.routeTo(source)
  }
}

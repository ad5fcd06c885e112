/** What a packet says of its way, and the packet one step further on: plain data in, plain data out. */
import type { Address } from "./address.ts"
import type { Packet } from "./packet.ts"
import { maxRouteLength, packetTypes, sourceOf } from "./packet.ts"
import type { Route, Way } from "./route.ts"
import { join, reverse } from "./route.ts"

/** Half of what a packet can name: from here on what it has travelled is made as short as can be. */
export const longRoute = maxRouteLength / 2

export function isComplaint({ type }: Packet): boolean {
  return type === packetTypes.linkBroken || type === packetTypes.unreachable
}

/** Where the source route ends. */
export function goalOf({ route }: Packet): Address {
  return route.at(-1) as Address
}

/** Whether the packet's way is too long for its route, which begins later than at its source. That of one that was stranded does so as well, but is short. */
export function isBeyondTelling({ origin, route }: Packet): boolean {
  return origin !== undefined && route.length > longRoute
}

/** Who sent the packet here, when it follows its source route. */
export function previousNode({ route, hop }: Packet): Address | undefined {
  return route[hop]
}

/** The packet one node further on: here. */
export function advanced(packet: Packet): Packet {
  return packet.stub.length > 0 ? { ...packet, stub: packet.stub.slice(1) } : { ...packet, hop: packet.hop + 1 }
}

/** The packet with another way from here to where it goes on along its route, unless that leads back to where it has been. */
export function shortcut(packet: Packet, onward: Route, rejoin: number): Packet {
  const travelled = packet.route.slice(0, packet.hop + 1)
  if (onward.slice(1).some((address) => travelled.includes(address))) return packet
  const ahead = join(onward, packet.route.slice(rejoin))
  return ledBy(packet, { stub: [], route: [...travelled, ...ahead.slice(1)], hop: packet.hop })
}

/** The packet on its way on. Where the route is too long it begins at a later node, at this one at the latest: errors are told to that one, and the packet says itself whose it is. */
export function ledBy(packet: Packet, { stub, route, hop }: Way): Packet {
  const surplus = Math.min(hop, Math.max(0, route.length - maxRouteLength))
  const led = { ...packet, stub, route: route.slice(surplus), hop: hop - surplus }
  return surplus === 0 ? led : { ...led, origin: sourceOf(packet) }
}

/** The packet as this node would send it, for whoever did: on a stub that is broken it is on no route. */
export function sentAnew(packet: Packet, self: Address): Packet {
  return { ...packet, stub: [], route: [self], hop: 0, origin: sourceOf(packet) }
}

/** The packet, whose route begins later than at its source, as if it had come from there by a way that this node knows: whoever gets it can tell its source the whole way. `back` leads from this node to the source. */
export function restored(packet: Packet, back: Route): Packet {
  const { origin: _, ...rest } = packet
  const ahead = packet.route.slice(packet.hop + 1)
  if (back.length + ahead.length > maxRouteLength || back.some((address) => ahead.includes(address))) return packet
  return { ...rest, route: [...reverse(back), ...ahead], hop: back.length - 1 }
}

/** The packet as if it had come by another way, unless that leads by where it is to go. */
export function relieved(packet: Packet, travelled: Route): Packet {
  const ahead = packet.route.slice(packet.hop + 1)
  if (travelled.length > packet.hop || travelled.some((address) => ahead.includes(address))) return packet
  return { ...packet, route: [...travelled, ...ahead], hop: travelled.length - 1 }
}

/**
 * The way from a route's beginning to its end, the node that knows these ways: one that comes back near to where it was need not go round.
 * `routeTo` tells the ways from that node, `hopsTo` how many links they have.
 */
export function straightened(travelled: Route, hopsTo: (address: Address) => number | undefined, routeTo: (address: Address) => Route | undefined): Route {
  let best = travelled
  for (const [at, address] of travelled.entries()) {
    const hops = hopsTo(address)
    if (hops === undefined || at + hops + 1 >= best.length) continue
    const shorter = [...travelled.slice(0, at), ...reverse(routeTo(address) ?? [])]
    if (shorter.length === at + hops + 1 && new Set(shorter).size === shorter.length) best = shorter
  }
  return best
}

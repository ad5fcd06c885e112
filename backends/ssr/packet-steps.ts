/** What a packet says of its way, and the packet one step further on: plain data in, plain data out. */
import type { Address } from "./address.ts"
import type { Packet } from "./packet.ts"
import { maxRouteLength, packetTypes } from "./packet.ts"
import type { Route, Way } from "./route.ts"
import { join } from "./route.ts"

export function isComplaint({ type }: Packet): boolean {
  return type === packetTypes.linkBroken || type === packetTypes.unreachable
}

/** Where the source route ends. */
export function goalOf({ route }: Packet): Address {
  return route.at(-1) as Address
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
  return { ...packet, ...bounded({ stub: [], route: [...travelled, ...ahead.slice(1)], hop: packet.hop }) }
}

/** A way whose route is too long begins at a later node, at this one at the latest: errors are then told to that one. */
export function bounded(way: Way): Way {
  const surplus = Math.min(way.hop, Math.max(0, way.route.length - maxRouteLength))
  return surplus === 0 ? way : { stub: way.stub, route: way.route.slice(surplus), hop: way.hop - surplus }
}

/**
 * What nodes that look for their places say to each other by way of a third. A
 * full cache forgets one way for each that it learns, and that would wear it
 * out while a large mesh forms: of that it takes one packet in a few.
 */
import type { Packet } from "./packet.ts"
import { packetTypes } from "./packet.ts"
import type { RouteCache } from "./route-cache.ts"

const oneIn = 4

/** See the head of this file. */
export class PassingTalk {
  #count = 0

  /** Whether to learn nothing from a packet. */
  isIgnored({ type, stub, route, hop }: Packet, { size, maxNodes }: RouteCache): boolean {
    if (type !== packetTypes.update && type !== packetTypes.notification) return false
    if (size < maxNodes || (stub.length === 0 && hop === route.length - 1)) return false
    this.#count = (this.#count + 1) % oneIn
    return this.#count !== 0
  }
}

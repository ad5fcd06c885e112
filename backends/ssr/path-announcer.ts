/**
 * Lets the source of a packet know the whole way that it has come, and who is
 * near here: next time it needs no decisions.
 *
 * Where the way is too long to be told, so is most often the one back. Then
 * both ends say once who is near them: nodes on the way that know one of those
 * know a way, and a packet that comes by them has a whole one.
 */
import { ByteWriter } from "../../src/codec.ts"
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Neighbourhood } from "./neighbourhood.ts"
import type { Packet } from "./packet.ts"
import { packetTypes, sourceOf, writeRoute } from "./packet.ts"
import { isBeyondTelling } from "./packet-steps.ts"
import type { Route } from "./route.ts"

export interface PathAnnouncerComponents {
  readonly runtime: Pick<Runtime, "now">
  readonly neighbourhood: Neighbourhood
  /** Sends the body of a path announce. */
  readonly send: (to: Address, body: Uint8Array) => void
}

/** The same source is not told again for so long. */
const lifeMs = 10_000
const maxItems = 256
/** Neighbours that an announce names. */
const maxNeighbours = 32

/** See the head of this file. */
export class PathAnnouncer {
  readonly #components: PathAnnouncerComponents
  readonly #told: Recent<Address>

  constructor(components: PathAnnouncerComponents) {
    this.#components = components
    this.#told = new Recent(components.runtime, { lifeMs, maxItems })
  }

  /** A packet has arrived: data, or what another node tells in the same manner. */
  onArrival(packet: Packet): void {
    const { type, route } = packet
    const isData = type === packetTypes.connect || type === packetTypes.closest
    if (isData || (type === packetTypes.pathAnnounce && isBeyondTelling(packet))) this.#tell(sourceOf(packet), route)
  }

  #tell(source: Address, route: Route): void {
    if (route.length <= 2 || !this.#told.add(source)) return
    const writer = new ByteWriter(256)
    writeRoute(writer, [...this.#components.neighbourhood.neighbours()].slice(0, maxNeighbours))
    const body = writer.finish()
    // Of a way that is too long for one route the source may never hear; whoever had the packet begin anew is on it as well.
    for (const to of new Set([source, route[0] as Address])) this.#components.send(to, body)
  }
}

/** Lets the source of a packet know the whole way that it has come, and who is near here: next time it needs no decisions. */
import { ByteWriter } from "../../src/codec.ts"
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Neighbourhood } from "./neighbourhood.ts"
import { writeRoute } from "./packet.ts"
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

  /** Data has come by this route. */
  onData(source: Address, route: Route): void {
    if (route.length <= 2 || !this.#told.add(source)) return
    const writer = new ByteWriter(256)
    writeRoute(writer, [...this.#components.neighbourhood.neighbours()].slice(0, maxNeighbours))
    const body = writer.finish()
    // Of a way that is too long for one route the source may never hear; whoever had the packet begin anew is on it as well.
    for (const to of new Set([source, route[0] as Address])) this.#components.send(to, body)
  }
}

/** A Kademlia overlay in the simulator: routing alone, no storage on top. */
import type { KademliaOptions } from "../../../backends/kademlia/options.ts"
import { KademliaRouting } from "../../../backends/kademlia/routing.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { SimulationOptions } from "../../../src/sim/index.ts"
import { RoutingOverlay } from "../routing-overlay.ts"
import { byDistance } from "./arbitraries.ts"

export interface OverlayOptions extends SimulationOptions {
  readonly kademlia?: KademliaOptions
}

export class KademliaOverlay extends RoutingOverlay<KademliaRouting> {
  readonly #siblings: number

  constructor({ kademlia = {}, ...options }: OverlayOptions) {
    super(options, (context) => new KademliaRouting(context, kademlia))
    this.#siblings = kademlia.siblings ?? 20
  }

  /** The peers that are up, the closest to the key first. */
  closestTo(key: Id): string[] {
    return byDistance(key, this.members).map(({ peerId }) => peerId)
  }

  /** What keeps the peers from being siblings of those closest to them. */
  defects(): string[] {
    return [...this.peers.values()].flatMap(({ name, routing }) => {
      const { siblings = [] } = routing.describe().neighbours
      const expected = byDistance(routing.self.id, this.members).slice(1, this.#siblings + 1).map(({ peerId }) => peerId)
      const found = siblings.map(({ peerId }) => peerId)
      return found.join() === expected.join() ? [] : [`${name} has the siblings [${found.join(" ")}], expected [${expected.join(" ")}]`]
    })
  }
}

/** A Chord overlay in the simulator: routing alone, no storage on top. */
import type { ChordOptions } from "../../../backends/chord/options.ts"
import { ChordRouting } from "../../../backends/chord/routing.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { RingMember } from "../../../src/sim/checkers/zave.ts"
import { findRingDefects } from "../../../src/sim/checkers/zave.ts"
import type { SimulationOptions } from "../../../src/sim/index.ts"
import { RoutingOverlay } from "../routing-overlay.ts"

export interface OverlayOptions extends SimulationOptions {
  readonly chord?: ChordOptions
}

export class ChordOverlay extends RoutingOverlay<ChordRouting> {
  readonly #successors: number

  constructor({ chord = {}, ...options }: OverlayOptions) {
    super(options, (context) => new ChordRouting(context, chord))
    this.#successors = chord.successors ?? 8
  }

  /** The peers that are up, clockwise from the key. */
  closestTo(key: Id): string[] {
    const order = this.order
    const first = Math.max(0, order.findIndex(({ routing }) => routing.self.id >= key))
    return [...order.slice(first), ...order.slice(0, first)].map(({ name }) => name)
  }

  /** The rings as the checkers see them. */
  view(): RingMember[] {
    return [...this.peers.values()].map(({ routing }) => {
      const { predecessors = [], successors = [] } = routing.describe().neighbours
      const { id } = routing.self
      return { id, predecessor: predecessors[0]?.id ?? id, successors: successors.map((member) => member.id) }
    })
  }

  defects(): string[] {
    return findRingDefects(this.view(), this.#successors)
  }
}

/** A Bamboo overlay in the simulator: routing alone, no storage on top. */
import type { BambooOptions } from "../../../backends/bamboo/options.ts"
import { BambooRouting } from "../../../backends/bamboo/routing.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { SimulationOptions } from "../../../src/sim/index.ts"
import { RoutingOverlay } from "../routing-overlay.ts"
import { byCloseness } from "./arbitraries.ts"

export interface OverlayOptions extends SimulationOptions {
  readonly bamboo?: BambooOptions
}

export class BambooOverlay extends RoutingOverlay<BambooRouting> {
  readonly #leavesPerSide: number

  constructor({ bamboo = {}, ...options }: OverlayOptions) {
    super(options, (context) => new BambooRouting(context, bamboo))
    this.#leavesPerSide = bamboo.leavesPerSide ?? 8
  }

  /** The peers that are up, the closest to the key first. */
  closestTo(key: Id): string[] {
    return byCloseness(key, this.members).map(({ peerId }) => peerId)
  }

  /** Leaf sets that do not name exactly the next on either side. */
  defects(): string[] {
    const order = this.members.sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ peerId }) => peerId)
    const count = Math.min(this.#leavesPerSide, order.length - 1)
    return [...this.peers.values()].flatMap(({ name, routing }) => {
      const at = order.indexOf(name)
      const { before = [], after = [] } = routing.describe().neighbours
      return [{ side: before, step: -1 }, { side: after, step: 1 }].flatMap(({ side, step }) => {
        const expected = Array.from({ length: count }, (_, nth) => order.at((at + step * (nth + 1)) % order.length)).join(" ")
        const found = side.map(({ peerId }) => peerId).join(" ")
        return found === expected ? [] : [`${name} has on one side [${found}], expected [${expected}]`]
      })
    })
  }
}

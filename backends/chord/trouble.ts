/**
 * Deaths seldom come alone: a power failure takes half of a town. Whoever finds
 * a neighbour dead looks at those beside it at once, the farther to both sides
 * the more have died of late; so a gap of any length is found in as many steps
 * as its length has binary digits, instead of peer by peer.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Surroundings } from "./surroundings.ts"

export interface TroubleComponents {
  readonly runtime: Runtime
  readonly surroundings: Surroundings
  /** Find out whether that peer is dead. */
  readonly suspect: (peerId: PeerId) => void
}

/** So long deaths belong together. */
const windowMs = 10_000
/** So long nobody is asked again. */
const restMs = 3_000

/** See the head of this file. */
export class Trouble {
  readonly #components: TroubleComponents
  #deaths: readonly number[] = []
  readonly #asked: Recent<PeerId>

  constructor(components: TroubleComponents) {
    this.#components = components
    this.#asked = new Recent(components.runtime, { lifeMs: restMs })
  }

  /** A member was found dead. Call it while its place is still known. */
  sawDeath({ id }: Member): void {
    const { runtime, surroundings, suspect } = this.#components
    const around = [...surroundings.predecessors.toReversed(), ...(surroundings.ringOrNone?.successors ?? [])]
    const at = around.findIndex((member) => member.id === id)
    if (at < 0) return
    const now = runtime.now()
    this.#deaths = [...this.#deaths.filter((diedAt) => diedAt > now - windowMs), now].slice(-around.length)
    const reach = 2 ** this.#deaths.length - 1
    const beside = [...around.slice(Math.max(0, at - reach), at), ...around.slice(at + 1, at + 1 + reach)]
    for (const { peerId } of beside) if (this.#asked.add(peerId)) suspect(peerId)
  }
}

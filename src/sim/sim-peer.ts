/** One simulated process: a Runtime and a Link that live and die together. */
import type { Logger, Metrics } from "../runtime/runtime.ts"
import { Backlog } from "./backlog.ts"
import type { VirtualClock } from "./clock.ts"
import { SimLink } from "./sim-link.ts"
import type { SimNetwork } from "./sim-network.ts"
import type { SimRandom } from "./sim-random.ts"
import { SimRuntime } from "./sim-runtime.ts"

export interface SimPeerComponents {
  readonly clock: VirtualClock
  readonly network: SimNetwork
  readonly random: SimRandom
  readonly log: Logger
  readonly metrics: Metrics
  readonly onGone: () => void
  /** Takes no connection that it did not dial. @default false */
  readonly isNatted?: boolean
}

/** See the head of this file. */
export class SimPeer {
  readonly name: string
  readonly runtime: SimRuntime
  readonly link: SimLink
  readonly #network: SimNetwork
  readonly #clock: VirtualClock
  readonly #onGone: () => void
  #isUp = true

  constructor(name: string, components: SimPeerComponents) {
    this.name = name
    this.#network = components.network
    this.#clock = components.clock
    this.#onGone = components.onGone
    this.runtime = new SimRuntime({ ...components, name })
    this.link = new SimLink(name, { network: components.network, runtime: this.runtime, isNatted: components.isNatted ?? false })
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** The process dies without a word: no timer fires any more, nothing is sent or received. */
  crash(): void {
    this.#end(false)
  }

  /** The process exits: call it when the software on top has left properly. */
  exit(): void {
    this.#end(true)
  }

  /** Everything that arrives is dealt with so much later. */
  slowDown(slownessMs: number): void {
    this.link.host.slownessMs = slownessMs
  }

  /** Nothing happens in this process for so long: what is due is late, what arrives waits. */
  stall(durationMs: number): void {
    const backlog = this.runtime.backlog ?? new Backlog(this.#clock)
    this.runtime.backlog = backlog
    this.link.host.backlog = backlog
    backlog.stall(durationMs)
  }

  #end(graceful: boolean): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.runtime.halt()
    this.#network.detach(this.link.host, graceful)
    this.#onGone()
  }
}

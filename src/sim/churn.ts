/**
 * Peers that come and go: sessions of exponential length around a median
 * (Rhea et al., "Handling Churn in a DHT", 2004); whoever goes is replaced, so
 * that the size stays about the same.
 */
import type { Fleet } from "./fleet.ts"
import { SimRandom } from "./sim-random.ts"

export interface ChurnOptions {
  readonly medianSessionMs: number
  /** Probability that a session ends by a proper leave, not a crash. @default 0 */
  readonly graceful?: number
}

/** See the head of this file. */
export class Churn {
  readonly #fleet: Fleet
  readonly #options: Required<ChurnOptions>
  readonly #random: SimRandom
  #isRunning = false
  #isWaiting = false

  constructor(components: { readonly fleet: Fleet }, options: ChurnOptions) {
    this.#fleet = components.fleet
    this.#options = { graceful: 0, ...options }
    this.#random = new SimRandom(components.fleet.simulation.seed, "churn")
  }

  start(): void {
    this.#isRunning = true
    if (!this.#isWaiting) void this.#loop()
  }

  stop(): void {
    this.#isRunning = false
  }

  /** The exponential distribution has no memory: the next to go is any peer, at the summed rate of all. */
  async #loop(): Promise<void> {
    const { simulation } = this.#fleet
    const meanSessionMs = this.#options.medianSessionMs / Math.LN2
    this.#isWaiting = true
    while (this.#isRunning) {
      const { running } = this.#fleet
      await simulation.sleep(this.#random.exponential(meanSessionMs / Math.max(1, running.length)))
      if (!this.#isRunning) break
      const victim = this.#random.pick(this.#fleet.running)
      if (victim === undefined || this.#fleet.running.length < 2) continue
      // Of an overlay that nobody serves any more nothing would be left to join.
      if (this.#fleet.serving.every((member) => member === victim)) continue
      if (this.#random.chance(this.#options.graceful)) void this.#fleet.leave(victim.name)
      else this.#fleet.crash(victim.name)
      void this.#fleet.start(this.#fleet.freshName())
    }
    this.#isWaiting = false
  }
}

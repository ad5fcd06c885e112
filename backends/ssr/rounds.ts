/** When a node looks after its place on the ring: soon and often once anything has changed, less and less often as nothing does. */
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { SsrSettings } from "./options.ts"

/** What is done, and for whom. */
export interface RoundsListener {
  onRound(): void
  /** Whether a neighbour is missing: nobody answers for the keys up to the next one, and that cannot wait for a calm mesh. */
  isUnplaced(): boolean
}

/** How far apart rounds are at most where a neighbour is missing, in the shortest time between two. */
const unplacedRounds = 4

/** See the head of this file. */
export class Rounds {
  readonly #runtime: Runtime
  readonly #settings: SsrSettings
  readonly #listener: RoundsListener
  #intervalMs: number
  #timer: Timer | undefined
  #dueAt = 0
  #isStopped = true

  constructor(runtime: Runtime, settings: SsrSettings, listener: RoundsListener) {
    this.#runtime = runtime
    this.#settings = settings
    this.#listener = listener
    this.#intervalMs = settings.minStabilizeMs
  }

  start(): void {
    this.#isStopped = false
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Something changed. */
  hurry(): void {
    if (this.#isStopped) return
    this.#intervalMs = this.#settings.minStabilizeMs
    // What is due soon stays so: changes may come faster than rounds.
    if (this.#timer === undefined || this.#dueAt > this.#runtime.now() + 1.5 * this.#intervalMs) this.#schedule()
  }

  #schedule(): void {
    this.#timer?.cancel()
    const delayMs = this.#intervalMs * (0.5 + this.#runtime.random.float())
    this.#dueAt = this.#runtime.now() + delayMs
    this.#timer = this.#runtime.setTimer(delayMs, () => {
      this.#listener.onRound()
      const { minStabilizeMs, maxStabilizeMs } = this.#settings
      this.#intervalMs = Math.min(this.#listener.isUnplaced() ? unplacedRounds * minStabilizeMs : maxStabilizeMs, this.#intervalMs * 2)
      this.#schedule()
    })
  }
}

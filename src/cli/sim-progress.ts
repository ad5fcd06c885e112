/** How far a run is, for how long it will go on, and how much memory it has taken. */
import type { World } from "../sim/world.ts"
import { expectedMs } from "../sim/scenario.ts"
import type { Scenario } from "../sim/scenario.ts"

const barCells = 24
const sampleMs = 500

/** Shows itself on a terminal only. */
export class Progress {
  readonly #expectedMs: number
  readonly #prefix: string
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #peakBytes = 0

  constructor(scenario: Scenario, prefix: string) {
    this.#expectedMs = expectedMs(scenario)
    this.#prefix = prefix
    this.#measure()
  }

  /** The most resident memory of the process at any moment since this began. */
  get peakBytes(): number {
    this.#measure()
    return this.#peakBytes
  }

  follow(world: World): void {
    this.#timer = setInterval(() => {
      this.#measure()
      if (process.stderr.isTTY) process.stderr.write(`\r${this.#prefix}${this.describe(world)}\u001b[K`)
    }, sampleMs)
  }

  /** The line for people. */
  describe({ simulation, fleet }: Pick<World, "simulation" | "fleet">): string {
    const share = Math.min(1, simulation.now / this.#expectedMs)
    const filled = Math.round(share * barCells)
    const bar = "█".repeat(filled) + "░".repeat(barCells - filled)
    const left = share === 0 ? "" : `, ${leftText(((performance.now() - this.#startedAt) / 1000) * (1 / share - 1))}`
    return `${bar} ${(simulation.now / 60_000).toFixed(1)} virtual minutes, ${fleet.serving.length} peers${left}`
  }

  stop(): void {
    this.#measure()
    clearInterval(this.#timer)
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
  }

  #measure(): void {
    this.#peakBytes = Math.max(this.#peakBytes, process.memoryUsage.rss())
  }
}

function leftText(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.ceil(seconds / 60)} min left`
}

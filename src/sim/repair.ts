/** How long an overlay takes to be right again once nothing goes wrong any more. */
import { OverlayServlet } from "../overlay/index.ts"
import type { Fleet } from "./fleet.ts"
import type { Lookups } from "./workloads/lookups.ts"

/** Virtual milliseconds from the end of the last fault (the last crash, the healing, the end of churn); 0 where nothing was wrong by then. */
export interface RepairReport {
  /** Until every key had exactly one peer that answers for it, for good. Undefined where the backend does not tell. */
  readonly ownersMs?: number
  /** Until every look-up succeeded and showed the truth, for good; records lost altogether aside. */
  readonly readsMs?: number
}

const sampleMs = 250
/** What is wrong after so long is told less exactly. */
const closeLookMs = 30_000
const laterSampleMs = 2_000
const sampledKeys = 64

/** Watches from `since` on. */
export class RepairWatch {
  readonly #fleet: Fleet
  readonly #since: number
  readonly #keys: readonly string[]
  #lastWrongAt: number | undefined
  #isOver = false

  constructor(fleet: Fleet, since: number) {
    this.#fleet = fleet
    this.#since = since
    this.#keys = Array.from({ length: sampledKeys }, (_, at) => {
      const place = Math.floor((at / sampledKeys) * 2 ** 32).toString(16)
      return place.padStart(8, "0").padEnd(40, "7")
    })
    fleet.simulation.after(since - fleet.simulation.now, () => this.#look())
  }

  end(lookups: Lookups | undefined): RepairReport {
    this.#isOver = true
    const after = (moment: number): number => Math.max(0, Math.round(moment - this.#since))
    return {
      ...(this.#lastWrongAt === undefined ? {} : { ownersMs: after(this.#lastWrongAt) }),
      ...(lookups === undefined ? {} : { readsMs: after(lookups.lastTroubleAt) }),
    }
  }

  #look(): void {
    const routings = this.#fleet.running.flatMap(({ servlet }) => (servlet instanceof OverlayServlet ? (servlet.routing ?? []) : []))
    if (this.#isOver || routings.length === 0) return
    const { simulation } = this.#fleet
    const isRight = this.#keys.every((key) => {
      let owners = 0
      for (const routing of routings) if (routing.isResponsible(key) && ++owners > 1) return false
      return owners === 1
    })
    this.#lastWrongAt ??= this.#since
    const nextMs = simulation.now < this.#since + closeLookMs ? sampleMs : laterSampleMs
    if (!isRight) this.#lastWrongAt = simulation.now + nextMs
    simulation.after(nextMs, () => this.#look())
  }
}

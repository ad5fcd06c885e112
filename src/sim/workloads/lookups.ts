/** Callers: they look keys up, the popular ones more often, from any peer, and compare what they see with the ledger. */
import type { Fleet, FleetMember } from "../fleet.ts"
import { SimRandom } from "../sim-random.ts"
import type { Contradiction, Ledger } from "./ledger.ts"
import { withPatience } from "./registrations.ts"

export interface LookupOptions {
  /** Look-ups per second in the whole overlay. */
  readonly perSecond: number
  /** Exponent of the Zipf distribution over the keys; 0 is uniform. @default 0.9 */
  readonly zipf?: number
  /** A caller gives up after this long. @default 15_000 */
  readonly patienceMs?: number
}

/**
 * So long after a peer came or went, requests must succeed again. A connection
 * that breaks is no such change, unless it breaks before it is made: nobody
 * can promise an answer in time to whom no connection is left the time to be
 * made.
 */
export const recoveryMs = 10_000

export interface LookupComponents {
  readonly fleet: Fleet
  readonly ledger: Ledger
}

/** See the head of this file. */
export class Lookups {
  readonly #fleet: Fleet
  readonly #ledger: Ledger
  readonly #options: Required<LookupOptions>
  readonly #random: SimRandom
  readonly latenciesMs: number[] = []
  /** Look-ups whose asker died before the answer. */
  abandoned = 0
  /** Look-ups that showed something other than the truth. */
  readonly contradictions: (Contradiction & { readonly at: number; readonly peer: string })[] = []
  readonly failures = new Map<string, number>()
  /** Failures of look-ups that began longer than `recoveryMs` after the last change. */
  readonly lateFailures: { readonly code: string; readonly key: string; readonly at: number; readonly peer: string }[] = []
  answered = 0
  /** Answered look-ups that showed something other than the truth. */
  inconsistent = 0
  #isRunning = false
  #lastTroubleAt = 0

  constructor(components: LookupComponents, options: LookupOptions) {
    this.#fleet = components.fleet
    this.#ledger = components.ledger
    this.#options = { zipf: 0.9, patienceMs: 15_000, ...options }
    this.#random = new SimRandom(components.fleet.simulation.seed, "callers")
  }

  /** Look-ups that nobody answered in time, or with an error. */
  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0)
  }

  /** When the last look-up began that failed, or showed what is not so; records that are lost for good aside. */
  get lastTroubleAt(): number {
    return this.#lastTroubleAt
  }

  start(): void {
    this.#isRunning = true
    void this.#call()
  }

  stop(): void {
    this.#isRunning = false
  }

  async #call(): Promise<void> {
    const { simulation } = this.#fleet
    const meanGapMs = 1000 / this.#options.perSecond
    for (;;) {
      await simulation.sleep(this.#random.exponential(meanGapMs))
      if (!this.#isRunning) return
      const member = this.#random.pick(this.#fleet.serving)
      const { keys } = this.#ledger
      const key = keys[zipfRank(this.#random, keys.length, this.#options.zipf)]
      if (member !== undefined && key !== undefined) void this.#lookUp(key, member)
    }
  }

  #lastChangeAt(): number {
    return Math.max(this.#fleet.lastChangeAt, this.#fleet.simulation.network.lastBrokenDialAt)
  }

  async #lookUp(key: string, member: FleetMember): Promise<void> {
    const { simulation } = this.#fleet
    const startedAt = simulation.now
    const isCalm = startedAt - this.#lastChangeAt() > recoveryMs
    const versions = this.#ledger.versionsOf(key)
    const outcome = await withPatience(this.#fleet, member.servlet.get(key), this.#options.patienceMs)
    if (this.#fleet.member(member.name) !== member) {
      this.abandoned++
      return
    }
    if (!outcome.isDone) {
      this.#lastTroubleAt = Math.max(this.#lastTroubleAt, startedAt)
      this.failures.set(outcome.code, (this.failures.get(outcome.code) ?? 0) + 1)
      if (isCalm && this.#lastChangeAt() < startedAt) this.lateFailures.push({ code: outcome.code, key, at: startedAt, peer: member.name })
      return
    }
    this.answered++
    this.latenciesMs.push(simulation.now - startedAt)
    const found = this.#ledger.judge(key, outcome.result, simulation.now, versions).filter(({ kind }) => kind !== "wrong value" || versions.size > 0)
    if (found.length > 0) this.inconsistent++
    for (const contradiction of found) {
      if (contradiction.kind !== "lost") this.#lastTroubleAt = Math.max(this.#lastTroubleAt, startedAt)
      this.contradictions.push({ ...contradiction, at: simulation.now, peer: member.name })
    }
  }
}

/** A rank in [0, count): rank r with a weight of 1 / (r + 1)^exponent, by inversion of the continuous distribution. */
export function zipfRank(random: SimRandom, count: number, exponent: number): number {
  if (count === 0) return 0
  const draw = random.float()
  const rank =
    Math.abs(exponent - 1) < 1e-9
      ? (count + 1) ** draw - 1
      : (draw * ((count + 1) ** (1 - exponent) - 1) + 1) ** (1 / (1 - exponent)) - 1
  return Math.min(count - 1, Math.floor(rank))
}

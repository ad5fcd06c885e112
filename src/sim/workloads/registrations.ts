/**
 * Phones that keep themselves registered: each stores its binding at some
 * peer, refreshes it in time, now and then removes it and comes back, and
 * never has two requests under way.
 */
import { isP2PSipError } from "../../errors.ts"
import type { Sequence } from "../../servlet/index.ts"
import type { Fleet, FleetMember } from "../fleet.ts"
import { SimRandom } from "../sim-random.ts"
import type { Ledger, LedgerOperation } from "./ledger.ts"

export interface RegistrationOptions {
  readonly phones: number
  /** An address-of-record has this many phones. @default 2 */
  readonly phonesPerKey?: number
  /** @default 600 */
  readonly ttlSeconds?: number
  /** Mean time between two requests of one phone; refreshes come no later than half of the time to live. @default 60_000 */
  readonly meanIntervalMs?: number
  /** Probability that a request is a removal. @default 0.1 */
  readonly removals?: number
  /** How many of the removals are of everything under the key; counts where a key has one phone, which so knows what it removed. @default 0 */
  readonly clearances?: number
  /** A phone gives a request up after this long. @default 15_000 */
  readonly patienceMs?: number
}

export interface RegistrationComponents {
  readonly fleet: Fleet
  readonly ledger: Ledger
}

/** Codes that say for certain that nothing was changed. */
const definiteRefusals = ["P2PSIP_PRECONDITION", "P2PSIP_OUT_OF_ORDER", "P2PSIP_TOO_MANY_VALUES"] as const

interface Phone {
  readonly name: string
  readonly key: string
  readonly random: SimRandom
  /** A stream of its own, so that what it decides draws nothing from the other. */
  readonly clearing: SimRandom
  sequence: number
}

/** See the head of this file. */
export class Registrations {
  readonly #fleet: Fleet
  readonly #ledger: Ledger
  readonly #options: Required<RegistrationOptions>
  readonly latenciesMs: number[] = []
  /** Requests without success, by error code. */
  readonly failures = new Map<string, number>()
  #isRunning = false
  #underWay = 0

  constructor(components: RegistrationComponents, options: RegistrationOptions) {
    this.#fleet = components.fleet
    this.#ledger = components.ledger
    this.#options = {
      phonesPerKey: 2, ttlSeconds: 600, meanIntervalMs: 60_000, removals: 0.1, clearances: 0, patienceMs: 15_000, ...options,
    }
  }

  /** Requests without success. */
  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Requests that have no answer yet. */
  get underWay(): number {
    return this.#underWay
  }

  start(): void {
    this.#isRunning = true
    for (let number = 0; number < this.#options.phones; number++) {
      const name = `phone${number}`
      const key = `sip:user${Math.floor(number / this.#options.phonesPerKey)}@example.test`
      const { seed } = this.#fleet.simulation
      void this.#live({ name, key, random: new SimRandom(seed, name), clearing: new SimRandom(seed, `${name} clears`), sequence: 0 })
    }
  }

  /** No new requests; those under way end by themselves. */
  stop(): void {
    this.#isRunning = false
  }

  async #live(phone: Phone): Promise<void> {
    const { simulation } = this.#fleet
    const { meanIntervalMs, ttlSeconds } = this.#options
    const longestMs = ttlSeconds * 500
    await simulation.sleep(meanIntervalMs * phone.random.float())
    while (this.#isRunning) {
      const member = phone.random.pick(this.#fleet.serving)
      if (member !== undefined) await this.#request(phone, member)
      await simulation.sleep(Math.min(longestMs, 1000 + phone.random.exponential(meanIntervalMs)))
    }
  }

  async #request(phone: Phone, member: FleetMember): Promise<void> {
    const { simulation } = this.#fleet
    const { removals, ttlSeconds, patienceMs } = this.#options
    const number = ++phone.sequence
    const entry = this.#ledger.entry(phone.key, phone.name)
    const isRemoval = phone.random.chance(removals)
    const value = isRemoval ? undefined : `${phone.name} #${number} at ${member.name}`
    const startedAt = simulation.now
    const operation = this.#ledger.begin(entry, value, ttlSeconds * 1000, startedAt)
    const options = { sequence: { series: phone.name, number } }
    this.#underWay++
    const outcome = await withPatience(
      this.#fleet,
      value === undefined
        ? this.#remove(phone, member, options)
        : member.servlet.put(phone.key, value, { ...options, valueHash: phone.name, ttlSeconds }),
      patienceMs,
    )
    this.#underWay--
    this.#account(operation, outcome, startedAt)
  }

  #remove(phone: Phone, { servlet }: FleetMember, options: { readonly sequence: Sequence }): Promise<unknown> {
    const { clearances, phonesPerKey } = this.#options
    if (phonesPerKey === 1 && phone.clearing.chance(clearances)) return servlet.update(phone.key, [{ kind: "removeAll", ...options }])
    return servlet.remove(phone.key, phone.name, options)
  }

  #account(operation: LedgerOperation, outcome: Outcome, startedAt: number): void {
    const { now } = this.#fleet.simulation
    if (outcome.isDone) {
      this.#ledger.acknowledge(operation, now)
      this.latenciesMs.push(now - startedAt)
      return
    }
    this.failures.set(outcome.code, (this.failures.get(outcome.code) ?? 0) + 1)
    if (outcome.isRefusal) this.#ledger.refuse(operation)
    else this.#ledger.fail(operation, now)
  }
}

/** How a request ended. */
export type Outcome<T = unknown> =
  | { readonly isDone: true; readonly result: T }
  | { readonly isDone: false; readonly code: string; readonly isRefusal: boolean }

/** What became of a request of a client who waits only so long: the peer that serves it may die. */
export function withPatience<T>(fleet: Fleet, request: Promise<T>, patienceMs: number): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const timer = fleet.simulation.timer(patienceMs, () => resolve({ isDone: false, code: "no answer", isRefusal: false }))
    request.then(
      (result) => {
        timer.cancel()
        resolve({ isDone: true, result })
      },
      (error: unknown) => {
        timer.cancel()
        const isRefusal = definiteRefusals.some((code) => isP2PSipError(error, code))
        resolve({ isDone: false, code: isP2PSipError(error) ? error.code : `UNEXPECTED ${String(error)}`, isRefusal })
      },
    )
  })
}

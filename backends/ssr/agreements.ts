/** Which nodes were asked to agree, how often and since when, and have not answered; bounded. */
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"

/** So many notifications in a row may be lost, */
const patience = 3
/** and so long may it take until a link on the way is found dead, and the question gone by another: who is asked in haste is not dead yet. */
const patienceMs = 5_000
/** Only the nearest are asked; of those that were a while ago nobody asks any more. */
const maxAsked = 64

interface Question {
  readonly times: number
  readonly firstAt: number
}

/** See the head of this file. */
export class Agreements {
  readonly #clock: Pick<Runtime, "now">
  /** Those asked last come last. */
  readonly #asked = new Map<Address, Question>()

  constructor(clock: Pick<Runtime, "now">) {
    this.#clock = clock
  }

  ask(address: Address): void {
    const { times, firstAt } = this.#asked.get(address) ?? { times: 0, firstAt: this.#clock.now() }
    this.#asked.delete(address)
    this.#asked.set(address, { times: times + 1, firstAt })
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= maxAsked) break
      this.#asked.delete(oldest)
    }
  }

  clear(address: Address): void {
    this.#asked.delete(address)
  }

  isAsked(address: Address): boolean {
    return this.#asked.has(address)
  }

  isOverdue(address: Address): boolean {
    const question = this.#asked.get(address)
    return question !== undefined && question.times >= patience && this.#clock.now() - question.firstAt >= patienceMs
  }
}

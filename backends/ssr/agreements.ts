/** Which nodes were asked to agree, how often, and have not answered; bounded. */
import type { Address } from "./address.ts"

/** So many notifications in a row may be lost. */
const patience = 3
/** Only the nearest are asked; of those that were a while ago nobody asks any more. */
const maxAsked = 64

/** See the head of this file. */
export class Agreements {
  /** Those asked last come last. */
  readonly #asked = new Map<Address, number>()

  ask(address: Address): void {
    const times = (this.#asked.get(address) ?? 0) + 1
    this.#asked.delete(address)
    this.#asked.set(address, times)
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
    return (this.#asked.get(address) ?? 0) >= patience
  }
}

/** Which nodes were asked to agree, how often, and have not answered. */
import type { Address } from "./address.ts"

/** So many notifications in a row may be lost. */
const patience = 3

/** See the head of this file. */
export class Agreements {
  readonly #asked = new Map<Address, number>()

  ask(address: Address): void {
    this.#asked.set(address, (this.#asked.get(address) ?? 0) + 1)
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

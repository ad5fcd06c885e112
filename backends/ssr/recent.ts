/** Nodes about which something was noted a short while ago; bounded, the oldest are forgotten first. */
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"

const maxNodes = 256

/** See the head of this file. */
export class Recent {
  readonly #runtime: Runtime
  readonly #lifeMs: number
  readonly #notedAt = new Map<Address, number>()

  constructor(runtime: Runtime, lifeMs: number) {
    this.#runtime = runtime
    this.#lifeMs = lifeMs
  }

  has(address: Address): boolean {
    const notedAt = this.#notedAt.get(address)
    return notedAt !== undefined && this.#runtime.now() < notedAt + this.#lifeMs
  }

  /** False when the node was noted already. */
  add(address: Address): boolean {
    if (this.has(address)) return false
    this.#notedAt.delete(address)
    this.#notedAt.set(address, this.#runtime.now())
    for (const oldest of this.#notedAt.keys()) {
      if (this.#notedAt.size <= maxNodes) break
      this.#notedAt.delete(oldest)
    }
    return true
  }

  delete(address: Address): void {
    this.#notedAt.delete(address)
  }
}

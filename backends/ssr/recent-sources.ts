/** Nodes that something was done for a short while ago; bounded, the oldest are forgotten first. */
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"

const maxSources = 256
const restMs = 10_000

/** See the head of this file. */
export class RecentSources {
  readonly #runtime: Runtime
  readonly #doneAt = new Map<Address, number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** False when that was done for the source already, a short while ago. */
  add(source: Address): boolean {
    const now = this.#runtime.now()
    const doneAt = this.#doneAt.get(source)
    if (doneAt !== undefined && now < doneAt + restMs) return false
    this.#doneAt.delete(source)
    this.#doneAt.set(source, now)
    for (const oldest of this.#doneAt.keys()) {
      if (this.#doneAt.size <= maxSources) break
      this.#doneAt.delete(oldest)
    }
    return true
  }
}

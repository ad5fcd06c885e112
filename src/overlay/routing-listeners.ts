/** Those who listen to a backend's routing, and when they are told. */
import type { Runtime } from "../runtime/runtime.ts"
import type { RoutingChange } from "./key-based-routing.ts"

/** See the head of this file. */
export class RoutingListeners {
  readonly #runtime: Runtime
  readonly #listeners = new Set<(change: RoutingChange) => void>()
  #isTelling = false

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Adds a listener; the result removes it. */
  add(listener: (change: RoutingChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** This peer answers for other keys: whoever stores records has to know before the next request is answered. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener({ name: "neighbourhood" })
  }

  /** Other changes can wait for company. */
  tellSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#runtime.defer(() => {
      this.#isTelling = false
      this.tell()
    })
  }
}

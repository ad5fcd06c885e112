/**
 * Nodes to which no way is known any more, or which have not answered: what
 * others tell of them may be old. For a while they are believed to live on
 * their own word alone; without that, two neighbours of a dead node tell each
 * other of it for ever.
 */
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Route } from "./route.ts"

/** Long enough for the last rumours of a dead node to die. */
const lifeMs = 30_000
const askMs = 3_000
const maxItems = 256

/** See the head of this file. */
export class Doubts {
  readonly #runtime: Pick<Runtime, "now">
  readonly #lost: Recent<Address>
  /** Those that were asked in vain, or have said farewell: also ways that packets are to take say nothing of them. */
  readonly #silent: Recent<Address>
  /** Those that were asked again, by a way that others told of. */
  readonly #asked: Recent<Address>
  #emptyAt = 0

  constructor(runtime: Pick<Runtime, "now">) {
    this.#runtime = runtime
    this.#lost = new Recent(runtime, { lifeMs, maxItems })
    this.#silent = new Recent(runtime, { lifeMs, maxItems })
    this.#asked = new Recent(runtime, { lifeMs: askMs, maxItems })
  }

  /** No way is known. False if that was so already. */
  lost(address: Address): boolean {
    this.#emptyAt = this.#runtime.now() + lifeMs
    return this.#lost.add(address)
  }

  /** No answer either. */
  silent(address: Address): void {
    this.#emptyAt = this.#runtime.now() + lifeMs
    this.#silent.note(address)
  }

  has(address: Address): boolean {
    return !this.#isEmpty && (this.#lost.has(address) || this.#silent.has(address))
  }

  /** Whether it has not answered, or has said that it goes: more than that the way to it was lost. */
  isSilent(address: Address): boolean {
    return !this.#isEmpty && this.#silent.has(address)
  }

  /** Whether it has not been asked lately, and counts it as asked. */
  mayAsk(address: Address): boolean {
    return this.#asked.add(address)
  }

  /** A packet has just come by way of these: they live. */
  passed(addresses: Iterable<Address>): void {
    if (this.#isEmpty) return
    for (const address of addresses) {
      this.#lost.delete(address)
      this.#silent.delete(address)
    }
  }

  /** As much of a route that a packet is to take as may be believed. */
  before(route: Route): Route {
    if (this.#isEmpty) return route
    const at = route.findIndex((address) => this.#silent.has(address))
    return at === -1 ? route : route.slice(0, at)
  }

  get #isEmpty(): boolean {
    return this.#runtime.now() >= this.#emptyAt
  }
}

/**
 * Links that were found broken a short while ago. Packets on their way still
 * name them, and whoever learned from that would tell others in turn: for so
 * long only a packet that has come over such a link shows that it is there.
 */
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Route } from "./route.ts"

/** Long enough for what is on its way, and short enough for a link that comes and goes. */
const lifeMs = 10_000
const maxLinks = 4096

/** See the head of this file. */
export class BrokenLinks {
  readonly #runtime: Pick<Runtime, "now">
  readonly #links: Recent<string>
  #emptyAt = 0

  constructor(runtime: Pick<Runtime, "now">) {
    this.#runtime = runtime
    this.#links = new Recent(runtime, { lifeMs, maxItems: maxLinks })
  }

  note(a: Address, b: Address): void {
    this.#links.note(nameOf(a, b))
    this.#emptyAt = this.#runtime.now() + lifeMs
  }

  /** A packet has just come this way. */
  passed(route: Route): void {
    if (this.isEmpty) return
    for (const [at, address] of route.slice(1).entries()) this.#links.delete(nameOf(route[at] as Address, address))
  }

  has(a: Address, b: Address): boolean {
    return !this.isEmpty && this.#links.has(nameOf(a, b))
  }

  /** As much of a route as may be believed: what comes before the first of these links. */
  before(route: Route): Route {
    const at = this.#gapIn(route)
    return at === -1 ? route : route.slice(0, at)
  }

  /** The first of these links on a route. */
  firstOf(route: Route): Route | undefined {
    const at = this.#gapIn(route)
    return at === -1 ? undefined : route.slice(at - 1, at + 1)
  }

  /** Where on a route the first of these links ends; -1 where there is none. */
  #gapIn(route: Route): number {
    if (this.isEmpty) return -1
    return route.findIndex((address, place) => place > 0 && this.#links.has(nameOf(route[place - 1] as Address, address)))
  }

  /** None was found lately, as a rule. */
  get isEmpty(): boolean {
    return this.#runtime.now() >= this.#emptyAt
  }
}

/** The same for both directions. */
function nameOf(a: Address, b: Address): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

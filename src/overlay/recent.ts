/** What was noted a short while ago, of peers as a rule; bounded, the oldest is forgotten first. */
import type { Runtime } from "../runtime/runtime.ts"

/** How long notes count, and how many are kept. */
export interface RecentOptions {
  /** How long a note counts. */
  readonly lifeMs: number
  /** @default 1024 */
  readonly maxItems?: number
}

const defaultMaxItems = 1024

/** See the head of this file. */
export class Recent<Item> {
  readonly #runtime: Pick<Runtime, "now">
  readonly #lifeMs: number
  readonly #maxItems: number
  readonly #until = new Map<Item, number>()

  constructor(runtime: Pick<Runtime, "now">, { lifeMs, maxItems = defaultMaxItems }: RecentOptions) {
    this.#runtime = runtime
    this.#lifeMs = lifeMs
    this.#maxItems = maxItems
  }

  /** Notes an item, from now on. */
  note(item: Item): void {
    this.#until.delete(item)
    this.#until.set(item, this.#runtime.now() + this.#lifeMs)
    if (this.#until.size <= this.#maxItems) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      return
    }
  }

  /** Notes an item unless that was done a short while ago; then it is false, and the older note stands. */
  add(item: Item): boolean {
    if (this.has(item)) return false
    this.note(item)
    return true
  }

  delete(item: Item): void {
    this.#until.delete(item)
  }

  has(item: Item): boolean {
    const until = this.#until.get(item)
    if (until === undefined) return false
    if (until > this.#runtime.now()) return true
    this.#until.delete(item)
    return false
  }
}

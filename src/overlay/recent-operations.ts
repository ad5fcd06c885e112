/**
 * Operations made lately (key and name), for recognising one that comes again after
 * its records were overwritten by another. Bounded: two generations, of which
 * the older is forgotten as a whole.
 */
export class RecentOperations {
  readonly #perGeneration: number
  #young = new Set<string>()
  #old = new Set<string>()

  constructor(perGeneration = 16_384) {
    this.#perGeneration = perGeneration
  }

  has(operation: string): boolean {
    return this.#young.has(operation) || this.#old.has(operation)
  }

  add(operation: string): void {
    this.#young.add(operation)
    if (this.#young.size < this.#perGeneration) return
    this.#old = this.#young
    this.#young = new Set()
  }
}

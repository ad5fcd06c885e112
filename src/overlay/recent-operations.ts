/**
 * Names of operations made lately, for recognising one that comes again after
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

  has(operationId: string): boolean {
    return this.#young.has(operationId) || this.#old.has(operationId)
  }

  add(operationId: string): void {
    this.#young.add(operationId)
    if (this.#young.size < this.#perGeneration) return
    this.#old = this.#young
    this.#young = new Set()
  }
}

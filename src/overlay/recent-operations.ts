/**
 * Operations made lately (name, and key), for recognising one that comes again after
 * its records were overwritten by another. Two generations, of which the older
 * is forgotten as a whole: so a name is remembered for at least one window and
 * at most two, as far as no generation is full.
 */
import type { Runtime } from "../runtime/runtime.ts"
import { NameTable } from "./name-table.ts"

export interface RecentOperationsOptions {
  /** For so long somebody may still wait for the answer to an operation, and repeat it. @default 60000 */
  readonly windowMs?: number
  /** @default 131072 */
  readonly maxPerGeneration?: number
}

/** See the head of this file. */
export class RecentOperations {
  readonly #runtime: Pick<Runtime, "now">
  readonly #windowMs: number
  readonly #maxPerGeneration: number
  #young = new NameTable()
  #old = new NameTable()
  #turnedAt: number

  constructor(runtime: Pick<Runtime, "now">, options: RecentOperationsOptions = {}) {
    this.#runtime = runtime
    this.#windowMs = options.windowMs ?? 60_000
    this.#maxPerGeneration = options.maxPerGeneration ?? 131_072
    this.#turnedAt = runtime.now()
  }

  has(operation: string, key = ""): boolean {
    this.#age()
    return this.#young.has(operation, key) || this.#old.has(operation, key)
  }

  add(operation: string, key = ""): void {
    this.#age()
    this.#young.add(operation, key)
    if (this.#young.size >= this.#maxPerGeneration) this.#turn(this.#runtime.now())
  }

  #age(): void {
    const windows = Math.floor((this.#runtime.now() - this.#turnedAt) / this.#windowMs)
    if (windows === 0) return
    this.#turn(this.#turnedAt + windows * this.#windowMs)
    if (windows > 1) this.#old = new NameTable()
  }

  #turn(at: number): void {
    this.#old = this.#young
    // There will be as many again.
    this.#young = new NameTable(this.#old.size)
    this.#turnedAt = at
  }
}

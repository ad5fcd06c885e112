import type { Runtime } from "../runtime/runtime.ts"

/** Seconds' worth of bytes that may be saved up. */
const maxSavedSeconds = 10

/** Bounds how many bytes are sent on average; what is not used may be saved up for a while. */
export class ByteBudget {
  readonly #runtime: Runtime
  readonly #bytesPerSecond: number
  #saved: number
  #savedAt: number

  constructor(runtime: Runtime, bytesPerSecond: number) {
    this.#runtime = runtime
    this.#bytesPerSecond = bytesPerSecond
    this.#saved = bytesPerSecond * maxSavedSeconds
    this.#savedAt = runtime.now()
  }

  /** Takes bytes from the budget; false, and takes none, when it is used up. */
  spend(bytes: number): boolean {
    const now = this.#runtime.now()
    const earned = ((now - this.#savedAt) / 1000) * this.#bytesPerSecond
    this.#saved = Math.min(this.#saved + earned, this.#bytesPerSecond * maxSavedSeconds)
    this.#savedAt = now
    if (this.#saved < bytes) return false
    this.#saved -= bytes
    return true
  }
}

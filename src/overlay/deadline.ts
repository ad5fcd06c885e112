import type { Runtime, Timer } from "../runtime/runtime.ts"

/** A time after which work is not waited for any longer, and is told to stop. It comes at once when `sooner` fires. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #passed: Promise<false>
  readonly #timer: Timer
  readonly #sooner: AbortSignal
  readonly #pass: () => void

  constructor(runtime: Runtime, ms: number, sooner: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<false>()
    this.#passed = promise
    this.#pass = () => {
      this.#controller.abort()
      resolve(false)
    }
    this.#timer = runtime.setTimer(ms, this.#pass)
    this.#sooner = sooner
    sooner.addEventListener("abort", this.#pass, { once: true })
    if (sooner.aborted) this.#pass()
  }

  get hasPassed(): boolean {
    return this.#controller.signal.aborted
  }

  /** True when the work ended in time; it does not begin when the time is over. Rejects when the work does, in time. */
  async meetBy(work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    if (this.hasPassed) return false
    return Promise.race([this.#passed, work(this.#controller.signal).then(() => true)])
  }

  /** It will not pass any more. */
  cancel(): void {
    this.#timer.cancel()
    this.#sooner.removeEventListener("abort", this.#pass)
  }
}

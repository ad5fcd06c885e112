/**
 * Many deadlines behind one timer.
 *
 * Items wait in buckets of a few milliseconds; an item that is done before its
 * time costs nothing more. So a request needs no timer of its own.
 */
import type { Runtime, Timer } from "../runtime/runtime.ts"

/** What waits. `isDone` items are skipped when their bucket comes up. */
export interface Deadline {
  readonly isDone: boolean
}

/** See the head of this file. */
export class DeadlineQueue<T extends Deadline> {
  readonly #runtime: Runtime
  readonly #onDue: (item: T) => void
  readonly #bucketMs: number
  readonly #buckets = new Map<number, T[]>()
  #timer: Timer | undefined
  #armedBucket = Infinity

  /** `onDue` is called at most `bucketMs` late, and never for items that are done. */
  constructor(runtime: Runtime, onDue: (item: T) => void, bucketMs = 10) {
    this.#runtime = runtime
    this.#onDue = onDue
    this.#bucketMs = bucketMs
  }

  /** Calls `onDue(item)` once, about `delayMs` from now, unless it is done by then. */
  add(item: T, delayMs: number): void {
    const bucket = Math.ceil((this.#runtime.now() + delayMs) / this.#bucketMs)
    const items = this.#buckets.get(bucket)
    if (items === undefined) this.#buckets.set(bucket, [item])
    else items.push(item)
    if (bucket < this.#armedBucket) this.#arm(bucket)
  }

  /** Forgets everything. */
  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedBucket = Infinity
    this.#buckets.clear()
  }

  #arm(bucket: number): void {
    this.#timer?.cancel()
    this.#armedBucket = bucket
    const delayMs = Math.max(0, bucket * this.#bucketMs - this.#runtime.now())
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#fire())
  }

  #fire(): void {
    // A timer may fire a little early by the clock; the armed bucket is due all the same.
    const due = Math.max(this.#armedBucket, Math.floor(this.#runtime.now() / this.#bucketMs))
    this.#armedBucket = Infinity
    this.#timer = undefined
    const ready: number[] = []
    let next = Infinity
    for (const bucket of this.#buckets.keys()) {
      if (bucket <= due) ready.push(bucket)
      else if (bucket < next) next = bucket
    }
    if (ready.length > 1) ready.sort((a, b) => a - b)
    for (const bucket of ready) {
      const items = this.#buckets.get(bucket) ?? []
      this.#buckets.delete(bucket)
      for (const item of items) if (!item.isDone) this.#onDue(item)
    }
    // What was added meanwhile has armed the timer itself; what was waiting may have been forgotten.
    if (next < this.#armedBucket && this.#buckets.has(next)) this.#arm(next)
  }
}

import type { Runtime } from "../runtime/runtime.ts"

/** What can be set on {@link LeakyBuckets}. */
export interface BucketOptions {
  /** What a bucket holds. */
  readonly capacity: number
  readonly leakPerSecond: number
  /** Buckets at a time; one more takes the place of the one that was touched longest ago. */
  readonly maxBuckets: number
  /** Up to so many times its capacity a bucket goes on to fill once it is full, and so stays full for longer. @default 1 */
  readonly overflow?: number
}

interface Bucket {
  level: number
  at: number
}

/** Counts that fade: each key has a bucket that fills and leaks. Empty ones are forgotten. */
export class LeakyBuckets {
  readonly #runtime: Runtime
  readonly #options: BucketOptions
  /** The one touched longest ago first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(runtime: Runtime, options: BucketOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Seconds until the bucket has room for something; 0 where it has now. */
  secondsUntilRoom(key: string): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return 0
    const { capacity, leakPerSecond } = this.#options
    return Math.max(0, this.#level(bucket) - capacity + 1) / leakPerSecond
  }

  /** Pours in `amount`; true where the bucket had room for it. */
  add(key: string, amount = 1): boolean {
    const { capacity, maxBuckets, overflow = 1 } = this.#options
    const bucket = this.#buckets.get(key)
    const level = bucket === undefined ? 0 : this.#level(bucket)
    // To the end of the map.
    this.#buckets.delete(key)
    this.#buckets.set(key, { level: Math.min(level + amount, capacity * overflow), at: this.#runtime.now() })
    this.#forget(maxBuckets)
    return level + amount <= capacity
  }

  /** Empties a bucket. */
  clear(key: string): void {
    this.#buckets.delete(key)
  }

  #level({ level, at }: Bucket): number {
    return Math.max(0, level - ((this.#runtime.now() - at) / 1000) * this.#options.leakPerSecond)
  }

  /** A few steps at a time: those that have run empty, and one too many in any case. */
  #forget(maxBuckets: number): void {
    let steps = 2
    for (const [key, bucket] of this.#buckets) {
      if (this.#buckets.size <= maxBuckets && (steps-- === 0 || this.#level(bucket) > 0)) return
      this.#buckets.delete(key)
    }
  }
}

/**
 * The Runtime of a real machine: the only file of the package that touches
 * Node's clock, timers and randomness.
 */
import { randomFillSync } from "node:crypto"
import { createLogger, type LogLevel } from "./log.ts"
import { RegistryMetrics } from "./metrics.ts"
import type { Logger, Metrics, Random, Runtime, Timer } from "./runtime.ts"

/** What can be set on a {@link NodeRuntime}. */
export interface NodeRuntimeOptions {
  /** @default "info" */
  readonly logLevel?: LogLevel
}

/** What a {@link NodeRuntime} takes from elsewhere, where its own will not do. */
export interface NodeRuntimeComponents {
  /** @default JSON lines on stderr */
  readonly log?: Logger
  /** @default a registry of this runtime's own */
  readonly metrics?: Metrics
}

/** Node's implementation of {@link Runtime}. */
export class NodeRuntime implements Runtime {
  readonly random: Random = new PooledRandom()
  readonly log: Logger
  readonly metrics: Metrics
  #deferred: (() => void)[] = []
  #isDraining = false

  constructor(options: NodeRuntimeOptions = {}, components: NodeRuntimeComponents = {}) {
    this.log = components.log ?? createLogger(options.logLevel ?? "info")
    this.metrics = components.metrics ?? new RegistryMetrics()
    // The names by which Prometheus' own clients call them.
    this.metrics.gauge("process_resident_memory_bytes", "Memory that this process has from the system.", () => process.memoryUsage.rss())
    this.metrics.gauge("nodejs_heap_size_used_bytes", "JavaScript objects, those that nobody needs any more among them.", () => process.memoryUsage().heapUsed)
  }

  now(): number {
    return performance.now()
  }

  wallClock(): number {
    return Date.now()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return new LongTimer(delayMs, callback)
  }

  // The check phase comes after all sockets that are ready have been read:
  // what they made the peer write goes out together. A microtask would come
  // after each single read.
  defer(callback: () => void): void {
    if (this.#deferred.push(callback) === 1 && !this.#isDraining) setImmediate(this.#drain)
  }

  readonly #drain = (): void => {
    this.#isDraining = true
    try {
      for (let round = 0; round < maxRounds && this.#deferred.length > 0; round++) this.#runDeferred()
    } finally {
      this.#isDraining = false
      if (this.#deferred.length > 0) setImmediate(this.#drain)
    }
  }

  #runDeferred(): void {
    const callbacks = this.#deferred
    this.#deferred = []
    let done = 0
    try {
      for (const callback of callbacks) {
        done++
        callback()
      }
    } finally {
      // A defect in one callback must not cost the others their turn.
      if (done < callbacks.length) this.#deferred = [...callbacks.slice(done), ...this.#deferred]
    }
  }
}

/** What deferred work defers comes in the same turn, so often; then the sockets are looked at again. */
const maxRounds = 4

/** The longest delay of Node's setTimeout; a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1

class LongTimer implements Timer {
  readonly #callback: () => void
  #remainingMs: number
  #timeout: NodeJS.Timeout

  constructor(delayMs: number, callback: () => void) {
    this.#callback = callback
    this.#remainingMs = delayMs
    this.#timeout = this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #arm(): NodeJS.Timeout {
    const delayMs = Math.min(this.#remainingMs, maxDelayMs)
    this.#remainingMs -= delayMs
    return setTimeout(fire, delayMs, this).unref()
  }

  static fire(timer: LongTimer): void {
    if (timer.#remainingMs > 0) timer.#timeout = timer.#arm()
    else timer.#callback()
  }
}

const fire = (timer: LongTimer): void => LongTimer.fire(timer)

const poolBytes = 8192

/** Asks the system for randomness in large pieces: one call costs as much as hundreds of draws. */
class PooledRandom implements Random {
  readonly #pool = Buffer.alloc(poolBytes)
  #at = poolBytes

  bytes(length: number): Uint8Array {
    if (length > poolBytes / 4) return randomFillSync(new Uint8Array(length))
    const at = this.#take(length)
    // A copy of its own: whoever keeps eight bytes for an hour must not keep the pool.
    const bytes = Uint8Array.prototype.slice.call(this.#pool, at, at + length)
    this.#pool.fill(0, at, at + length)
    return bytes
  }

  uint32(): number {
    return this.#pool.readUInt32LE(this.#take(4))
  }

  float(): number {
    // 53 bits, the most that a number in [0, 1) holds evenly.
    const at = this.#take(8)
    const high = this.#pool.readUInt32LE(at) >>> 5
    const low = this.#pool.readUInt32LE(at + 4) >>> 6
    return (high * 0x400_0000 + low) / 2 ** 53
  }

  #take(count: number): number {
    if (this.#at + count > poolBytes) {
      randomFillSync(this.#pool)
      this.#at = 0
    }
    const at = this.#at
    this.#at = at + count
    return at
  }
}

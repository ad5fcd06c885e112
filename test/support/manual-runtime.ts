/**
 * A Runtime whose time stands still until the test moves it.
 *
 * Timers fire in the order of their deadlines, those of one deadline in the
 * order in which they were set; deferred calls come before the next timer.
 * Randomness is seeded, the log is silent, and the metrics can be read.
 */
import type { Counter, Histogram, Logger, Metrics, Random, Runtime, Timer } from "../../src/runtime/runtime.ts"

/** See the head of this file. */
export class ManualRuntime implements Runtime {
  readonly random: Random
  readonly log: Logger = silentLogger()
  readonly metrics = new CountingMetrics()
  #now = 0
  #order = 0
  #timers: ManualTimer[] = []
  #deferred: (() => void)[] = []

  constructor(seed = 1) {
    this.random = seededRandom(seed)
  }

  now(): number {
    return this.#now
  }

  /** 2026-01-01 plus `now()`. */
  wallClock(): number {
    return 1_767_225_600_000 + this.#now
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: ManualTimer = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
    this.#timers.push(timer)
    return timer
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  /** Timers that have not fired. */
  get timersPending(): number {
    return this.#timers.length
  }

  /** Runs the deferred calls, those that they defer included. */
  runDeferred(): void {
    for (let next = this.#deferred.shift(); next !== undefined; next = this.#deferred.shift()) next()
  }

  /** Moves time forward by `ms`, firing on the way whatever falls due, its last moment included. */
  advance(ms: number): void {
    const until = this.#now + ms
    while (this.#step(until));
    this.#now = until
  }

  /** Like `advance`, and lets promises settle between one event and the next. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.#now + ms
    do await settle()
    while (this.#step(until))
    this.#now = until
  }

  /** Fires timers until none is left, at most `limitMs` ahead. */
  runAll(limitMs = 3_600_000): void {
    const until = this.#now + limitMs
    while (this.#step(until));
    if (this.#timers.length > 0) throw new Error(`${this.#timers.length} timers are still running after ${limitMs} ms`)
  }

  /** Runs what is deferred, then the next timer due by `until`; false when there was none. */
  #step(until: number): boolean {
    this.runDeferred()
    let next: ManualTimer | undefined
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
    }
    if (next === undefined || next.at > until) return false
    next.cancel()
    this.#now = Math.max(this.#now, next.at)
    next.callback()
    this.runDeferred()
    return true
  }
}

interface ManualTimer extends Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Metrics that a test can read. */
export class CountingMetrics implements Metrics {
  readonly #counts = new Map<string, number>()
  readonly #observed = new Map<string, number[]>()
  readonly #gauges = new Map<string, () => number>()

  counter(name: string, _help: string, labels?: Readonly<Record<string, string>>): Counter {
    const key = seriesName(name, labels)
    return { add: (count = 1) => void this.#counts.set(key, (this.#counts.get(key) ?? 0) + count) }
  }

  histogram(name: string): Histogram {
    return {
      observe: (value) => {
        const values = this.#observed.get(name)
        if (values === undefined) this.#observed.set(name, [value])
        else values.push(value)
      },
    }
  }

  gauge(name: string, _help: string, read: () => number, labels?: Readonly<Record<string, string>>): void {
    this.#gauges.set(seriesName(name, labels), read)
  }

  /** A counter's value: of the series with exactly these labels, or without labels the sum over all series of the name. */
  count(name: string, labels?: Readonly<Record<string, string>>): number {
    if (labels !== undefined) return this.#counts.get(seriesName(name, labels)) ?? 0
    let sum = 0
    for (const [key, value] of this.#counts) if (key === name || key.startsWith(`${name}{`)) sum += value
    return sum
  }

  /** What a histogram was given, in order. */
  observed(name: string): readonly number[] {
    return this.#observed.get(name) ?? []
  }

  /** A gauge's present value; undefined if nobody registered it. */
  read(name: string, labels?: Readonly<Record<string, string>>): number | undefined {
    return this.#gauges.get(seriesName(name, labels))?.()
  }
}

/** Lets every settled promise run its continuations. */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** xorshift128, seeded: the same seed gives the same run. */
export function seededRandom(seed: number): Random {
  const state = new Uint32Array([seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162])
  function uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = state
    const mixed = d ^ (d << 11)
    state.set([a ^ (a >>> 19) ^ mixed ^ (mixed >>> 8), a, b, c])
    return state[0] ?? 0
  }
  for (let warmUp = 0; warmUp < 16; warmUp++) uint32()
  return {
    uint32,
    float: () => uint32() / 0x1_0000_0000,
    bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff),
  }
}

/** A logger that says nothing. */
export function silentLogger(): Logger {
  const logger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger }
  return logger
}

function seriesName(name: string, labels?: Readonly<Record<string, string>>): string {
  if (labels === undefined) return name
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return `${name}{${pairs.sort().join(",")}}`
}

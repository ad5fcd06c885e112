/** The Runtime of one simulated peer: virtual time, its own clock error, its own stream of randomness. */
import { badArgument } from "../errors.ts"
import type { Logger, Metrics, Runtime, Timer } from "../runtime/runtime.ts"
import type { Backlog } from "./backlog.ts"
import type { VirtualClock } from "./clock.ts"
import type { SimEvent } from "./event-heap.ts"
import type { SimRandom } from "./sim-random.ts"

/** What one peer's runtime is built from. */
export interface RuntimeComponents {
  /** The peer's. */
  readonly name: string
  readonly clock: VirtualClock
  readonly random: SimRandom
  readonly log: Logger
  readonly metrics: Metrics
}

/** How far this peer's idea of the date is wrong. */
export interface ClockError {
  /** Milliseconds ahead (or, negative, behind). */
  skewMs: number
  /** Milliseconds gained per millisecond: 1e-4 is a bad quartz. */
  drift: number
}

/** 2026-01-01T00:00:00Z, when every simulation starts. */
export const simulationEpochMs = 1_767_225_600_000

/** See the head of this file. */
export class SimRuntime implements Runtime {
  readonly random: SimRandom
  readonly log: Logger
  readonly metrics: Metrics
  /** May be changed at any time, as a real clock may be set. */
  readonly clockError: ClockError = { skewMs: 0, drift: 0 }
  /** The peer's. */
  readonly name: string
  readonly #clock: VirtualClock
  /** Set once something holds the process up. */
  backlog: Backlog | undefined
  #isHalted = false

  constructor(components: RuntimeComponents) {
    this.name = components.name
    this.#clock = components.clock
    this.random = components.random
    this.log = components.log
    this.metrics = components.metrics
  }

  now(): number {
    return this.#clock.now
  }

  wallClock(): number {
    const { skewMs, drift } = this.clockError
    return Math.floor(simulationEpochMs + skewMs + this.#clock.now * (1 + drift))
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!Number.isFinite(delayMs)) badArgument("delayMs", "a finite number of milliseconds", delayMs)
    const timer = new SimTimer(this, this.#clock, callback)
    this.#clock.at(this.#clock.now + delayMs, timer)
    return timer
  }

  /** Runs after everything that is scheduled for this moment already. */
  defer(callback: () => void): void {
    this.#clock.at(this.#clock.now, new SimTimer(this, this.#clock, callback))
  }

  /** The process is dead: none of its timers will fire. */
  halt(): void {
    this.#isHalted = true
  }

  get isHalted(): boolean {
    return this.#isHalted
  }
}

class SimTimer implements Timer, SimEvent {
  #callback: (() => void) | undefined
  readonly #runtime: SimRuntime
  readonly #clock: VirtualClock

  constructor(runtime: SimRuntime, clock: VirtualClock, callback: () => void) {
    this.#runtime = runtime
    this.#clock = clock
    this.#callback = callback
  }

  get isCancelled(): boolean {
    return this.#callback === undefined
  }

  cancel(): void {
    if (this.#callback === undefined) return
    this.#callback = undefined
    this.#clock.heap.noteCancelled()
  }

  fire(): void {
    const callback = this.#callback
    if (callback === undefined || this.#runtime.isHalted || this.#runtime.backlog?.keeps(this) === true) return
    this.#callback = undefined
    this.#clock.eventPeer = this.#runtime.name
    callback()
  }
}

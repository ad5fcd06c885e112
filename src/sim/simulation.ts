/**
 * One simulated world: a virtual clock, a network, peers, and the loop that
 * lets one thing happen after another.
 */
import { P2PSipError, badArgument } from "../errors.ts"
import type { Timer } from "../runtime/runtime.ts"
import { VirtualClock } from "./clock.ts"
import { EventHash } from "./event-hash.ts"
import type { SimEvent } from "./event-heap.ts"
import { driveEvents } from "./event-loop.ts"
import { constantLatency } from "./latency.ts"
import type { LatencyModel } from "./latency.ts"
import { LogCollector } from "./sim-log.ts"
import type { LogLevel, LogLine } from "./sim-log.ts"
import { MetricsCollector } from "./sim-metrics.ts"
import { SimNetwork } from "./sim-network.ts"
import type { NetworkConditions } from "./sim-network.ts"
import { SimPeer } from "./sim-peer.ts"
import { SimRandom } from "./sim-random.ts"

export interface SimulationOptions {
  /** Equal seeds, with equal code, give equal runs. */
  readonly seed: number | string
  /** A model, or the one-way milliseconds between any two peers. @default 20 */
  readonly latency?: LatencyModel | number
  /** What differs from `defaultConditions`. */
  readonly network?: Partial<NetworkConditions>
  /** @default "warn" */
  readonly logLevel?: LogLevel
  /** @default 10_000 */
  readonly maxLogLines?: number
}

/** Told the name of the peer that the event happened at: no other peer can have changed. Undefined: any may have. */
export type EventCheck = (peer: string | undefined) => void

/** See the head of this file. */
export class Simulation {
  readonly seed: number | string
  readonly network: SimNetwork
  readonly metrics = new MetricsCollector()
  /** For scenarios: draws that belong to no peer. */
  readonly random: SimRandom
  readonly #clock = new VirtualClock()
  readonly #hash = new EventHash()
  readonly #log: LogCollector
  readonly #peers = new Map<string, SimPeer>()
  readonly #incarnations = new Map<string, number>()
  #afterEvent: EventCheck | undefined
  #isRunning = false
  #events = 0

  constructor(options: SimulationOptions) {
    const { latency = 20 } = options
    this.seed = options.seed
    this.random = new SimRandom(options.seed, "scenario")
    this.#log = new LogCollector(this.#clock, options.logLevel ?? "warn", options.maxLogLines ?? 10_000)
    const components = {
      clock: this.#clock,
      random: new SimRandom(options.seed, "network"),
      latency: typeof latency === "number" ? constantLatency(latency) : latency,
      hash: this.#hash,
    }
    this.network = new SimNetwork(components, options.network ?? {})
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#clock.now
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events
  }

  /** Fingerprint of all that was delivered so far, 16 hexadecimal digits. */
  get eventHash(): string {
    return this.#hash.digest()
  }

  /** The last lines of the peers' logs. */
  get log(): readonly LogLine[] {
    return this.#log.lines
  }

  /** The peers that are up, in the order in which they came. */
  get peers(): SimPeer[] {
    return [...this.#peers.values()]
  }

  /** The peer of that name, if it is up. */
  peer(name: string): SimPeer | undefined {
    return this.#peers.get(name)
  }

  /** Adds a peer. The name of one that crashed or left may be used again: a new process with the same identity. */
  addPeer(name: string, options: { readonly isNatted?: boolean } = {}): SimPeer {
    if (this.#peers.has(name)) badArgument("name", "a name that no running peer has", name)
    const incarnation = (this.#incarnations.get(name) ?? 0) + 1
    this.#incarnations.set(name, incarnation)
    const peer = new SimPeer(name, {
      clock: this.#clock,
      network: this.network,
      random: new SimRandom(this.seed, `peer ${name} ${incarnation}`),
      log: this.#log.loggerFor(name),
      metrics: this.metrics.viewFor(name),
      ...options,
      onGone: () => {
        this.#peers.delete(name)
        this.metrics.forget(name)
      },
    })
    this.#peers.set(name, peer)
    return peer
  }

  /** Calls `callback` at a moment of the scenario, `delayMs` from now. */
  after(delayMs: number, callback: () => void): void {
    this.#clock.call(this.#clock.now + delayMs, callback)
  }

  /** Like `after`, and can be cancelled. */
  timer(delayMs: number, callback: () => void): Timer {
    const event = new CancellableCall(this.#clock, callback)
    this.#clock.at(this.#clock.now + delayMs, event)
    return event
  }

  /** Resolves `durationMs` later. */
  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => this.after(durationMs, resolve))
  }

  /** Mixes a fact of the scenario into the event hash. */
  note(text: string): void {
    this.#hash.text(text)
  }

  /** Called after each event, once promises have settled; an error thrown there ends the run. One at a time. */
  onEvent(check: EventCheck | undefined): void {
    this.#afterEvent = check
  }

  /** Lets `durationMs` pass. Rejects with whatever an event or a check throws. */
  async run(durationMs: number): Promise<void> {
    await this.#drive(this.#clock.now + durationMs, () => false)
  }

  /** Lets time pass until `isDone()`, asked every `everyMs`; rejects with `P2PSIP_TIMEOUT` after `limitMs`. */
  async runUntil(isDone: () => boolean, limitMs: number, everyMs = 100): Promise<void> {
    const deadline = this.#clock.now + limitMs
    while (!isDone()) {
      if (this.#clock.now >= deadline) throw notInTime("a condition", limitMs)
      await this.#drive(Math.min(deadline, this.#clock.now + everyMs), () => false)
    }
  }

  /** Lets time pass until the promise settles, and gives its result; rejects with `P2PSIP_TIMEOUT` after `limitMs`. */
  async wait<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.#drive(this.#clock.now + limitMs, () => isSettled)
    if (!isSettled) throw notInTime("a promise", limitMs)
    return await promise
  }

  async #drive(until: number, isDone: () => boolean): Promise<void> {
    if (this.#isRunning) throw new P2PSipError("P2PSIP_NOT_OPEN", "the simulation is running already: await the earlier run first")
    this.#isRunning = true
    try {
      await driveEvents(this.#clock, until, {
        isDone,
        afterEvent: () => {
          this.#events++
          this.#afterEvent?.(this.#clock.eventPeer)
        },
      })
    } finally {
      this.#isRunning = false
    }
  }
}

class CancellableCall implements SimEvent, Timer {
  readonly #clock: VirtualClock
  #callback: (() => void) | undefined

  constructor(clock: VirtualClock, callback: () => void) {
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
    this.#callback = undefined
    callback?.()
  }
}

function notInTime(what: string, limitMs: number): P2PSipError {
  return new P2PSipError("P2PSIP_TIMEOUT", `expected ${what} to come about within ${limitMs} virtual ms`)
}

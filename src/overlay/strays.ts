/**
 * Copies that this peer should no longer hold: left from an earlier
 * neighbourhood, or from the other side of a partition. Each is offered to its
 * owner, and dropped only when the owner has had it for a while.
 */
import type { ByteReader } from "../codec.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import { fingerprintOf } from "./fingerprint.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { wholeRing } from "./key-range.ts"
import { methods } from "./methods.ts"
import { isCallFailure } from "./replica-queue.ts"
import type { Replication } from "./replication.ts"
import type { Router } from "./router.ts"
import type { Rpc } from "./rpc.ts"
import type { Reply } from "./rpc-server.ts"
import type { PeerId } from "../link/link.ts"
import type { RecordStore } from "./store.ts"
import type { Transfer } from "./transfer.ts"
import type { Verdict } from "./transfer-codec.ts"
import { encodeOffer, encodeVerdicts, readOffer, readVerdicts } from "./transfer-codec.ts"

export interface StraysOptions {
  /** Mean time between searches for such copies. @default 120000 */
  readonly strayIntervalMs?: number | undefined
  /** How long a copy is held after the owner first said that it has it. @default 30000 (RFC 6940's hold-down) */
  readonly holdDownMs?: number | undefined
}

export const straysDefaults = { strayIntervalMs: 120_000, holdDownMs: 30_000 }

export interface StraysComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
  readonly store: RecordStore
  readonly replication: Replication
  readonly transfer: Transfer
  readonly router: Router
}

/** After a change of the neighbourhood the owners get this long to find their feet. */
const settlingMs = 5_000
const keysPerStep = 500
const keysPerOffer = 500
const maxConfirmed = 262_144
/** Owners looked up in one search. */
const maxLookups = 256

/** See the head of this file. */
export class Strays {
  readonly #components: StraysComponents
  readonly #options: typeof straysDefaults
  /** When the owner first said that this peer may drop the key. */
  readonly #confirmed = new Map<Id, number>()
  #timer: Timer | undefined
  #dueAt = Infinity
  #searching: Promise<void> | undefined
  #isStopped = false
  #removeListener: (() => void) | undefined

  constructor(components: StraysComponents, options: StraysOptions = {}) {
    this.#components = components
    this.#options = {
      strayIntervalMs: options.strayIntervalMs ?? straysDefaults.strayIntervalMs,
      holdDownMs: options.holdDownMs ?? straysDefaults.holdDownMs,
    }
    components.rpc.handle(methods.offer, (from, body) => this.#onOffer(from, body))
  }

  start(): void {
    const { routing, runtime } = this.#components
    this.#removeListener = routing.onChange(() => this.#searchIn(settlingMs * (0.5 + runtime.random.float())))
    this.#searchIn(this.#options.strayIntervalMs * (0.5 + runtime.random.float()))
  }

  stop(): void {
    this.#isStopped = true
    this.#removeListener?.()
    this.#timer?.cancel()
  }

  /** Offers every stray to its owner, once. */
  search(): Promise<void> {
    this.#searching ??= this.#search()
      .catch((error: unknown) => {
        if (!isCallFailure(error)) this.#components.runtime.log.error({ error }, "the search for strays failed: this is a defect, please report it")
      })
      .finally(() => {
        this.#searching = undefined
      })
    return this.#searching
  }

  #searchIn(delayMs: number): void {
    const { runtime } = this.#components
    const dueAt = runtime.now() + delayMs
    if (dueAt >= this.#dueAt || this.#isStopped) return
    this.#timer?.cancel()
    this.#dueAt = dueAt
    this.#timer = runtime.setTimer(delayMs, () => {
      this.#dueAt = Infinity
      void this.search().finally(() => {
        const { holdDownMs, strayIntervalMs } = this.#options
        const mean = this.#confirmed.size > 0 ? Math.min(holdDownMs, strayIntervalMs) : strayIntervalMs
        this.#searchIn(mean * (0.75 + runtime.random.float() / 2))
      })
    })
  }

  async #search(): Promise<void> {
    const { store } = this.#components
    const strays: Id[] = []
    let after: Id | undefined
    for (;;) {
      if (this.#isStopped) return
      const keys = store.keys(wholeRing, keysPerStep, after)
      strays.push(...keys.filter((key) => this.#isStray(key)))
      after = keys.at(-1)
      if (keys.length < keysPerStep || after === undefined) break
      // A large store is walked in steps, so that requests are answered in between.
      await new Promise<void>((resolve) => this.#components.runtime.defer(resolve))
    }
    for (const key of this.#confirmed.keys()) if (!this.#isStray(key)) this.#confirmed.delete(key)
    await this.#offerAll(strays)
  }

  #isStray(key: Id): boolean {
    const { routing, replication } = this.#components
    if (routing.isResponsible(key)) return false
    return !replication.replicaSet(key).some((member) => member.peerId === routing.self.peerId)
  }

  /** Neighbouring keys mostly have one owner: it is looked up for the first of them. */
  async #offerAll(strays: readonly Id[]): Promise<void> {
    const { router, routing } = this.#components
    let left = [...strays]
    for (let lookups = 0; left.length > 0 && lookups < maxLookups && !this.#isStopped; lookups++) {
      const [first = ""] = left
      const { owner } = await router.run(first, { kind: "lookup" })
      if (owner.peerId === routing.self.peerId) {
        left = left.slice(1)
        continue
      }
      const batch = left.slice(0, keysPerOffer)
      const foreign = await this.#offer(owner, batch)
      // The first is never tried twice in one search, whatever its owner says.
      left = [...foreign.filter((key) => key !== first), ...left.slice(batch.length)]
    }
  }

  /** Results in the keys of which the member says that it is not their owner. */
  async #offer(owner: Member, keys: readonly Id[]): Promise<Id[]> {
    const { rpc, store, transfer } = this.#components
    const digests = keys.map((key) => ({ key, ...fingerprintOf(key, store.get(key)) }))
    const verdicts = readVerdicts(await rpc.call(owner, methods.offer, encodeOffer(digests)))
    const wanted = keys.filter((_key, index) => verdicts[index] === "wanted")
    await transfer.push(owner, wanted)
    // The owner may know more: only when both know the same may this copy go.
    await transfer.pull(owner, wanted)
    keys.forEach((key, index) => {
      if (verdicts[index] === "drop") this.#dropLater(key)
      else this.#confirmed.delete(key)
    })
    return keys.filter((_key, index) => (verdicts[index] ?? "notOwner") === "notOwner")
  }

  #dropLater(key: Id): void {
    const now = this.#components.runtime.now()
    const since = this.#confirmed.get(key)
    if (since === undefined) {
      if (this.#confirmed.size < maxConfirmed) this.#confirmed.set(key, now)
    } else if (now - since >= this.#options.holdDownMs / 2 && this.#isStray(key)) {
      this.#components.store.drop(key)
      this.#confirmed.delete(key)
    }
  }

  #onOffer(from: PeerId, body: ByteReader): Reply {
    const { routing, replication, store } = this.#components
    const verdictOn = (key: Id, high: number, low: number): Verdict => {
      if (!routing.isResponsible(key)) return "notOwner"
      const own = fingerprintOf(key, store.get(key))
      if (own.high !== high || own.low !== low) return "wanted"
      return replication.replicaSet(key).some((member) => member.peerId === from) ? "keep" : "drop"
    }
    return encodeVerdicts(readOffer(body).map(({ key, high, low }) => verdictOn(key, high, low)))
  }
}

/**
 * The owner's side of an operation: judge and apply it here, or name who is
 * nearer to the key.
 */
import type { ByteReader } from "../codec.ts"
import { isP2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { HybridClock } from "./hlc.ts"
import type { Id } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import type { KeyFetcher } from "./key-fetcher.ts"
import { methods } from "./methods.ts"
import type { Operation, Result } from "./operation-codec.ts"
import { encodeResult, readRequest } from "./operation-codec.ts"
import { RecentOperations } from "./recent-operations.ts"
import { isLive } from "./record.ts"
import type { PathCache } from "./path-cache.ts"
import type { Replication } from "./replication.ts"
import type { Rpc } from "./rpc.ts"
import type { Reply } from "./rpc-server.ts"
import type { RecordStore } from "./store.ts"
import type { Update } from "./update.ts"
import { applyUpdate } from "./update.ts"
import { viewOf } from "./view.ts"

export interface OwnerComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
  readonly store: RecordStore
  readonly clock: HybridClock
  readonly replication: Replication
  readonly fetcher: KeyFetcher
  readonly pathCache: PathCache
}

const nobody: readonly Member[] = []
const nobodyAvoided: ReadonlySet<PeerId> = new Set()

/** See the head of this file. */
export class Owner {
  readonly #components: OwnerComponents
  readonly #maxValuesPerKey: number
  readonly #recent: RecentOperations

  constructor(components: OwnerComponents, options: { readonly maxValuesPerKey: number }) {
    this.#components = components
    this.#maxValuesPerKey = options.maxValuesPerKey
    this.#recent = new RecentOperations(components.runtime)
    components.rpc.handle(methods.execute, (_from, body) => this.#onRequest(body))
  }

  /** Does the operation if the key is this peer's. Rejects with `P2PSIP_LIMIT` or `P2PSIP_NOT_REPLICATED`. */
  execute(key: Id, operation: Operation, avoid: ReadonlySet<PeerId> = nobodyAvoided): Result | Promise<Result> {
    const { routing, fetcher } = this.#components
    if (operation.kind === "get" && operation.consistency === "any") {
      const found = this.#copyOf(key)
      if (found !== undefined) return found
    }
    if (!routing.isResponsible(key)) return this.#redirect(key, avoid)
    const ensured = fetcher.ensure(key)
    if (ensured === undefined) return this.#perform(key, operation)
    return ensured.then(() => (routing.isResponsible(key) ? this.#perform(key, operation) : this.#redirect(key, avoid)))
  }

  /** For a get that may be a moment old. */
  #copyOf(key: Id): Result | undefined {
    const { store, runtime, routing, pathCache } = this.#components
    const records = store.get(key)
    const now = runtime.now()
    if (viewOf(records).some((record) => isLive(record, now))) return { status: "done", records, replicas: nobody }
    // Whoever owns the key or knows of its removal knows better.
    const kept = records.length > 0 || routing.isResponsible(key) ? undefined : pathCache.get(key)
    return kept === undefined ? undefined : { status: "done", records: kept, replicas: nobody }
  }

  #redirect(key: Id, avoid: ReadonlySet<PeerId>): Result {
    const { routing } = this.#components
    const next = routing.nextHop(key)
    // Somebody found our choice silent: find out, so that we stop naming it.
    if (next !== undefined && avoid.has(next.peerId)) routing.suspect(next.peerId)
    const best = next === undefined || !avoid.has(next.peerId) ? next : routing.nextHop(key, avoid)
    return { status: "redirect", members: best === undefined ? nobody : [best] }
  }

  #perform(key: Id, operation: Operation): Result | Promise<Result> {
    const { store, replication } = this.#components
    switch (operation.kind) {
      case "update": return this.#update(key, operation.update)
      case "get":
        if (operation.consistency === "all") return this.#getAll(key)
        return { status: "done", records: store.get(key), replicas: nobody }
      case "lookup": return { status: "done", records: store.get(key), replicas: replication.replicaSet(key) }
    }
  }

  async #getAll(key: Id): Promise<Result> {
    const { store, routing, replication, fetcher } = this.#components
    const others = replication.replicaSet(key).filter((member) => member.peerId !== routing.self.peerId)
    await fetcher.fetchFrom(others, key)
    return { status: "done", records: store.get(key), replicas: nobody }
  }

  #update(key: Id, update: Update): Result | Promise<Result> {
    const { store, runtime, clock, replication } = this.#components
    const stored = store.get(key)
    const outcome = applyUpdate(stored, update, {
      now: runtime.now(), maxValuesPerKey: this.#maxValuesPerKey, tick: () => clock.tick(),
      wasMade: this.#recent.has(update.operationId, key),
    })
    if (outcome.kind === "rejected") return { status: "rejected", code: outcome.code, message: outcome.message, records: stored }
    const result: Result = { status: "done", records: outcome.records, replicas: nobody }
    if (outcome.kind === "applied") {
      store.requireRoom(key, outcome.changed)
      for (const record of outcome.changed) store.put(key, record)
      this.#recent.add(update.operationId, key)
    }
    // A repeated operation is copied once more: its first answer may have been lost together with the copies.
    const copied = replication.replicate(key, outcome.changed)?.then(() => result, (error: unknown) => this.#redirectFrom(error, key))
    const flushed = store.flushed()
    if (copied === undefined) return flushed === undefined ? result : flushed.then(() => result)
    return flushed === undefined ? copied : Promise.all([copied, flushed]).then(([settled]) => settled)
  }

  /** The change lost its owner on the way: whoever asked finds the new one, and repeats it there. */
  #redirectFrom(error: unknown, key: Id): Result {
    if (isP2PSipError(error, "P2PSIP_NOT_OPEN")) return this.#redirect(key, nobodyAvoided)
    throw error
  }

  #onRequest(body: ByteReader): Reply | Promise<Reply> {
    const { key, avoid, operation } = readRequest(body)
    const result = this.execute(key, operation, avoid.length === 0 ? nobodyAvoided : new Set(avoid))
    if (result instanceof Promise) return result.then((settled) => encodeResult(settled, this.#components.runtime.now()))
    return encodeResult(result, this.#components.runtime.now())
  }
}

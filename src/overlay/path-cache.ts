/**
 * Answers that a peer has seen on their way, for gets that may be a moment old
 * (`consistency: "any"`), so that a key that everybody asks for does not weigh
 * on its owner alone (Maymounkov and Mazières, 2002, sections 2.3 and 2.5).
 *
 * Whoever got such an answer keeps it, and hands it to the first peer on the
 * way there. It is kept the shorter the more peers sit between its keeper and
 * the key: near the key many ways meet, far from it few. Nothing else ever
 * reads it: not a get of the owner or of all, not an update, not a copy, not a
 * peer that owns the key or has any record of it, even of its removal.
 */
import type { ByteReader } from "../codec.ts"
import { ByteWriter, badFrame } from "../codec.ts"
import type { PeerId } from "../link/link.ts"
import type { Counter, Runtime } from "../runtime/runtime.ts"
import type { Value } from "../servlet/types.ts"
import type { Id } from "./id.ts"
import { idBytes } from "./id.ts"
import type { KeyBasedRouting } from "./key-based-routing.ts"
import { methods } from "./methods.ts"
import { encodeResult, readAnswer } from "./operation-codec.ts"
import type { StoredRecord } from "./record.ts"
import { isLive, toBinaryText } from "./record.ts"
import type { Rpc } from "./rpc.ts"
import { withDefaults } from "./with-defaults.ts"

/** What peers on the way to a key keep of its answers; nothing unless asked for. */
export interface PathCacheOptions {
  /** How long a peer right beside the key may keep an answer; 0: nobody keeps any. @default 0 */
  readonly maxSeconds?: number | undefined
  /** @default 1024 */
  readonly maxKeys?: number | undefined
  /** Bytes of values. @default 1048576 */
  readonly maxBytes?: number | undefined
}

export const pathCacheDefaults = { maxSeconds: 0, maxKeys: 1024, maxBytes: 1_048_576 }

export interface PathCacheComponents {
  readonly runtime: Runtime
  readonly rpc: Rpc
  readonly routing: KeyBasedRouting
}

interface Kept {
  readonly records: readonly StoredRecord[]
  readonly bytes: number
}

/** Less than this is not worth keeping. */
const minKeptMs = 500
const noOperation = "\0".repeat(8)

/** See the head of this file. */
export class PathCache {
  readonly #components: PathCacheComponents
  readonly #options: typeof pathCacheDefaults
  readonly #kept = new Map<Id, Kept>()
  readonly #hits: Counter
  #bytes = 0

  constructor(components: PathCacheComponents, options: PathCacheOptions = {}) {
    const { rpc, runtime } = components
    this.#components = components
    this.#options = withDefaults(pathCacheDefaults, options)
    this.#hits = runtime.metrics.counter("p2psip_overlay_cached_answers_total", "gets answered by an answer seen on its way")
    if (this.#options.maxSeconds > 0) rpc.onNotification(methods.keep, (_from, body) => this.#onKeep(body))
  }

  get size(): number {
    return this.#kept.size
  }

  /** What is kept of a key, for a get that may be a moment old. */
  get(key: Id): readonly StoredRecord[] | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    const now = this.#components.runtime.now()
    if (kept.records.every((record) => isLive(record, now))) {
      this.#hits.add()
      return kept.records
    }
    // What lives shorter than the rest may have been removed just as well: then nothing of it counts.
    this.forget(key)
    return undefined
  }

  /** A get that may be a moment old was answered by that peer. */
  learn(key: Id, values: readonly Value[], from: PeerId): void {
    const { routing, rpc, runtime } = this.#components
    if (this.#options.maxSeconds === 0 || values.length === 0) return
    const first = routing.nextHop(key)
    if (first !== undefined && first.peerId !== from) {
      const records = recordsOf(values, runtime.now(), Infinity)
      const body = encodeResult({ status: "done", records, replicas: [] }, runtime.now()).finish()
      rpc.notify(first, methods.keep, new ByteWriter(idBytes + body.length).hex(key).fixed(body).finish())
    }
    this.#keep(key, values)
  }

  /** This peer changes the key: it must see its own change. */
  forget(key: Id): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.bytes
  }

  #keep(key: Id, values: readonly Value[]): void {
    const { routing, runtime } = this.#components
    const { maxSeconds, maxKeys, maxBytes } = this.#options
    const between = routing.countNearer?.(key)
    if (between === undefined || routing.isResponsible(key)) return
    const keptMs = (1000 * maxSeconds) / (1 + between)
    if (keptMs < minKeptMs) return
    this.forget(key)
    const bytes = values.reduce((sum, { value }) => sum + value.length + 128, 64)
    if (bytes > maxBytes) return
    this.#kept.set(key, { records: recordsOf(values, runtime.now(), keptMs), bytes })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxKeys && this.#bytes <= maxBytes) break
      this.forget(oldest)
    }
  }

  #onKeep(body: ByteReader): void {
    const key = body.hex(idBytes)
    const answer = readAnswer(body)
    if (answer.status !== "done") throw badFrame("an answer with values", answer.status)
    // What this peer has already stays until it is past: nobody can keep an answer alive by repeating it.
    if (this.#kept.has(key) && this.get(key) !== undefined) return
    if (answer.values.length > 0) this.#keep(key, answer.values)
  }
}

/** As if they had been stored; they live for so long at most. */
function recordsOf(values: readonly Value[], now: number, keptMs: number): StoredRecord[] {
  return values.map(({ valueHash, value, ttlSeconds }) => {
    // What is left was rounded up for the journey: rounded up again and again, an answer could travel for ever.
    const until = now + Math.min(keptMs, 1000 * (ttlSeconds - 1))
    return {
      valueHash: toBinaryText(valueHash), value: toBinaryText(value), order: 0, operationId: noOperation, series: "", number: 0,
      liveUntil: until, keptUntil: until,
    }
  })
}

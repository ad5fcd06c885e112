/**
 * The memory backend: the servlet's contract on a Map, in one process.
 *
 * It is the reference that the others are compared with, so it is written to be
 * obviously right: the rules of `src/servlet/README.md`, one after the other.
 */
import { createHash } from "node:crypto"
import { z } from "zod"
import { P2PSipError } from "../../src/errors.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import { P2PSipServlet, servletOptionsSchema, unseenRemovalSeconds, UpdateRejectedError } from "../../src/servlet/index.ts"
import type {
  BackendModule, BackendStatus, LookupEvent, NormalMutation, NormalPrecondition, NormalSequence, PeerInfo, RejectionCode,
  ServletOptions, Value,
} from "../../src/servlet/index.ts"

/** Options of the memory backend. */
export interface MemoryOptions extends ServletOptions {
  /**
   * The most keys that are remembered; an update of one more is refused with `P2PSIP_LIMIT`.
   * @default 5000000
   */
  readonly maxKeys?: number | undefined
}

/** What is remembered of one valueHash: its value, or the tombstone that it left. */
interface Entry {
  readonly valueHash: Uint8Array
  /** Undefined for a tombstone. */
  readonly value: Uint8Array | undefined
  readonly sequence: NormalSequence | undefined
  readonly operationId: Uint8Array
  /** On the Runtime's clock. */
  readonly liveUntil: number
  /** Never less than that of any entry this one replaced. */
  readonly keptUntil: number
}

/** The entries of one key, by valueHash in hexadecimal. */
type Entries = Map<string, Entry>

const defaultMaxKeys = 5_000_000
/** Bounds what put and remove of ever new values leave behind. */
const tombstonesPerValue = 8
/** For so long a caller may still wait for an answer, and repeat the operation. */
const repeatWindowMs = 60_000
/** Under it stands what a removal of everything leaves besides: that it was made, and its sequence. */
const nowhere = ""
const rememberedOperations = 131_072
const sweepIntervalMs = 60_000
const self: PeerInfo = { peerId: "memory", id: "0".repeat(40), addresses: [] }

/** The servlet contract on a Map. */
export class MemoryServlet extends P2PSipServlet {
  readonly #runtime: Runtime
  readonly #maxKeys: number
  readonly #keys = new Map<string, Entries>()
  /** When each `KEY OPERATION` was made, oldest first. */
  readonly #made = new Map<string, number>()
  #sweeper: Timer | undefined

  constructor(components: { readonly runtime: Runtime }, options: MemoryOptions = {}) {
    const capabilities = {
      distributed: false, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false,
    }
    super(components, { name: "memory", capabilities }, options)
    this.#runtime = components.runtime
    this.#maxKeys = options.maxKeys ?? defaultMaxKeys
  }

  protected override _hash(data: Uint8Array): Uint8Array {
    return createHash("sha256").update(data).digest().subarray(0, 20)
  }

  protected override async _join(): Promise<void> {
    this.#sweepLater()
  }

  protected override async _leave(): Promise<void> {
    this.#sweeper?.cancel()
    this.#keys.clear()
  }

  protected override async _update(
    key: Uint8Array,
    mutations: readonly NormalMutation[],
    preconditions: readonly NormalPrecondition[],
    operationId: Uint8Array,
  ): Promise<readonly Value[]> {
    const name = hex(key)
    const before = this.#remembered(name)
    const live = this.#live(before)
    const reject = (code: RejectionCode, message: string): never => {
      throw new UpdateRejectedError(code, message, live)
    }

    // 1. Repeated?
    const now = this.#runtime.now()
    const operation = `${name} ${hex(operationId)}`
    if (now - (this.#made.get(operation) ?? -Infinity) <= repeatWindowMs) return live
    for (const entry of before.values()) if (equal(entry.operationId, operationId)) return live

    // 2. Preconditions.
    const isLive = (hash: Uint8Array): boolean => live.some((value) => equal(value.valueHash, hash))
    let most = this.limits.maxValuesPerKey
    for (const condition of preconditions) {
      if (condition.kind === "atMost") {
        most = Math.min(most, condition.values)
        continue
      }
      const holds =
        condition.kind === "empty" ? live.length === 0 : isLive(condition.valueHash) === (condition.kind === "exists")
      if (!holds) reject("P2PSIP_PRECONDITION", `expected the key to satisfy "${condition.kind}", found ${live.length} live values`)
    }

    // 3. Sequences, against what was there before.
    for (const mutation of mutations) {
      const met = mutation.kind === "removeAll"
        ? [...before.values()].filter((entry) => isAlive(entry, now))
        : [before.get(hex(mutation.valueHash))]
      for (const entry of [...met, before.get(nowhere)]) {
        if (isStale(mutation.sequence, entry?.sequence)) {
          reject("P2PSIP_OUT_OF_ORDER", `expected a sequence after ${entry?.sequence?.number}, found ${mutation.sequence?.number}`)
        }
      }
    }

    // 4. The mutations, in order, on a copy.
    const after: Entries = new Map(before)
    for (const mutation of mutations) apply(after, mutation, operationId, now)

    // 5. Count.
    const result = this.#live(after)
    if (result.length > most) reject("P2PSIP_TOO_MANY_VALUES", `expected at most ${most} live values, found ${result.length}`)
    const kept = after.size - (after.has(nowhere) ? 1 : 0)
    if (kept > this.limits.maxValuesPerKey * tombstonesPerValue) {
      reject("P2PSIP_TOO_MANY_VALUES", `expected fewer changes of this key within the life of its values, found ${kept} tombstones`)
    }
    if (!this.#keys.has(name) && this.#keys.size >= this.#maxKeys) {
      throw new P2PSipError("P2PSIP_LIMIT", `expected at most ${this.#maxKeys} keys (maxKeys), found one more`)
    }
    if (after.size > 0) this.#keys.set(name, after)
    this.#made.delete(operation)
    this.#made.set(operation, now)
    for (const [oldest, madeAt] of this.#made) {
      if (this.#made.size <= rememberedOperations && now - madeAt <= repeatWindowMs) break
      this.#made.delete(oldest)
    }
    return result
  }

  protected override async _get(key: Uint8Array): Promise<readonly Value[]> {
    return this.#live(this.#remembered(hex(key)))
  }

  protected override async *_lookup(key: Uint8Array): AsyncIterable<LookupEvent> {
    const values = this.#live(this.#remembered(hex(key)))
    yield { name: "done", owner: self, replicas: [self], values, hops: 0, elapsedMs: 0 }
  }

  protected override _status(): BackendStatus {
    const now = this.#runtime.now()
    let owned = 0
    let tombstones = 0
    for (const entries of this.#keys.values()) {
      for (const entry of entries.values()) {
        if (isAlive(entry, now)) owned++
        else if (entry.keptUntil > now) tombstones++
      }
    }
    return { self, peersKnown: 0, neighbours: {}, records: { owned, copies: 0, tombstones } }
  }

  /** The entries of a key without those whose time is over. */
  #remembered(name: string): Entries {
    const entries = this.#keys.get(name)
    if (entries === undefined) return new Map()
    const now = this.#runtime.now()
    for (const [hash, entry] of entries) if (entry.keptUntil <= now) entries.delete(hash)
    if (entries.size === 0) this.#keys.delete(name)
    return entries
  }

  #live(entries: Entries): Value[] {
    const now = this.#runtime.now()
    const values: Value[] = []
    for (const { valueHash, value, liveUntil } of entries.values()) {
      if (value !== undefined && liveUntil > now) {
        values.push({ valueHash, value, ttlSeconds: Math.ceil((liveUntil - now) / 1000) })
      }
    }
    return values
  }

  #sweepLater(): void {
    this.#sweeper = this.#runtime.setTimer(sweepIntervalMs, () => {
      for (const name of this.#keys.keys()) this.#remembered(name)
      this.#sweepLater()
    })
  }
}

/** Rule 4, for one mutation. */
function apply(entries: Entries, mutation: NormalMutation, operationId: Uint8Array, now: number): void {
  const { sequence } = mutation
  const bury = (hash: string, { valueHash, keptUntil }: Pick<Entry, "valueHash" | "keptUntil">): void => {
    entries.set(hash, { valueHash, value: undefined, sequence, operationId, liveUntil: now, keptUntil })
  }
  switch (mutation.kind) {
    case "put": {
      const { valueHash, value, ttlSeconds } = mutation
      const hash = hex(valueHash)
      const liveUntil = now + ttlSeconds * 1000
      const keptUntil = Math.max(liveUntil, entries.get(hash)?.keptUntil ?? 0)
      entries.set(hash, { valueHash, value, sequence, operationId, liveUntil, keptUntil })
      return
    }
    case "remove": {
      const hash = hex(mutation.valueHash)
      bury(hash, entries.get(hash) ?? { valueHash: mutation.valueHash, keptUntil: now + unseenRemovalSeconds * 1000 })
      return
    }
    case "removeAll":
      for (const [hash, entry] of entries) if (isAlive(entry, now)) bury(hash, entry)
      // Where peers may hold values that the owner does not know, these count as removed as well.
      bury(nowhere, { valueHash: new Uint8Array(0), keptUntil: now + unseenRemovalSeconds * 1000 })
  }
}

function isAlive(entry: Entry, now: number): boolean {
  return entry.value !== undefined && entry.liveUntil > now
}

function isStale(sequence: NormalSequence | undefined, stored: NormalSequence | undefined): boolean {
  if (sequence === undefined || stored === undefined) return false
  return equal(sequence.series, stored.series) && sequence.number <= stored.number
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")
}

/** The entry of the table of backends. */
export const backend: BackendModule<MemoryOptions> = {
  name: "memory",
  optionsSchema: servletOptionsSchema.extend({ maxKeys: z.int().min(1).optional() }),
  create: (components, options) => new MemoryServlet(components, options),
}

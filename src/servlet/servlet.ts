/**
 * P2PSipServlet: what SIP-facing code sees of a distributed hash table
 * (after Wauthy, "P2PSIP Servlet", 2007), in the pattern of abstract-level.
 *
 * The public methods check the state, turn arguments into bytes, hold them to
 * limits, count, and give up in time; the protected `_methods`, which a backend
 * writes, may rely on all of that and do the overlay's work.
 *
 * Bytes are passed on without a copy in both directions: do not change what
 * you handed over or were given.
 */
import { EventEmitter } from "node:events"
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { followLookup } from "./lookup.ts"
import {
  normaliseKey, normaliseMutation, normaliseMutations, normaliseOperationId, normalisePreconditions, normalisePut, operationIdBytes,
  toBytes,
} from "./normalise.ts"
import type { NormalMutation, NormalPrecondition, NormalPut } from "./normalise.ts"
import { defaultLimits, defaultOperationTimeoutMs } from "./options.ts"
import type { ServletOptions } from "./options.ts"
import { abortedError, asError, PendingOperations } from "./pending.ts"
import type { OperationName } from "./pending.ts"
import { UpdateRejectedError } from "./rejected.ts"
import type {
  Capabilities, Consistency, Data, GetOptions, JoinOptions, Limits, LookupEvent, Mutation, OperationOptions, Precondition,
  PutOptions, PutOrGetResult, RemoveOptions, ServletState, ServletStatus, UpdateOptions, Value,
} from "./types.ts"

/** What a servlet tells its listeners. */
export interface ServletEvents {
  /** The state has changed. */
  readonly state: [change: { readonly from: ServletState; readonly to: ServletState }]
}

/** What every servlet needs. */
export interface ServletComponents {
  readonly runtime: Runtime
}

/** What a backend says of itself, once. */
export interface BackendDeclaration {
  /** As in the table of backends. */
  readonly name: string
  readonly capabilities: Capabilities
}

/** The part of {@link ServletStatus} that a backend fills in. */
export type BackendStatus = Omit<ServletStatus, "backend" | "state">

const defaultTtlSeconds = 3600
const noPreconditions: readonly NormalPrecondition[] = []
const onlyIfEmpty: readonly NormalPrecondition[] = [{ kind: "empty" }]
const consistencies: ReadonlySet<Consistency> = new Set(["owner", "any", "all"])

/** See the head of this file. */
export abstract class P2PSipServlet extends EventEmitter<ServletEvents> {
  /** The backend's name. */
  readonly backend: string
  readonly capabilities: Capabilities
  readonly limits: Limits
  /** An operation that takes longer is given up; a backend need not try for longer either. */
  readonly operationTimeoutMs: number
  readonly #runtime: Runtime
  readonly #pending: PendingOperations
  #state: ServletState = "new"
  #joining: { readonly promise: Promise<void>; readonly controller: AbortController } | undefined
  #leaving: Promise<void> | undefined

  protected constructor(components: ServletComponents, declaration: BackendDeclaration, options: ServletOptions = {}) {
    super()
    this.#runtime = components.runtime
    this.backend = declaration.name
    this.capabilities = declaration.capabilities
    const given = Object.entries(options.limits ?? {}).filter(([, limit]) => limit !== undefined)
    this.limits = { ...defaultLimits, ...(Object.fromEntries(given) as Partial<Limits>) }
    this.operationTimeoutMs = options.operationTimeoutMs ?? defaultOperationTimeoutMs
    this.#pending = new PendingOperations(this.#runtime, this.operationTimeoutMs, this.limits.maxPendingOperations)
  }

  get state(): ServletState {
    return this.#state
  }

  /** The place of some data in the backend's identifier space. Works in any state. */
  hash(data: Data): Uint8Array {
    return this._hash(toBytes("data", data))
  }

  /**
   * Enters the overlay that the bootstrap multiaddrs belong to; with none,
   * starts a new one. Resolves when this peer answers correctly for its share
   * of the keys and holds their records. Joining again does nothing. Rejects
   * with `P2PSIP_BOOTSTRAP_FAILED` when nobody answers: the state is then
   * `new` once more, and one may try again.
   */
  join(bootstrap: readonly string[] = [], options: JoinOptions = {}): Promise<void> {
    if (this.#state === "joined") return Promise.resolve()
    if (this.#joining !== undefined) return this.#joining.promise
    if (this.#state !== "new") return Promise.reject(this.#notOpen("join", "new"))
    if (bootstrap.length > 0 && !this.capabilities.distributed) {
      const message = `join: expected no bootstrap peers for backend ${this.backend}, which is one process alone, found ${bootstrap.length}`
      return Promise.reject(new P2PSipError("P2PSIP_NOT_SUPPORTED", message))
    }
    const controller = new AbortController()
    const promise = this.#enter(bootstrap, controller, options.signal).finally(() => {
      this.#joining = undefined
    })
    this.#joining = { promise, controller }
    return promise
  }

  /**
   * Hands this peer's records over and goes; nothing acknowledged is lost.
   * Calls off a join that is under way. Leaving again does nothing. A signal
   * cuts the hand-over short. The servlet cannot be used again.
   */
  leave(options: OperationOptions = {}): Promise<void> {
    this.#leaving ??= this.#exit(options.signal ?? new AbortController().signal)
    return this.#leaving
  }

  /** Stores a value, in place of the one with the same valueHash; resolves with all that are then live. */
  put(key: Data, value: Data, options: PutOptions = {}): Promise<readonly Value[]> {
    return Promise.resolve(this.#submit("put", key, () => [this.#putMutation(value, options)], noPreconditions, options))
  }

  /** All live values of a key, in no particular order. */
  get(key: Data, options: GetOptions = {}): Promise<readonly Value[]> {
    try {
      const bytes = this.#open("get", key)
      const consistency = options.consistency ?? "owner"
      if (!consistencies.has(consistency)) {
        throw new P2PSipError("P2PSIP_BAD_ARGUMENT", `consistency: expected owner, any or all, found ${String(consistency)}`)
      }
      return Promise.resolve(this.#pending.run("get", options.signal, () => this._get(bytes, consistency, options.signal)))
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  /** Deletes the value of that hash, if there is one; resolves with those that are left. */
  remove(key: Data, valueHash: Data, options: RemoveOptions = {}): Promise<readonly Value[]> {
    const mutation: Mutation = { kind: "remove", valueHash, ...sequenceOf(options) }
    return Promise.resolve(this.#submit("remove", key, () => [normaliseMutation(mutation, this.limits)], noPreconditions, options))
  }

  /** Stores the value if the key has none, otherwise tells what it has: one step at the owner. */
  async putOrGet(key: Data, value: Data, options: PutOptions = {}): Promise<PutOrGetResult> {
    const mutation = this.#putMutation(value, options)
    try {
      const values = await this.#submit("putOrGet", key, () => [mutation], onlyIfEmpty, options)
      // A repeated operation may find that its value has been replaced or removed since.
      const now = values.find((one) => Buffer.compare(one.valueHash, mutation.valueHash) === 0)
      const { valueHash, value: bytes, ttlSeconds } = now ?? mutation
      return { stored: true, value: { valueHash, value: bytes, ttlSeconds } }
    } catch (error) {
      const [existing] = error instanceof UpdateRejectedError && error.code === "P2PSIP_PRECONDITION" ? error.values : []
      if (existing === undefined) throw error
      return { stored: false, value: existing }
    }
  }

  /**
   * The one primitive for change. The owner of the key judges the preconditions
   * and applies the mutations in one step, all or nothing, and answers with
   * the values that are live afterwards. See README.md for the exact rules.
   * Rejects with {@link UpdateRejectedError} when the owner refuses.
   */
  update(
    key: Data,
    mutations: readonly Mutation[],
    preconditions: readonly Precondition[] = [],
    options: UpdateOptions = {},
  ): Promise<readonly Value[]> {
    return Promise.resolve(this.updateSoon(key, mutations, preconditions, options))
  }

  /**
   * As {@link P2PSipServlet.update}, but where this peer is the owner and need
   * not wait for anybody, the values come at once, without a promise: for who
   * does it ten thousand times a second. Never throws; it rejects.
   */
  updateSoon(
    key: Data,
    mutations: readonly Mutation[],
    preconditions: readonly Precondition[] = [],
    options: UpdateOptions = {},
  ): readonly Value[] | Promise<readonly Value[]> {
    try {
      const conditions = normalisePreconditions(preconditions, this.limits)
      const prepare = (): readonly NormalMutation[] => normaliseMutations(mutations, this.limits)
      return this.#submit("update", key, prepare, conditions, options)
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  /**
   * Finds the key's owner and values, and shows the way there. The last event
   * is `done` or `failed`; only a wrong argument or state throws.
   */
  lookup(key: Data, options: OperationOptions = {}): AsyncIterable<LookupEvent> {
    const bytes = this.#open("lookup", key)
    const find = (signal: AbortSignal): AsyncIterable<LookupEvent> => this._lookup(bytes, signal)
    return followLookup(this.#runtime, this.#pending, find, options.signal)
  }

  /** A snapshot for people and monitors. Works in any state. */
  status(): ServletStatus {
    return { backend: this.backend, state: this.#state, ...this._status() }
  }

  /** @see {@link P2PSipServlet.hash} */
  protected abstract _hash(data: Uint8Array): Uint8Array
  /** Resolves when this peer holds its share. Rejects, having cleaned up, when that fails or the signal fires. */
  protected abstract _join(bootstrap: readonly string[], signal: AbortSignal): Promise<void>
  /** Hands over and closes. Called once, and only when joined; when the signal fires, hurries. */
  protected abstract _leave(signal: AbortSignal): Promise<void>
  /**
   * Applies an update at the key's owner. Refused there, it rejects with
   * `UpdateRejectedError`, which carries the live values. `signal` is the
   * caller's own, where there is one: the public method has stopped waiting
   * when it fires, a backend may look at it to stop trying. A backend that has
   * the values at hand returns them without a promise.
   */
  protected abstract _update(
    key: Uint8Array,
    mutations: readonly NormalMutation[],
    preconditions: readonly NormalPrecondition[],
    operationId: Uint8Array,
    signal: AbortSignal | undefined,
  ): readonly Value[] | Promise<readonly Value[]>
  /** The live values. */
  protected abstract _get(
    key: Uint8Array,
    consistency: Consistency,
    signal: AbortSignal | undefined,
  ): readonly Value[] | Promise<readonly Value[]>
  /** Yields events up to `done`; may throw instead, which shows as `failed`. The signal fires at the deadline too. */
  protected abstract _lookup(key: Uint8Array, signal: AbortSignal): AsyncIterable<LookupEvent>
  /** @see {@link P2PSipServlet.status} */
  protected abstract _status(): BackendStatus

  async #enter(bootstrap: readonly string[], controller: AbortController, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) throw abortedError("join", signal)
    const onAbort = (): void => controller.abort(signal?.reason)
    signal?.addEventListener("abort", onAbort)
    this.#become("joining")
    try {
      await this._join(bootstrap, controller.signal)
      // Called off too late: it hands over like any other.
      if (controller.signal.aborted) await this._leave(new AbortController().signal)
      controller.signal.throwIfAborted()
      this.#become("joined")
    } catch (error) {
      this.#become("new")
      throw controller.signal.aborted ? abortedError("join", controller.signal) : error
    } finally {
      signal?.removeEventListener("abort", onAbort)
    }
  }

  async #exit(signal: AbortSignal): Promise<void> {
    if (this.#joining !== undefined) {
      this.#joining.controller.abort(new P2PSipError("P2PSIP_NOT_OPEN", "join: called off by leave"))
      await this.#joining.promise.catch(() => undefined)
    }
    const joined = this.#state === "joined"
    this.#become("leaving")
    try {
      if (joined) await this._leave(signal)
    } finally {
      this.#become("left")
      this.#pending.rejectAll(new P2PSipError("P2PSIP_NOT_OPEN", "the servlet left the overlay before an answer came"))
    }
  }

  #submit(
    name: OperationName,
    key: Data,
    prepare: () => readonly NormalMutation[],
    preconditions: readonly NormalPrecondition[],
    options: UpdateOptions,
  ): readonly Value[] | Promise<readonly Value[]> {
    try {
      const bytes = this.#open(name, key)
      const mutations = prepare()
      this.#requireCapabilities(mutations, preconditions)
      const { signal } = options
      const operationId =
        options.operationId === undefined ? this.#runtime.random.bytes(operationIdBytes) : normaliseOperationId(options.operationId)
      return this.#pending.run(name, signal, () => this._update(bytes, mutations, preconditions, operationId, signal))
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  #putMutation(value: Data, options: PutOptions): NormalPut {
    const { valueHash, sequence, ttlSeconds = defaultTtlSeconds } = options
    return normalisePut(value, valueHash, ttlSeconds, sequence, this.limits)
  }

  #requireCapabilities(mutations: readonly NormalMutation[], preconditions: readonly NormalPrecondition[]): void {
    const { atomicUpdate, sequences, preconditions: conditional } = this.capabilities
    if (!atomicUpdate && mutations.length > 1) throw this.#notSupported("updates of several mutations")
    if (!conditional && preconditions.length > 0) throw this.#notSupported("preconditions")
    if (!sequences && mutations.some((mutation) => mutation.sequence !== undefined)) throw this.#notSupported("sequences")
  }

  #open(name: OperationName, key: Data): Uint8Array {
    if (this.#state !== "joined") throw this.#notOpen(name, "joined")
    return normaliseKey(key, this.limits)
  }

  #notOpen(name: string, expected: ServletState): P2PSipError {
    return new P2PSipError("P2PSIP_NOT_OPEN", `${name}: expected a servlet that is ${expected}, found one that is ${this.#state}`)
  }

  #notSupported(what: string): P2PSipError {
    return new P2PSipError("P2PSIP_NOT_SUPPORTED", `backend ${this.backend} does not do ${what}; see its capabilities`)
  }

  #become(to: ServletState): void {
    const from = this.#state
    this.#state = to
    if (from !== to) this.emit("state", { from, to })
  }
}

function sequenceOf(options: RemoveOptions): Pick<RemoveOptions, "sequence"> | undefined {
  return options.sequence === undefined ? undefined : { sequence: options.sequence }
}

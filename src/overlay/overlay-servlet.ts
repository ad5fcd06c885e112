/**
 * The servlet of every backend of this package: key-based routing from the
 * backend, storage from this folder.
 */
import { P2PSipError } from "../errors.ts"
import type { PeerAddress } from "../link/link.ts"
import type {
  BackendStatus, Consistency, LookupEvent, NormalMutation, NormalPrecondition, Value,
} from "../servlet/index.ts"
import { P2PSipServlet, UpdateRejectedError } from "../servlet/index.ts"
import type { Id } from "./id.ts"
import { idOfKey } from "./id.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { memberOf } from "./member-codec.ts"
import type { Operation, Result } from "./operation-codec.ts"
import { operationIdOf } from "./operation-codec.ts"
import type { OverlayComponents, OverlayOptions, RoutingFactory } from "./overlay-options.ts"
import { OverlayPeer } from "./overlay-peer.ts"
import { peerInfoOf } from "./router.ts"
import { lookupEvents } from "./lookup-events.ts"
import { isDurable } from "./storage.ts"
import { liveValues } from "./view.ts"

const defaultLeaveTimeoutMs = 8_000

/** See the head of this file. */
export class OverlayServlet extends P2PSipServlet {
  readonly #components: OverlayComponents
  readonly #options: OverlayOptions
  readonly #createRouting: RoutingFactory
  #peer: OverlayPeer | undefined

  constructor(name: string, components: OverlayComponents, createRouting: RoutingFactory, options: OverlayOptions = {}) {
    const capabilities = {
      distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true,
      durable: isDurable(components, options),
    }
    super(components, { name, capabilities }, options)
    this.#components = components
    this.#options = options
    this.#createRouting = createRouting
  }

  /** The backend's routing while joined, for status pages and checkers. */
  get routing(): KeyBasedRouting | undefined {
    return this.#peer?.routing
  }

  protected override _hash(data: Uint8Array): Uint8Array {
    return Buffer.from(idOfKey(data), "hex")
  }

  protected override async _join(bootstrap: readonly string[], signal: AbortSignal): Promise<void> {
    this.#requireReachable(bootstrap)
    const members = await this.#resolve(bootstrap, signal)
    const peer = new OverlayPeer(this.#components, this.#createRouting, {
      ...this.#options, maxValuesPerKey: this.limits.maxValuesPerKey, operationTimeoutMs: this.operationTimeoutMs,
    })
    this.#peer = peer
    try {
      await peer.join(members, signal)
    } catch (error) {
      await peer.abandon(this.#options.leaveTimeoutMs ?? defaultLeaveTimeoutMs)
      this.#peer = undefined
      throw error
    }
  }

  protected override async _leave(signal: AbortSignal): Promise<void> {
    const peer = this.#peer
    if (peer === undefined) return
    await peer.leave(this.#options.leaveTimeoutMs ?? defaultLeaveTimeoutMs, signal)
    this.#peer = undefined
  }

  protected override _update(
    key: Uint8Array,
    mutations: readonly NormalMutation[],
    preconditions: readonly NormalPrecondition[],
    operationId: Uint8Array,
    signal: AbortSignal | undefined,
  ): readonly Value[] | Promise<readonly Value[]> {
    const update = { mutations, preconditions, operationId: operationIdOf(operationId) }
    const id = idOfKey(key)
    const { pathCache } = this.#open
    const made = this.#run(id, { kind: "update", update }, signal)
    if (made instanceof Promise) return made.finally(() => pathCache.forget(id))
    pathCache.forget(id)
    return made
  }

  protected override _get(
    key: Uint8Array,
    consistency: Consistency,
    signal: AbortSignal | undefined,
  ): readonly Value[] | Promise<readonly Value[]> {
    const id = idOfKey(key)
    return consistency === "any" ? this.#getAny(id, signal) : this.#run(id, { kind: "get", consistency }, signal)
  }

  async #getAny(id: Id, signal: AbortSignal | undefined): Promise<readonly Value[]> {
    const operation: Operation = { kind: "get", consistency: "any" }
    const { owner, router, pathCache } = this.#open
    const own = await owner.execute(id, operation)
    if (own.status === "done") return liveValues(own.records, this.#components.runtime.now())
    const found = await router.run(id, operation, signal)
    if (found.answer.status === "rejected") throw new UpdateRejectedError(found.answer.code, found.answer.message, found.answer.values)
    pathCache.learn(id, found.answer.values, found.owner.peerId)
    return found.answer.values
  }

  protected override _lookup(key: Uint8Array, signal: AbortSignal): AsyncIterable<LookupEvent> {
    return lookupEvents(this.#components.runtime, this.#open.router, idOfKey(key), signal)
  }

  protected override _status(): BackendStatus {
    const peer = this.#peer
    if (peer === undefined) return { peersKnown: 0, neighbours: {}, records: { owned: 0, copies: 0, tombstones: 0 } }
    const { peersKnown, neighbours } = peer.routing.describe()
    return { self: peerInfoOf(peer.routing.self), peersKnown, neighbours, records: peer.countRecords() }
  }

  /** The short way where this peer is the owner, the router's otherwise. */
  #run(id: Id, operation: Operation, signal: AbortSignal | undefined): readonly Value[] | Promise<readonly Value[]> {
    const { owner, routing } = this.#open
    if (!routing.isResponsible(id)) return this.#route(id, operation, signal)
    const result = owner.execute(id, operation)
    if (result instanceof Promise) return result.then((settled) => this.#valuesOf(settled) ?? this.#route(id, operation, signal))
    return this.#valuesOf(result) ?? this.#route(id, operation, signal)
  }

  async #route(id: Id, operation: Operation, signal: AbortSignal | undefined): Promise<readonly Value[]> {
    const { answer } = await this.#open.router.run(id, operation, signal)
    if (answer.status === "rejected") throw new UpdateRejectedError(answer.code, answer.message, answer.values)
    return answer.values
  }

  /** Undefined where another peer is the owner. */
  #valuesOf(result: Result): readonly Value[] | undefined {
    if (result.status === "redirect") return undefined
    const values = liveValues(result.records, this.#components.runtime.now())
    if (result.status === "rejected") throw new UpdateRejectedError(result.code, result.message, values)
    return values
  }

  get #open(): OverlayPeer {
    if (this.#peer === undefined) throw new P2PSipError("P2PSIP_NOT_OPEN", "expected a servlet that has joined, found one that has not")
    return this.#peer
  }

  /** A member is passed from peer to peer, and each of them must be able to ask it. */
  #requireReachable(bootstrap: readonly string[]): void {
    const { addresses } = this.#components.link.self
    if (bootstrap.length === 0 || addresses.length > 0) return
    throw new P2PSipError("P2PSIP_UNREACHABLE", "expected an address at which other peers can dial this one, found none; listen on one, or announce that of your router")
  }

  /** The members behind the bootstrap addresses; empty for a new overlay. */
  async #resolve(bootstrap: readonly string[], signal: AbortSignal): Promise<Member[]> {
    const { link } = this.#components
    if (bootstrap.length === 0) return []
    const outcomes = await Promise.allSettled(bootstrap.map((address) => link.resolve(address, { signal })))
    signal.throwIfAborted()
    const found = outcomes.filter((outcome): outcome is PromiseFulfilledResult<PeerAddress> => outcome.status === "fulfilled")
    const others = found.map((outcome) => memberOf(outcome.value)).filter((member) => member.peerId !== link.self.peerId)
    // Only a peer that was told nothing but its own address may start an overlay of its own.
    if (others.length > 0 || found.length === bootstrap.length) return others
    const cause = outcomes.find((outcome) => outcome.status === "rejected")?.reason as unknown
    const why = cause instanceof Error ? ` (${cause.message})` : ""
    throw new P2PSipError("P2PSIP_BOOTSTRAP_FAILED", `none of ${bootstrap.join(", ")} could be reached; is one of them running?${why}`, { cause })
  }
}

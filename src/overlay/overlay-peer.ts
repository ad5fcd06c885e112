/** One peer's membership in an overlay, from its join to its end: the parts of this folder, put together. */
import { pause } from "../runtime/pause.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { ServletStatus } from "../servlet/types.ts"
import { countRecords } from "./census.ts"
import { Custodian } from "./custodian.ts"
import { Deadline } from "./deadline.ts"
import { Forwarder } from "./forwarder.ts"
import { HandOver } from "./hand-over.ts"
import { HybridClock } from "./hlc.ts"
import type { KeyBasedRouting, Member } from "./key-based-routing.ts"
import { KeyFetcher } from "./key-fetcher.ts"
import { memberOf } from "./member-codec.ts"
import type { OverlayComponents, OverlayOptions, RoutingFactory } from "./overlay-options.ts"
import { Owner } from "./owner.ts"
import { PathCache } from "./path-cache.ts"
import { Replication } from "./replication.ts"
import { Router } from "./router.ts"
import { Rpc } from "./rpc.ts"
import { isDurable, openStore } from "./storage.ts"
import type { RecordStore } from "./store.ts"
import { Strays } from "./strays.ts"
import { Synchroniser } from "./synchroniser.ts"
import { Transfer } from "./transfer.ts"

export interface OverlayPeerOptions extends OverlayOptions {
  readonly maxValuesPerKey: number
  readonly operationTimeoutMs: number
}

/**
 * Of the time that a leave may take: until when the keys are handed over, until when those heirs get all who stay where that
 * took too long, and until when they get what has changed meanwhile. Waiting for somebody dead may take all the time there is.
 */
const leavingShares = { begin: 0.75, give: 0.9, confirm: 1 }
/** After leaving, for so long latecomers are still told that this peer is not the one. */
const lingerMs = 200

/** See the head of this file. */
export class OverlayPeer {
  readonly routing: KeyBasedRouting
  readonly router: Router
  readonly owner: Owner
  readonly pathCache: PathCache
  readonly #runtime: Runtime
  readonly #rpc: Rpc
  readonly #store: RecordStore
  readonly #synchroniser: Synchroniser
  readonly #handOver: HandOver
  readonly #strays: Strays
  readonly #isBlank: boolean
  /** From when the routing has let it in. */

  constructor(components: OverlayComponents, createRouting: RoutingFactory, options: OverlayPeerOptions) {
    const { runtime, link, founders } = components
    this.#runtime = runtime
    // With disks, founders may have founded before.
    this.#isBlank = founders !== undefined && !isDurable(components, options)
    const clock = new HybridClock(runtime, options)
    this.#store = openStore({ ...components, clock }, options)
    const store = this.#store
    this.#rpc = new Rpc({ runtime, link }, { timeoutMs: options.operationTimeoutMs, ...options.rpc })
    const rpc = this.#rpc
    const transfer = new Transfer({ runtime, rpc, store, clock })
    this.routing = createRouting({ runtime, link, rpc, self: memberOf(link.self), ...(founders === undefined ? {} : { founders }) })
    const routing = this.routing
    const replication = new Replication({ runtime, rpc, routing }, options)
    const custodian = new Custodian({ runtime, routing })
    transfer.nameLeads(custodian)
    this.#synchroniser = new Synchroniser({ runtime, routing, replication, transfer, custodian }, options)
    this.#handOver = new HandOver({ runtime, custodian, synchroniser: this.#synchroniser, transfer })
    const fetcher = new KeyFetcher({ custodian, transfer })
    this.pathCache = new PathCache({ runtime, rpc, routing }, options.pathCache)
    const { pathCache } = this
    this.owner = new Owner({ runtime, rpc, routing, store, clock, replication, fetcher, pathCache }, options)
    const { owner } = this
    this.router = new Router({ runtime, rpc, routing, owner }, { timeoutMs: options.operationTimeoutMs, mode: options.routing ?? "recursive" })
    new Forwarder({ runtime, rpc, routing, owner }, options.forwarding)
    this.#strays = new Strays({ runtime, rpc, routing, store, replication, transfer, router: this.router }, options)
  }

  /** Resolves when this peer is a member and holds all that it owns. When that fails, {@link abandon} it. */
  async join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void> {
    this.#synchroniser.start()
    this.#strays.start()
    await this.routing.join(bootstrap, signal)
    // Nobody has records yet.
    if (this.#isBlank && bootstrap.length === 0) this.#synchroniser.assumeSettled()
    await this.#synchroniser.settled(signal)
    this.routing.completed?.()
  }

  /** Hands over, tells the neighbours, stops; the hand-over takes no longer than `timeoutMs`. */
  async leave(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const handOver = this.#handOver
    const until = (share: number): Deadline => new Deadline(this.#runtime, timeoutMs * share, signal)
    const [beginning, giving, confirming] = [until(leavingShares.begin), until(leavingShares.give), until(leavingShares.confirm)]
    const hasBegun = await beginning.meetBy((patience) => handOver.begin(patience).then(() => this.#strays.search()))
    const { legacy } = handOver
    // It has waited in vain, for somebody dead perhaps. Nobody shall answer for these keys who has not got what there is.
    if (!hasBegun) await giving.meetBy((patience) => handOver.confirm(legacy, patience))
    await this.routing.leave()
    await confirming.meetBy((patience) => handOver.confirm(legacy, patience))
    for (const deadline of [beginning, giving, confirming]) deadline.cancel()
    if (!confirming.hasPassed) await pause(this.#runtime, lingerMs)
    this.stop()
  }

  /** Ends a join that has failed. Whoever has neighbours by then may have a change that nobody else has, and leaves as members do. */
  async abandon(leaveTimeoutMs: number): Promise<void> {
    if (this.routing.neighbours().length > 0) await this.leave(leaveTimeoutMs, new AbortController().signal)
    else this.stop()
  }

  /** Ends everything at once. */
  stop(): void {
    this.routing.stop()
    this.#synchroniser.stop()
    this.#strays.stop()
    this.#rpc.stop()
    this.#store.close()
  }

  countRecords(): ServletStatus["records"] {
    return countRecords(this.#store, (key) => this.routing.isResponsible(key), this.#runtime.now())
  }
}

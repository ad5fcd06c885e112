/**
 * A backend whose peers all read and write one store: an overlay without
 * mistakes, and, with a flaw planted, one that the checkers must see through.
 */
import { z } from "zod"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import type { Link, PeerId } from "../../../src/link/link.ts"
import type { Runtime } from "../../../src/runtime/runtime.ts"
import { P2PSipServlet, servletOptionsSchema } from "../../../src/servlet/index.ts"
import type {
  BackendComponents, BackendModule, BackendStatus, LookupEvent, NormalMutation, NormalPrecondition, Value,
} from "../../../src/servlet/index.ts"

/** What goes wrong in every tenth update. */
export type Flaw = "none" | "forgets puts" | "ignores removals" | "disagrees about owners" | "does not answer"

interface Shared {
  store: MemoryServlet | undefined
  readonly members: Set<PeerId>
  readonly flaw: Flaw
  updates: number
}

/** A fresh overlay. */
export function sharedBackend(flaw: Flaw = "none"): BackendModule {
  const shared: Shared = { store: undefined, members: new Set(), flaw, updates: 0 }
  return {
    name: "shared",
    optionsSchema: z.looseObject(servletOptionsSchema.shape),
    create: (components) => new SharedServlet(components, shared),
  }
}

class SharedServlet extends P2PSipServlet {
  readonly #shared: Shared
  readonly #runtime: Runtime
  readonly #link: Link

  constructor(components: BackendComponents, shared: Shared) {
    const capabilities = {
      distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: true,
    }
    super(components, { name: "shared", capabilities })
    this.#shared = shared
    this.#runtime = components.runtime
    this.#link = components.link
  }

  protected override _hash(data: Uint8Array): Uint8Array {
    return this.#store().hash(data)
  }

  protected override async _join(): Promise<void> {
    this.#shared.store ??= new MemoryServlet({ runtime: this.#runtime })
    if (this.#shared.store.state === "new") await this.#shared.store.join()
    await this.#pause(100)
    this.#shared.members.add(this.#link.self.peerId)
  }

  protected override async _leave(): Promise<void> {
    this.#shared.members.delete(this.#link.self.peerId)
  }

  protected override async _update(
    key: Uint8Array,
    mutations: readonly NormalMutation[],
    preconditions: readonly NormalPrecondition[],
    operationId: Uint8Array,
  ): Promise<readonly Value[]> {
    const { flaw } = this.#shared
    await this.#pause(20)
    const isFlawed = ++this.#shared.updates % 10 === 0
    const kinds = new Set(mutations.map((mutation) => mutation.kind))
    if (isFlawed && flaw === "forgets puts" && kinds.has("put")) return []
    if (isFlawed && flaw === "ignores removals" && kinds.has("remove")) return []
    const given = mutations.map(({ sequence, ...mutation }) => (sequence === undefined ? mutation : { ...mutation, sequence }))
    return await this.#store().update(key, given, preconditions, { operationId })
  }

  protected override async _get(key: Uint8Array): Promise<readonly Value[]> {
    await this.#pause(this.#shared.flaw === "does not answer" && this.#runtime.random.uint32() % 10 === 0 ? 1e9 : 20)
    return await this.#store().get(key)
  }

  protected override async *_lookup(key: Uint8Array): AsyncIterable<LookupEvent> {
    const values = await this._get(key)
    const [first = ""] = this.#shared.flaw === "disagrees about owners" ? [this.#link.self.peerId] : this.#shared.members
    const owner = { peerId: first, id: "0".repeat(40), addresses: [] }
    yield { name: "done", owner, replicas: [owner], values, hops: 1, elapsedMs: 20 }
  }

  protected override _status(): BackendStatus {
    const { owned, tombstones } = this.#store().status().records
    const [first] = this.#shared.members
    const isFirst = first === this.#link.self.peerId
    return { peersKnown: 0, neighbours: {}, records: { owned: isFirst ? owned : 0, copies: isFirst ? 0 : owned, tombstones } }
  }

  #store(): MemoryServlet {
    if (this.#shared.store === undefined) throw new Error("nobody has joined")
    return this.#shared.store
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#runtime.setTimer(ms, resolve))
  }
}

/**
 * A backend of your own: here a table of SQLite, in 60 lines, held to the
 * conformance suite of the package.
 *
 *     node examples/03-write-a-backend.ts
 *
 * Put such a module into a package that exports `backend`, install it, and
 * `p2psip start --backend THE-PACKAGE` finds it.
 */
import { createHash } from "node:crypto"
import { DatabaseSync } from "node:sqlite"
import { describe, it } from "node:test"
import { NodeRuntime } from "p2psip"
import { conformance } from "p2psip/conformance"
import { P2PSipServlet, servletOptionsSchema, UpdateRejectedError } from "p2psip/servlet"
import type { BackendModule, NormalMutation, ServletComponents, ServletOptions, Value } from "p2psip/servlet"

const capabilities = {
  distributed: false, atomicUpdate: false, sequences: false, preconditions: false, multipleValues: true, durable: false,
}

/** The public methods have checked state, arguments and limits before any of these is called. */
class SqliteServlet extends P2PSipServlet {
  readonly #components: ServletComponents
  readonly #database = new DatabaseSync(":memory:")

  constructor(components: ServletComponents, options: ServletOptions) {
    super(components, { name: "sqlite", capabilities }, options)
    this.#components = components
    this.#database.exec("CREATE TABLE records (key BLOB, hash BLOB, value BLOB, liveUntil REAL, PRIMARY KEY (key, hash)) STRICT")
  }

  protected override _hash(data: Uint8Array): Uint8Array {
    return createHash("sha256").update(data).digest()
  }

  protected override async _join(): Promise<void> {}

  protected override async _leave(): Promise<void> {
    this.#database.exec("DELETE FROM records")
  }

  protected override async _update(key: Uint8Array, mutations: readonly NormalMutation[]): Promise<readonly Value[]> {
    const before = await this._get(key)
    for (const mutation of mutations) {
      if (mutation.kind === "removeAll") {
        this.#database.prepare("DELETE FROM records WHERE key = ?").run(key)
      } else if (mutation.kind === "remove") {
        this.#database.prepare("DELETE FROM records WHERE key = ? AND hash = ?").run(key, mutation.valueHash)
      } else {
        const isNew = !before.some(({ valueHash }) => Buffer.compare(valueHash, mutation.valueHash) === 0)
        if (isNew && before.length >= this.limits.maxValuesPerKey) {
          throw new UpdateRejectedError("P2PSIP_TOO_MANY_VALUES", `expected at most ${before.length} values`, before)
        }
        const liveUntil = this.#components.runtime.now() + mutation.ttlSeconds * 1000
        this.#database.prepare("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)").run(key, mutation.valueHash, mutation.value, liveUntil)
      }
    }
    return this._get(key)
  }

  protected override async _get(key: Uint8Array): Promise<readonly Value[]> {
    const now = this.#components.runtime.now()
    this.#database.prepare("DELETE FROM records WHERE key = ? AND liveUntil <= ?").run(key, now)
    const rows = this.#database.prepare("SELECT hash, value, liveUntil FROM records WHERE key = ?").all(key)
    return rows.map(({ hash, value, liveUntil }) => ({
      valueHash: hash as Uint8Array,
      value: value as Uint8Array,
      ttlSeconds: Math.ceil((Number(liveUntil) - now) / 1000),
    }))
  }

  protected override async *_lookup(key: Uint8Array) {
    const owner = { peerId: "sqlite", id: "00", addresses: [] }
    yield { name: "done" as const, owner, replicas: [owner], values: await this._get(key), hops: 0, elapsedMs: 0 }
  }

  protected override _status() {
    const owned = Number(this.#database.prepare("SELECT count(*) AS count FROM records").get()?.["count"])
    return { peersKnown: 0, neighbours: {}, records: { owned, copies: 0, tombstones: 0 } }
  }
}

/** What `loadBackend` looks for in a package. */
export const backend: BackendModule<ServletOptions> = {
  name: "sqlite",
  optionsSchema: servletOptionsSchema,
  create: (components, options) => new SqliteServlet(components, options),
}

conformance({
  describe,
  it,
  name: backend.name,
  capabilities,
  virtualTime: false,
  async createNetwork() {
    const components = { runtime: new NodeRuntime({ logLevel: "error" }) }
    return {
      create: async () => new SqliteServlet(components, {}),
      bootstrap: () => [],
      run: (work) => work,
      advance: () => Promise.reject(new Error("time is real here")),
      close: async () => undefined,
    }
  },
})

/**
 * Announcements that go to every node, each once: of the largest address that
 * there is, so that one from a smaller node ends where a larger one is known.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter } from "../../src/codec.ts"
import { Recent } from "../../src/overlay/recent.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { TokenBucket } from "./token-bucket.ts"

/** Longer than nodes are silent between two of their own. */
const lifeMs = 60_000
const maxItems = 256
/** So many are told on at once, and in a second on the average. */
const burst = 64
const perSecond = 8

/** See the head of this file. */
export class Floods {
  readonly #runtime: Pick<Runtime, "now">
  /** The number of the last announcement of a node. */
  readonly #heard: Recent<string>
  #largest: { readonly address: Address; readonly until: number } | undefined
  readonly #bucket: TokenBucket
  #number: number

  constructor(runtime: Pick<Runtime, "now" | "random">) {
    this.#runtime = runtime
    this.#heard = new Recent(runtime, { lifeMs, maxItems })
    this.#bucket = new TokenBucket(perSecond, burst, runtime.now())
    this.#number = runtime.random.uint32()
  }

  /** The body of an announcement of this node's own. */
  next(): Uint8Array {
    this.#number = (this.#number + 1) >>> 0
    return new ByteWriter(4).uint32(this.#number).finish()
  }

  /** Whether an announcement is to be told to the neighbours. Throws `P2PSIP_BAD_FRAME`. */
  judge(from: Address, body: ByteReader): "new" | "known" | "too many" {
    const number = body.uint32()
    body.end()
    if (!this.#heard.add(`${from} ${number}`)) return "known"
    const now = this.#runtime.now()
    if (this.#largest !== undefined && this.#largest.until > now && this.#largest.address > from) return "known"
    if (!this.#bucket.take(now)) return "too many"
    this.#largest = { address: from, until: now + lifeMs }
    return "new"
  }
}

/**
 * Nonces that are verified without having been stored, and a bounded memory of
 * those that were used (RFC 7616 §3.3, §5.4).
 *
 * A nonce is its time of issue, a serial number and a MAC over both, so that
 * unanswered challenges cost no memory. Only successful authentications enter
 * the table of counts. When it is full, the oldest entry makes room and with
 * it every nonce issued as early becomes stale: a full table shortens the
 * life of nonces, it never lets a replay pass.
 */
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto"
import type { KeyObject } from "node:crypto"
import type { Runtime } from "../runtime/runtime.ts"

export interface NonceOptions {
  /** How long a nonce is accepted. @default 300 */
  readonly lifetimeSeconds?: number
  /** Used nonces remembered. @default 65536 */
  readonly maxUsed?: number
}

interface Use {
  readonly issuedAt: number
  count: number
  retransmissionKey: string | undefined
}

const plainBytes = 10
const macBytes = 14
/** 24 bytes make 32 characters with no bits to spare. */
const nonceLength = 32

/** See the head of this file. */
export class Nonces {
  readonly #runtime: Runtime
  readonly #key: KeyObject
  readonly #lifetimeMs: number
  readonly #maxUsed: number
  /** In the order of first use. */
  readonly #uses = new Map<string, Use>()
  /** Nonces issued up to this moment are stale. */
  #staleUpTo = -1
  #serial = 0

  constructor(runtime: Runtime, options: NonceOptions = {}) {
    this.#runtime = runtime
    // A raw key would be made into an object for each MAC, which takes longer than the MAC.
    this.#key = createSecretKey(runtime.random.bytes(32))
    this.#lifetimeMs = (options.lifetimeSeconds ?? 300) * 1000
    this.#maxUsed = options.maxUsed ?? 65_536
  }

  /** A fresh nonce. */
  issue(): string {
    const bytes = Buffer.allocUnsafe(plainBytes + macBytes)
    bytes.writeUIntBE(Math.floor(this.#runtime.now()), 0, 6)
    bytes.writeUInt32BE(this.#serial++ >>> 0, 6)
    this.#mac(bytes.subarray(0, plainBytes)).copy(bytes, plainBytes, 0, macBytes)
    return bytes.toString("base64url")
  }

  /**
   * Uses a nonce for one request; true if that is allowed. `count` is the
   * request's nonce count, which must grow, or undefined for clients without
   * one: then the nonce is good for a single request. Call it only for
   * credentials that were found right.
   */
  use(nonce: string, count: number | undefined, retransmissionKey: string | undefined): boolean {
    const issuedAt = this.#issuedAt(nonce)
    const now = this.#runtime.now()
    if (issuedAt === undefined || issuedAt <= this.#staleUpTo || now - issuedAt > this.#lifetimeMs) return false
    const use = this.#uses.get(nonce)
    if (!use) {
      this.#remember(nonce, { issuedAt, count: count ?? Infinity, retransmissionKey }, now)
      return true
    }
    if (count !== undefined && count > use.count) {
      use.count = count
      use.retransmissionKey = retransmissionKey
      return true
    }
    return retransmissionKey !== undefined && (count ?? Infinity) === use.count && retransmissionKey === use.retransmissionKey
  }

  #remember(nonce: string, use: Use, now: number): void {
    for (const [oldest, { issuedAt }] of this.#uses) {
      const expired = now - issuedAt > this.#lifetimeMs
      if (!expired && this.#uses.size < this.#maxUsed) break
      this.#uses.delete(oldest)
      if (!expired) this.#staleUpTo = Math.max(this.#staleUpTo, issuedAt)
    }
    this.#uses.set(nonce, use)
  }

  #issuedAt(nonce: string): number | undefined {
    if (nonce.length !== nonceLength) return undefined
    const bytes = Buffer.from(nonce, "base64url")
    // One nonce must have one spelling, or a second spelling would have a count of its own.
    if (bytes.length !== plainBytes + macBytes || bytes.toString("base64url") !== nonce) return undefined
    const expected = this.#mac(bytes.subarray(0, plainBytes)).subarray(0, macBytes)
    return timingSafeEqual(expected, bytes.subarray(plainBytes)) ? bytes.readUIntBE(0, 6) : undefined
  }

  #mac(plain: Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update(plain).digest()
  }
}

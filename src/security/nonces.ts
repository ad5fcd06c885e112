/**
 * Nonces that are verified without having been stored, and a bounded memory of
 * those that were used (RFC 7616 §3.3, §5.4).
 *
 * A nonce is its time of issue, a serial number and a MAC over both and over
 * whom it was issued to, so that unanswered challenges cost no memory, and
 * nobody can use a nonce in the name of another address. Only successful authentications enter
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

/** One request with a genuine nonce. */
export interface NonceUse {
  readonly nonce: string
  readonly issuedAt: number
  /** The nonce count, which must grow; undefined for clients without one: then the nonce is good for a single request. */
  readonly count: number | undefined
  readonly retransmissionKey: string | undefined
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

  /** A fresh nonce for a source. */
  issue(source: string): string {
    const bytes = Buffer.allocUnsafe(plainBytes + macBytes)
    bytes.writeUIntBE(Math.floor(this.#runtime.now()), 0, 6)
    bytes.writeUInt32BE(this.#serial++ >>> 0, 6)
    this.#mac(bytes.subarray(0, plainBytes), source).copy(bytes, plainBytes, 0, macBytes)
    return bytes.toString("base64url")
  }

  /** When a nonce was issued to the source; undefined for one that was not, or too long ago. */
  issuedAt(nonce: string, source: string): number | undefined {
    const issuedAt = this.#read(nonce, source)
    return issuedAt === undefined || issuedAt <= this.#staleUpTo || this.#runtime.now() - issuedAt > this.#lifetimeMs ? undefined : issuedAt
  }

  /** Uses a genuine nonce for one request whose credentials were found right; true if that is allowed. */
  use({ nonce, issuedAt, count, retransmissionKey }: NonceUse): boolean {
    // Meanwhile the table may have dropped it.
    if (issuedAt <= this.#staleUpTo) return false
    const use = this.#uses.get(nonce)
    if (!use) {
      this.#remember(nonce, { issuedAt, count: count ?? Infinity, retransmissionKey }, this.#runtime.now())
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

  #read(nonce: string, source: string): number | undefined {
    if (nonce.length !== nonceLength) return undefined
    const bytes = Buffer.from(nonce, "base64url")
    // One nonce must have one spelling, or a second spelling would have a count of its own.
    if (bytes.length !== plainBytes + macBytes || bytes.toString("base64url") !== nonce) return undefined
    const expected = this.#mac(bytes.subarray(0, plainBytes), source).subarray(0, macBytes)
    return timingSafeEqual(expected, bytes.subarray(plainBytes)) ? bytes.readUIntBE(0, 6) : undefined
  }

  #mac(plain: Uint8Array, source: string): Buffer {
    return createHmac("sha256", this.#key).update(plain).update(source, "latin1").digest()
  }
}

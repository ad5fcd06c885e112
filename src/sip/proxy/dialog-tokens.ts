/**
 * The user part of our Record-Route URIs: proof that a request belongs to a
 * dialog whose first request went through us, and the flow to that side
 * (RFC 5626 §5.3). A peer forwards to any address for who shows one, to nobody
 * else, so that it is no open relay.
 *
 * `d.` and in base64url: the first 9 bytes of a keyed hash of Call-ID and
 * flow key, then the flow key, which is empty for the side of the overlay.
 */
import { timingSafeEqual } from "node:crypto"
import { KeyedHash } from "../../keyed-hash.ts"

const prefix = "d."
const macBytes = 9
const maxTokenLength = 400

/** Makes and checks the dialog tokens of one peer. */
export class DialogTokens {
  readonly #hash: KeyedHash

  /** `secret`: 32 bytes that no other process knows. */
  constructor(secret: Uint8Array) {
    this.#hash = new KeyedHash(secret, macBytes)
  }

  /** The token for one side of the dialog with this Call-ID. */
  tokenOf(callId: string, flowKey: string): string {
    return prefix + Buffer.from(this.#mac(callId, flowKey) + flowKey, "latin1").toString("base64url")
  }

  /** The flow key in a token for this Call-ID; undefined for any other text. */
  keyOf(callId: string, token: string): string | undefined {
    if (!token.startsWith(prefix) || token.length > maxTokenLength) return undefined
    const bytes = Buffer.from(token.slice(prefix.length), "base64url")
    if (bytes.length < macBytes) return undefined
    const key = bytes.toString("latin1", macBytes)
    return timingSafeEqual(bytes.subarray(0, macBytes), Buffer.from(this.#mac(callId, key), "latin1")) ? key : undefined
  }

  #mac(callId: string, key: string): string {
    return this.#hash.of(`dialog\n${callId}\n${key}`)
  }
}

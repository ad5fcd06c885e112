/**
 * Flow tokens (RFC 5626 §5.2): a flow's key, made unforgeable.
 *
 * An edge proxy puts the token into the Path and Record-Route URIs that it
 * writes. When a request comes back along them, the token alone says which
 * flow to use: nothing is stored per phone. Layout, then base64url: the first
 * 12 bytes of a keyed hash of the flow key, then the flow key.
 */
import { timingSafeEqual } from "node:crypto"
import { KeyedHash } from "../../keyed-hash.ts"

const macBytes = 12
/** Longer than any flow key; bounds the work on a hostile token. */
const maxTokenCharacters = 400

/** Makes and checks the flow tokens of one peer. */
export class FlowTokens {
  readonly #hash: KeyedHash

  /** `secret`: 32 random bytes that no other process knows. */
  constructor(secret: Uint8Array) {
    this.#hash = new KeyedHash(secret, macBytes)
  }

  /** The token that names the flow of this key. Letters, digits, `-` and `_` only, so it fits the user part of a SIP URI. */
  tokenOf(flowKey: string): string {
    return Buffer.from(this.#hash.of(flowKey) + flowKey, "latin1").toString("base64url")
  }

  /** The flow key in a token of this peer; undefined for any other text. */
  keyOf(token: string): string | undefined {
    if (token.length > maxTokenCharacters) return undefined
    const bytes = Buffer.from(token, "base64url")
    if (bytes.length <= macBytes) return undefined
    const key = bytes.toString("latin1", macBytes)
    const expected = Buffer.from(this.#hash.of(key), "latin1")
    return timingSafeEqual(bytes.subarray(0, macBytes), expected) ? key : undefined
  }
}

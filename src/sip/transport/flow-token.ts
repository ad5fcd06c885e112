/**
 * Flow tokens (RFC 5626 §5.2): a flow's key, made unforgeable.
 *
 * An edge proxy puts the token into the Path and Record-Route URIs that it
 * writes. When a request comes back along them, the token alone says which
 * flow to use: nothing is stored per phone. Layout: the first 12 bytes of a
 * keyed hash of the flow key in hexadecimal digits, then the flow key in base64url.
 *
 * Not all of it in base64url, though it would be shorter: SIPp takes the first
 * `CSeq` in a message for the header field, and ends one call in a million for
 * a hash that reads like that.
 */
import { isSameProof, KeyedHash } from "../../keyed-hash.ts"

const macBytes = 12
const macDigits = 2 * macBytes
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
    return this.#hash.of(flowKey) + Buffer.from(flowKey, "latin1").toString("base64url")
  }

  /** The flow key in a token of this peer; undefined for any other text. */
  keyOf(token: string): string | undefined {
    if (token.length > maxTokenCharacters) return undefined
    const key = Buffer.from(token.slice(macDigits), "base64url").toString("latin1")
    if (key === "") return undefined
    return isSameProof(token.slice(0, macDigits), this.#hash.of(key)) ? key : undefined
  }
}

/**
 * The user part of our Record-Route URIs: proof that a request belongs to a
 * dialog whose first request went through us, and the flow to that side
 * (RFC 5626 §5.3). A peer forwards to any address for who shows one, to nobody
 * else, so that it is no open relay.
 *
 * `d.`, the first 9 bytes of a keyed hash of Call-ID and flow key in hexadecimal
 * digits, and the flow key in base64url; it is empty for the side of the overlay.
 */
import { isSameProof, KeyedHash } from "../../keyed-hash.ts"

const prefix = "d."
const macBytes = 9
const keyStart = prefix.length + 2 * macBytes
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
    return prefix + this.#mac(callId, flowKey) + Buffer.from(flowKey, "latin1").toString("base64url")
  }

  /** The flow key in a token for this Call-ID; undefined for any other text. */
  keyOf(callId: string, token: string): string | undefined {
    if (!token.startsWith(prefix) || token.length > maxTokenLength) return undefined
    const key = Buffer.from(token.slice(keyStart), "base64url").toString("latin1")
    return isSameProof(token.slice(prefix.length, keyStart), this.#mac(callId, key)) ? key : undefined
  }

  #mac(callId: string, key: string): string {
    return this.#hash.of(`dialog\n${callId}\n${key}`)
  }
}

/**
 * The cipher of temporary GRUUs: equal texts give equal tokens, and nobody
 * without the secret can tell anything but their length (deterministic
 * authenticated encryption, the construction of RFC 5297 with HMAC-SHA256).
 *
 * Many peers write under one secret and know nothing of each other's nonces; a
 * cipher that breaks when two draw the same one, as AES-GCM does, is not for them.
 *
 * token = tag ‖ AES-256-CTR(initial counter = tag); tag = the first 16 bytes of HMAC-SHA256(context ‖ text)
 */
import { createCipheriv, createDecipheriv, hkdfSync, timingSafeEqual } from "node:crypto"
import { badArgument } from "../../errors.ts"
import { Hmac } from "../../hmac.ts"

const cipher = "aes-256-ctr"
const tagBytes = 16
const secretBytes = 32

/** One secret, ready for use. */
export class GruuKey {
  /** The period that it was made in, from 0 to 65535; stands in front of each token. */
  readonly number: number
  readonly #hmac: Hmac
  readonly #encryption: Buffer

  /** `secret`: 32 bytes that the peers of one overlay share. */
  constructor(number: number, secret: Uint8Array) {
    if (secret.length !== secretBytes) badArgument("secret", `${secretBytes} bytes`, secret)
    this.number = number
    this.#hmac = new Hmac(derive(secret, "tag"))
    this.#encryption = derive(secret, "encryption")
  }

  /** `context` is not in the token, and must be the same when it is opened; it holds no NUL. */
  seal(text: Buffer, context: string): Buffer {
    const tag = this.#tagOf(text, context)
    const encryption = createCipheriv(cipher, this.#encryption, tag)
    return Buffer.concat([tag, encryption.update(text), encryption.final()])
  }

  /** Undefined for what was not sealed with this key and context. */
  open(token: Uint8Array, context: string): Buffer | undefined {
    if (token.length < tagBytes) return undefined
    const tag = token.subarray(0, tagBytes)
    const decryption = createDecipheriv(cipher, this.#encryption, tag)
    const text = Buffer.concat([decryption.update(token.subarray(tagBytes)), decryption.final()])
    return timingSafeEqual(tag, this.#tagOf(text, context)) ? text : undefined
  }

  #tagOf(text: Buffer, context: string): Buffer {
    return Buffer.from(this.#hmac.of(`${this.number} ${context}\0${text.toString("latin1")}`).slice(0, tagBytes), "latin1")
  }
}

/**
 * The secrets of the overlay: a port, which the peer binds to a servlet.
 * Neither rejects; undefined means that there is none, or none just now.
 */
export interface GruuKeys {
  /** The one that new GRUUs are made with. */
  current(): Promise<GruuKey | undefined>
  /** The one of that number, if GRUUs made with it still count. */
  find(number: number): Promise<GruuKey | undefined>
}

function derive(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(0), `p2psip gruu ${purpose}`, 32))
}

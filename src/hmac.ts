import { hash } from "node:crypto"

const blockBytes = 64
const digestBytes = 32
/** Texts of up to this length are hashed without an allocation. */
const usualTextLength = 448

/**
 * HMAC-SHA256 (RFC 2104) under one secret, for many short texts.
 *
 * Node's own makes objects of the platform for each text, which costs more
 * than the hashing; here the padded secret waits in front of a buffer.
 */
export class Hmac {
  readonly #inner = Buffer.alloc(blockBytes + usualTextLength)
  readonly #outer = Buffer.alloc(blockBytes + digestBytes)

  /** `secret`: at most 64 bytes. */
  constructor(secret: Uint8Array) {
    if (secret.length > blockBytes) throw new RangeError(`expected a secret of at most ${blockBytes} bytes, found ${secret.length}`)
    for (let i = 0; i < blockBytes; i++) {
      const byte = secret[i] ?? 0
      this.#inner[i] = byte ^ 0x36
      this.#outer[i] = byte ^ 0x5c
    }
  }

  /** The 32 bytes for a text; both are text of one character per byte. */
  of(text: string): string {
    const end = blockBytes + text.length
    let inner = this.#inner
    if (end > inner.length) {
      inner = Buffer.allocUnsafe(end)
      inner.set(this.#inner.subarray(0, blockBytes))
    }
    inner.write(text, blockBytes, "latin1")
    this.#outer.write(hash("sha256", inner.subarray(0, end), "binary"), blockBytes, "latin1")
    return hash("sha256", this.#outer, "binary")
  }
}

import { hash, timingSafeEqual } from "node:crypto"

const blockBytes = 64
/** Texts of up to this length are hashed without an allocation. */
const usualTextLength = 448
/** At most half of the hash is ever given away. */
const maxMacBytes = 16

/**
 * A short proof that a text comes from here: SHA-256 over a secret of one
 * block and the text, cut to half its length or less.
 *
 * Who knows all of such a hash can go on hashing where it ended, which is why
 * HMAC hashes twice; who knows half of it cannot (Coron, Dodis, Malinaud and
 * Puniya, Merkle-Damgard Revisited, CRYPTO 2005: chop-MD; the cut of
 * SHA-512/256). So once is enough for those who make ten thousand a second.
 */
export class KeyedHash {
  readonly #block = Buffer.alloc(blockBytes + usualTextLength)
  readonly #macBytes: number

  /** `secret`: 32 to 64 bytes that nobody else knows. `macBytes`: how long the proofs are, at most 16. */
  constructor(secret: Uint8Array, macBytes: number) {
    if (secret.length < blockBytes / 2 || secret.length > blockBytes) throw new RangeError(`expected a secret of 32 to 64 bytes, found ${secret.length}`)
    if (macBytes > maxMacBytes) throw new RangeError(`expected at most ${maxMacBytes} bytes, found ${macBytes}`)
    this.#block.set(secret)
    this.#macBytes = macBytes
  }

  /** The proof for a text of one character per byte, in hexadecimal digits. */
  of(text: string): string {
    const end = blockBytes + text.length
    let block = this.#block
    if (end > block.length) {
      block = Buffer.allocUnsafe(end)
      block.set(this.#block.subarray(0, blockBytes))
    }
    block.write(text, blockBytes, "latin1")
    return hash("sha256", block.subarray(0, end), "hex").slice(0, 2 * this.#macBytes)
  }
}

/** Compares a proof with the right one, in a time that tells nothing of where they differ. Both are hexadecimal digits, or whatever text somebody sent instead. */
export function isSameProof(proof: string, expected: string): boolean {
  const given = Buffer.from(proof)
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected))
}

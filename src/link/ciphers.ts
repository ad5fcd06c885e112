/**
 * The ciphers of Noise by whichever implementation of ChaCha20-Poly1305 is
 * faster for so many bytes: the one of libp2p-noise in WebAssembly, or
 * OpenSSL's by way of Node.
 *
 * libp2p-noise gives Node the bytes of the key for each message anew, which
 * takes longer than enciphering two kilobytes; a key object is made once.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto"
import type { ICryptoInterface } from "@chainsafe/libp2p-noise"
import { asCrypto, defaultCrypto } from "@chainsafe/libp2p-noise/crypto"

/** From here on OpenSSL is faster: 3 to 4 µs a call whatever the length, against 7 µs a kilobyte. */
const minOpenSslBytes = 768

const cipher = "chacha20-poly1305"
const tagBytes = 16

/** What {@link noise} takes as `crypto`; in everything but speed it is what libp2p-noise brings along. */
export function fastCiphers(): ICryptoInterface {
  const keys = new WeakMap<Uint8Array, KeyObject>()
  const keyOf = (bytes: Uint8Array): KeyObject => {
    const known = keys.get(bytes)
    if (known !== undefined) return known
    const key = createSecretKey(bytes)
    keys.set(bytes, key)
    return key
  }
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plaintext, nonce, associated, key) {
      if (plaintext.byteLength < minOpenSslBytes) return asCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, key)
      const sealing = createCipheriv(cipher, keyOf(key), nonce, { authTagLength: tagBytes })
      sealing.setAAD(associated, { plaintextLength: plaintext.byteLength })
      const body = sealing.update(plaintext.subarray())
      sealing.final()
      return Buffer.concat([body, sealing.getAuthTag()], body.length + tagBytes)
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into) {
      if (ciphertext.byteLength < minOpenSslBytes) return asCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into)
      const bytes = ciphertext.subarray()
      const opening = createDecipheriv(cipher, keyOf(key), nonce, { authTagLength: tagBytes })
      opening.setAAD(associated, { plaintextLength: bytes.length - tagBytes })
      opening.setAuthTag(bytes.subarray(bytes.length - tagBytes))
      const body = opening.update(bytes.subarray(0, bytes.length - tagBytes))
      // Throws for whatever was not sealed with this key.
      opening.final()
      return body
    },
  }
}

import { pureJsCrypto } from "@chainsafe/libp2p-noise"
import fc from "fast-check"
import { Uint8ArrayList } from "uint8arraylist"
import { expect, test } from "vitest"
import { fastCiphers } from "../../../src/link/ciphers.ts"

const ciphers = fastCiphers()
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const anyText = fc.uint8Array({ maxLength: 1500, size: "max" })

/** What libp2p-noise hands over: a list by an older version of the package, of the same methods. */
type Pieces = Parameters<typeof ciphers.chaCha20Poly1305Encrypt>[0]

/** A copy, in pieces or in one. */
function pieces(text: Uint8Array, at: number): Pieces {
  const place = text.length === 0 ? 0 : at % text.length
  return new Uint8ArrayList(text.slice(0, place), text.slice(place)) as unknown as Pieces
}

test("whatever one implementation enciphers, the other deciphers, of any length and in any pieces", () => {
  fc.assert(fc.property(bytes(32), bytes(12), fc.constantFrom(0, 32), anyText, fc.nat(), (key, nonce, associatedBytes, text, at) => {
    const associated = new Uint8Array(associatedBytes).fill(7)
    const ours = ciphers.chaCha20Poly1305Encrypt(pieces(text, at), nonce, associated, key).slice()
    const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(text, nonce, associated, key).slice()
    expect(Buffer.from(ours).equals(theirs)).toBe(true)
    const opened = ciphers.chaCha20Poly1305Decrypt(pieces(theirs, at), nonce, associated, key).slice()
    expect(Buffer.from(opened).equals(text)).toBe(true)
  }))
})

test("nothing that was changed on the way is taken for the text", () => {
  fc.assert(fc.property(bytes(32), bytes(12), anyText, fc.nat(), fc.integer({ min: 0, max: 7 }), (key, nonce, text, at, bit) => {
    const none = new Uint8Array(0)
    const sealed = ciphers.chaCha20Poly1305Encrypt(text, nonce, none, key).slice()
    const place = at % sealed.length
    sealed[place] = (sealed[place] ?? 0) ^ (1 << bit)
    expect(() => ciphers.chaCha20Poly1305Decrypt(sealed, nonce, none, key)).toThrow()
  }))
})

test("each key is its own, though key objects are kept", () => {
  const [nonce, none, text] = [new Uint8Array(12), new Uint8Array(0), new Uint8Array(2000).fill(1)]
  const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const sealed = ciphers.chaCha20Poly1305Encrypt(text, nonce, none, key).slice()
  expect(() => ciphers.chaCha20Poly1305Decrypt(sealed.slice(), nonce, none, other)).toThrow()
  expect(Buffer.from(ciphers.chaCha20Poly1305Decrypt(sealed, nonce, none, key).slice()).equals(text)).toBe(true)
})

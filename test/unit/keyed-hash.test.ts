import { createHash } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { isSameProof, KeyedHash } from "../../src/keyed-hash.ts"

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1")

test("is the beginning of SHA-256 over a block with the secret and the text, for short and long texts, again and again", () => {
  const secrets = fc.uint8Array({ minLength: 32, maxLength: 64 })
  const texts = fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 5 })
  fc.assert(
    fc.property(secrets, texts, fc.integer({ min: 1, max: 16 }), (secret, all, macBytes) => {
      const keyed = new KeyedHash(secret, macBytes)
      for (const text of all) {
        const expected = createHash("sha256").update(Buffer.concat([secret, Buffer.alloc(64 - secret.length), text])).digest()
        expect(keyed.of(latin1(text))).toBe(expected.toString("hex", 0, macBytes))
      }
    }),
  )
})

test("refuses a secret that could be guessed or does not fit into a block", () => {
  expect(() => new KeyedHash(new Uint8Array(31), 12)).toThrow(RangeError)
  expect(() => new KeyedHash(new Uint8Array(65), 12)).toThrow(RangeError)
})

test("never gives away more than half of the hash, from which others could go on", () => {
  expect(() => new KeyedHash(new Uint8Array(32), 17)).toThrow(RangeError)
})

test("a proof is the same as itself, and as no other text of whatever length", () => {
  const proof = new KeyedHash(new Uint8Array(32), 12).of("text")
  expect(isSameProof(proof, proof)).toBe(true)
  // The low byte of each character is that of the proof.
  expect(isSameProof(proof.replace(/./g, (digit) => String.fromCharCode(0x100 + digit.charCodeAt(0))), proof)).toBe(false)
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !isSameProof(text, proof)))
})

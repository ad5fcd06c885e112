import { createHmac } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { Hmac } from "../../src/hmac.ts"

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1")

test("says what Node's own HMAC says, for short and long texts, again and again", () => {
  const secrets = fc.uint8Array({ maxLength: 64 })
  const texts = fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 5 })
  fc.assert(
    fc.property(secrets, texts, (secret, all) => {
      const hmac = new Hmac(secret)
      for (const text of all) expect(hmac.of(latin1(text))).toBe(createHmac("sha256", secret).update(text).digest("binary"))
    }),
  )
})

test("refuses a secret that RFC 2104 would hash first", () => {
  expect(() => new Hmac(new Uint8Array(65))).toThrow(RangeError)
})

import fc from "fast-check"
import { expect, it } from "vitest"
import { DialogTokens } from "../../../../src/sip/proxy/dialog-tokens.ts"

const tokens = new DialogTokens(new Uint8Array(32).fill(1))
const latin1 = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 60 })

it("a dialog token gives its flow back, for its own Call-ID alone", () => {
  fc.assert(
    fc.property(latin1, latin1, latin1, (callId, other, key) => {
      const token = tokens.tokenOf(callId, key)
      expect(token).toMatch(/^d\.[A-Za-z0-9_-]+$/)
      expect(tokens.keyOf(callId, token)).toBe(key)
      if (other !== callId) expect(tokens.keyOf(other, token)).toBeUndefined()
    }),
  )
})

it("no other text is a dialog token, nor one of another secret or with another flow", () => {
  fc.assert(fc.property(fc.string(), (text) => tokens.keyOf("call", text) === undefined && tokens.keyOf("call", `d.${text}`) === undefined))
  expect(tokens.keyOf("call", `d.${"A".repeat(500)}`)).toBeUndefined()
  expect(new DialogTokens(new Uint8Array(32)).keyOf("call", tokens.tokenOf("call", "flow"))).toBeUndefined()
  const [one, other] = [tokens.tokenOf("call", "flow"), tokens.tokenOf("call", "wolf")]
  expect(tokens.keyOf("call", one.slice(0, 14) + other.slice(14))).toBeUndefined()
})

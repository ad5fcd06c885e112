import fc from "fast-check"
import { expect, test } from "vitest"
import { FlowTokens } from "../../../../src/sip/transport/flow-token.ts"

const tokens = new FlowTokens(Buffer.alloc(32, 1))
const flowKey = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 200 })

test("a token gives back its flow key, to the peer that made it and to no other", () => {
  const other = new FlowTokens(Buffer.alloc(32, 2))
  fc.assert(
    fc.property(flowKey, (key) => {
      const token = tokens.tokenOf(key)
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(tokens.keyOf(token)).toBe(key)
      expect(other.keyOf(token)).toBe(undefined)
    }),
  )
})

test("one changed bit anywhere makes a token void", () => {
  fc.assert(
    fc.property(flowKey, fc.nat(), (key, at) => {
      const token = tokens.tokenOf(key)
      const bytes = Buffer.concat([Buffer.from(token.slice(0, 24), "hex"), Buffer.from(token.slice(24), "base64url")])
      const bit = at % (bytes.length * 8)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(tokens.keyOf(bytes.toString("hex", 0, 12) + bytes.toString("base64url", 12))).toBe(undefined)
    }),
  )
})

test("the proof in a token reads like no header field, for programs that look for the first one anywhere", () => {
  fc.assert(fc.property(flowKey, (key) => void expect(tokens.tokenOf(key).slice(0, 24)).toMatch(/^[0-9a-f]+$/)))
})

test("any text is taken without harm", () => {
  fc.assert(fc.property(fc.string(), (text) => void expect(tokens.keyOf(text)).toBe(undefined)))
  expect(tokens.keyOf("A".repeat(1_000_000))).toBe(undefined)
})

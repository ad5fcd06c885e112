import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { composeMessageSummary, readMessageSummary } from "../../../../src/sip/events/message-summary.ts"
import { SipSyntaxError } from "../../../../src/sip/message/index.ts"

const compose = (...documents: readonly string[]): string =>
  Buffer.from(composeMessageSummary("sip:bob@example.org", documents.map((text) => readMessageSummary(Buffer.from(text))))).toString()

describe("composeMessageSummary", () => {
  it.each([
    ["nothing", [], "Messages-Waiting: no\r\nMessage-Account: sip:bob@example.org\r\n"],
    [
      "what RFC 3842 shows, without headers of messages",
      ["Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n\r\nTo: <alice@atlanta.example.com>\r\n"],
      "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n",
    ],
    [
      "what waits at two places together",
      ["messages-waiting : NO\nvoice-message:0/3\n", "Messages-Waiting: yes\r\nVoice-Message: 1/4294967295 (1/0)\r\nFax-Message: 2/4\r\n"],
      "Messages-Waiting: yes\r\nMessage-Account: sip:bob@example.org\r\nFax-Message: 2/4\r\nVoice-Message: 1/4294967295 (1/0)\r\n",
    ],
  ])("tells %s", (_, documents, expected) => {
    expect(compose(...documents)).toBe(expected)
  })

  it("is read again as it was meant", () => {
    const count = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    const line = fc.tuple(fc.constantFrom("Voice-Message", "Fax-Message", "Text-Message"), count, count, fc.option(fc.tuple(count, count)))
    fc.assert(fc.property(fc.constantFrom("yes", "no"), fc.uniqueArray(line, { selector: ([name]) => name }), (status, lines) => {
      const text = [`Messages-Waiting: ${status}`, ...lines.map(([name, fresh, old, urgent]) => `${name}: ${fresh}/${old}${urgent === null ? "" : ` (${urgent[0]}/${urgent[1]})`}`)].join("\r\n")
      const read = readMessageSummary(Buffer.from(text))
      expect(readMessageSummary(Buffer.from(compose(text)))).toEqual({ ...read, account: "sip:bob@example.org", counts: new Map([...read.counts].sort()) })
    }))
  })
})

describe("readMessageSummary", () => {
  it.each(["", "Voice-Message: 1/2", "Messages-Waiting: perhaps", "Messages-Waiting: yes\r\nVoice-Message: many", "Messages-Waiting: yes\r\nMessage-Account: <sip:a@b>", "Messages-Waiting: yes\r\nnothing"])("refuses %j", (text) => {
    expect(() => readMessageSummary(Buffer.from(text))).toThrow(SipSyntaxError)
  })

  it("refuses or reads whatever comes, in lines that hold nothing else", () => {
    const piece = fc.constantFrom("Messages-Waiting: yes\r\n", "Voice-Message", ":", " 1/2", "(0/1)", "\r\n", "\n", "\r", "\u0000", "é", "Message-Account: sip:a@b", "\t", "/")
    fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        expect(compose(pieces.join(""))).toMatch(/^(?:[A-Z][A-Za-z-]*: [!-~]+(?: \(\d+\/\d+\))?\r\n)+$/)
      } catch (error) {
        expect(error).toBeInstanceOf(SipSyntaxError)
      }
    }), { numRuns: 1000 })
  })
})

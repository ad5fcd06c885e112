import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createResponse, parseMessage, SipRequest } from "../../../../src/sip/message/index.ts"
import { plainServerKey, serverKey } from "../../../../src/sip/transaction/keys.ts"
import { readPlainHead } from "../../../../src/sip/transaction/plain-head.ts"
import { requestBytes } from "../../../fuzz/sip-arbitraries.ts"
import { makeSipPair } from "../../../support/sip-pair.ts"
import { sharedFolder } from "../../../vectors/shared.ts"

const remote = { host: "192.0.2.1", port: 5060 }

const lines = [
  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1;rport",
  "Max-Forwards: 70",
  'From: "A. B." <sip:alice@example.com>;tag=a',
  "To: <sip:bob@example.com>",
  "Call-ID: 1@192.0.2.1",
  "CSeq: 1 INVITE",
  "Contact: <sip:alice@192.0.2.1>",
  "Content-Type: application/sdp",
  "Content-Length: 4",
]

const written = (method: string, fields: readonly string[], body = "v=0\n"): string =>
  `${method} sip:bob@example.com SIP/2.0\r\n${fields.map((line) => `${line.replace("INVITE", method)}\r\n`).join("")}\r\n${body}`

/** Swaps, doubles, drops and changes lines. */
const variant = fc.record({
  fields: fc.shuffledSubarray(lines, { minLength: 5 }),
  more: fc.constantFrom("", "Subject: x", "v: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-2;rport", "VIA: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-2", "f: <sip:x@y>;tag=b", "Subject: a\r\n b", "To : <sip:c@d>", "Subject", "X: \0"),
  from: fc.constantFrom("", ";tag=b", "A B", "<", '"', "\r\n ", ",", "\t"),
  at: fc.nat({ max: 400 }),
})

function checkHead(bytes: Uint8Array): boolean {
  const head = readPlainHead(bytes)
  if (head === undefined) return false
  const request = parseMessage(bytes)
  if (!(request instanceof SipRequest) || request.via === undefined) throw new Error("expected a request with a Via")
  const { headers, via } = request
  const named = ["Via", "From", "To", "Call-ID", "CSeq"].map((name) => headers.getAll(name))
  expect(named).toEqual([head.via, head.from, head.to, head.callId, head.cseq].map((value) => [value]))
  expect(request.method).toBe(head.method)
  expect(request.to.tag).toBeUndefined()
  expect(serverKey(request, via, request.method)).toBe(plainServerKey(head))
  return true
}

describe("the head of a plain request", () => {
  test("is that of an INVITE and of a REGISTER as phones write them", () => {
    expect(checkHead(Buffer.from(written("INVITE", lines)))).toBe(true)
    expect(checkHead(Buffer.from(written("REGISTER", lines)))).toBe(true)
    expect(checkHead(Buffer.from(written("OPTIONS", lines)))).toBe(false)
  })

  test.each([
    ["spaces that end in nothing", `Subject:${" ".repeat(2 ** 22)}\0`],
    ["words that end in spaces", `Subject: ${"a ".repeat(2 ** 21)}\0`],
    ["a name without a colon", "a".repeat(2 ** 22)],
    ["a Via without an end", `Via: SIP/2.0/UDP ${"a.".repeat(2 ** 21)}\r\n`],
    ["a From without an end", `From: ${"a ".repeat(2 ** 21)}<sip:${"a".repeat(2 ** 21)}\r\n`],
  ])("costs no more than its length: %s, which by its square would take hours", (_name, line) => {
    expect(checkHead(Buffer.from(`INVITE sip:bob@example.com SIP/2.0\r\n${line}\r\n`))).toBe(false)
  })

  test("is never read where a tag, a second Via, or a Via that asks for nothing makes the answer another", () => {
    const without = (text: string, instead: string): Buffer => Buffer.from(written("INVITE", lines.map((line) => line.replace(text, instead))))
    for (const [text, instead] of [["<sip:bob@example.com>", "<sip:bob@example.com>;tag=b"], [";rport", ""], ["z9hG4bK", "z9hG4b"], ["Via", "v"]] as const) {
      expect(checkHead(without(text, instead))).toBe(false)
    }
    expect(checkHead(Buffer.from(written("INVITE", [lines[0] ?? "", ...lines])))).toBe(false)
  })

  test("is what the parser reads, whatever else is in the message", () => {
    fc.assert(
      fc.property(variant, ({ fields, more, from, at }) => {
        const text = written("INVITE", more === "" ? fields : [...fields, more])
        checkHead(Buffer.from(text.slice(0, at) + from + text.slice(at), "latin1"))
      }),
    )
    fc.assert(fc.property(requestBytes, (bytes) => void checkHead(bytes)))
  })

  test.skipIf(sharedFolder("torture/rfc4475") === undefined)("is read of no torture message that the parser reads otherwise", () => {
    const folder = sharedFolder("torture/rfc4475") ?? ""
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".dat"))) checkHead(readFileSync(join(folder, name)))
  })
})

describe("a layer whose messages wait too long", () => {
  /** `before`: what has come by then. */
  function makeSlow(before?: string) {
    const pair = makeSipPair()
    const { b, runtime, network } = pair
    if (before !== undefined) b.receive(before, remote)
    Object.defineProperty(b, "queueDelayMs", { value: 500 })
    for (let i = 0; i < 80; i++) {
      runtime.advance(20)
      b.receive("SIP/2.0 200 OK\r\n\r\n", remote)
    }
    /** The answers, their numbers of seconds left out. */
    const send = (text: string): readonly string[] => {
      const before = network.sent.length
      b.receive(text, remote)
      return network.sent.slice(before).map((sent) => sent.text.replace(/Retry-After: [5-9]|Retry-After: 10/, "Retry-After: N"))
    }
    return { ...pair, send }
  }

  test("turns away alike what it has parsed and what it has not", () => {
    const { send, servers } = makeSlow()
    const [unparsed = ""] = send(written("INVITE", lines))
    expect(unparsed).toContain("\r\nRetry-After: N\r\n")
    expect(send(written("INVITE", [...lines, "Subject : parsed"]))).toEqual([unparsed])
    expect(servers).toEqual([])
  })

  test("answers what it had let in before once more, without parsing it, and counts it", () => {
    const invite = written("INVITE", lines)
    const { send, servers, runtime } = makeSlow(invite)
    const transaction = servers[0]
    transaction?.respond(createResponse(transaction.request, 180, undefined, { toTag: "b" }))
    const before = runtime.metrics.count("p2psip_sip_requests_total", { method: "INVITE" })
    expect(send(invite)).toEqual([expect.stringMatching(/^SIP\/2.0 180 /)])
    expect(servers).toHaveLength(1)
    expect(runtime.metrics.count("p2psip_sip_requests_total", { method: "INVITE" })).toBe(before + 1)
  })

  test("counts and forgets the ACKs of those that it has turned away, and passes on all others", () => {
    const { send, strays, runtime } = makeSlow()
    const [answer = ""] = send(written("INVITE", lines))
    const to = /\r\nTo: (.*)\r\n/.exec(answer)?.[1] ?? ""
    const ack = (tag: string): string => written("ACK", lines.map((line) => (line.startsWith("To:") ? `To: ${tag}` : line)), "v=0\n")
    const before = runtime.metrics.count("p2psip_sip_requests_total", { method: "ACK" })
    send(ack(to))
    expect(strays.filter((message) => message instanceof SipRequest)).toEqual([])
    send(ack("<sip:bob@example.com>;tag=somebody-elses"))
    expect(strays.filter((message) => message instanceof SipRequest)).toHaveLength(1)
    expect(runtime.metrics.count("p2psip_sip_requests_total", { method: "ACK" })).toBe(before + 2)
  })
})

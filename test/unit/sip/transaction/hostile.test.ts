import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createResponse } from "../../../../src/sip/message/index.ts"
import { makeSipPair } from "../../../support/sip-pair.ts"
import { rfc4475 } from "../../../vectors/rfc4475.ts"
import { sharedFolder } from "../../../vectors/shared.ts"

const source = { host: "192.0.2.1", port: 5060 }

/** Faults in headers that only some users read: a registrar sees the Contact. */
const seenByUsersOnly = new Set(["regbadct"])

/** A server that answers everything, and nobody at the other end. */
function makeServer() {
  const pair = makeSipPair("UDP", { maxTransactions: 50 })
  pair.server.onRequest((transaction, request) => transaction.respond(createResponse(request, 200, undefined, { toTag: "t" })))
  return pair
}

const sound = [
  "INVITE sip:b@x SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
  "From: <sip:a@x>;tag=1",
  "To: <sip:b@x>",
  "Call-ID: 1",
  "CSeq: 1 INVITE",
  "Max-Forwards: 70",
  "Content-Length: 0",
]

describe("any datagram", () => {
  const piece = fc.oneof(fc.constantFrom(...sound, "SIP/2.0 200 OK", "Via: ;;;", "CSeq: 99999999999 X", "To: \"", "v: a, b"), fc.string())
  const mangled = fc.record({ text: fc.constant(`${sound.join("\r\n")}\r\n\r\n`), at: fc.nat({ max: 300 }), cut: fc.nat({ max: 40 }), put: fc.string() })
  const datagram = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(`${pieces.join("\r\n")}\r\n\r\n`, "latin1")),
    mangled.map(({ text, at, cut, put }) => Buffer.from(text.slice(0, at) + put + text.slice(at + cut), "latin1")),
  )

  test("does no harm, gets one answer at most, and leaves nothing behind", () => {
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 10 }), (datagrams) => {
        const { runtime, network, b, server } = makeServer()
        for (const bytes of datagrams) {
          const before = network.sent.length
          b.receive(bytes, source)
          expect(network.sent.length - before).toBeLessThanOrEqual(1)
        }
        expect(runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
        runtime.runAll()
        expect(server.size).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test("in any number: the table stays within its bound", () => {
    const { b, server, network } = makeServer()
    for (let i = 0; i < 500; i++) {
      b.receive(`${sound.join("\r\n")}\r\n\r\n`.replace("z9hG4bK1", `z9hG4bK${i}`), source)
      expect(server.size).toBeLessThanOrEqual(50)
    }
    expect(network.log.filter((line) => line.includes(" 503 "))).toHaveLength(450)
  })
})

test("few long requests fill the table as well as many short ones, and room comes back", () => {
  const { runtime, network, b, respond, server } = makeSipPair("UDP", { maxTransactionBytes: 500_000 })
  const long = (i: number): string => `${sound.join("\r\n")}\r\nX: ${"x".repeat(30_000)}\r\n\r\n`.replace("z9hG4bK1", `z9hG4bK${i}`)
  for (let i = 0; i < 20; i++) b.receive(long(i), source)
  const { size } = server
  expect(size).toBeLessThan(10)
  expect(network.log.filter((line) => line.includes(" 503 "))).toHaveLength(20 - size)
  for (let i = 0; i < size; i++) respond(486, i)
  runtime.runAll()
  b.receive(long(99), source)
  expect(server.size).toBe(1)
})

test("a malformed request is told what is wrong with it; malformed responses and nameless ones meet silence", () => {
  const { b, network } = makeServer()
  const text = `${sound.join("\r\n")}\r\n\r\n`
  const answerTo = (bytes: string): string => {
    const before = network.sent.length
    b.receive(bytes, source)
    return network.sent.slice(before).map((message) => message.text.slice(0, message.text.indexOf("\r\n")))[0] ?? "silence"
  }
  expect(answerTo(text.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"))).toMatch(/^SIP\/2.0 400 .*CSeq/)
  expect(answerTo(text.replace("SIP/2.0\r\n", "SIP/7.0\r\n"))).toMatch(/^SIP\/2.0 505 /)
  expect(answerTo(text.replace("Content-Length: 0", "Content-Length: 10"))).toMatch(/^SIP\/2.0 400 /)
  expect(answerTo(text.replace("To: <sip:b@x>\r\n", ""))).toBe("SIP/2.0 400 Missing To")
  expect(answerTo(text.replace("UDP 192", "UDP;192"))).toMatch(/^SIP\/2.0 400 .*Via/)
  expect(answerTo(text.replace(/Via.*\r\n/, ""))).toBe("silence")
  expect(answerTo(text.replace("INVITE sip:b@x SIP/2.0", "SIP/2.0 2000 OK"))).toBe("silence")
  expect(answerTo("\x16\x03\x01 not SIP")).toBe("silence")
})

const folder = sharedFolder("torture/rfc4475")

describe.skipIf(folder === undefined)("RFC 4475 (skipped where shared/torture/rfc4475 is absent; P2PSIP_SHARED names shared)", () => {
  test.each(Object.entries(rfc4475))("%s", (name, expectation) => {
    const { runtime, network, b, server } = makeServer()
    const bytes = readFileSync(join(folder ?? "", `${name}.dat`))
    b.receive(bytes, source)
    const statuses = network.sent.map(({ text }) => Number(text.slice(8, 11)))
    const isResponse = bytes.toString("latin1").startsWith("SIP/2.0 ")
    if (expectation.outcome === "dropped" || isResponse) expect(statuses).toEqual([])
    else if (expectation.outcome === "valid" || seenByUsersOnly.has(name)) expect(statuses).toEqual([200])
    else expect(statuses).toEqual([expectation.status])
    expect(runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
    runtime.runAll()
    expect(server.size).toBe(0)
  })
})

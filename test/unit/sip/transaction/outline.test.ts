import { describe, expect, test } from "vitest"
import { createResponse, type SipRequest } from "../../../../src/sip/message/index.ts"
import { Outline } from "../../../../src/sip/transaction/outline.ts"
import { makeRequest, makeSipPair } from "../../../support/sip-pair.ts"

/** An INVITE with a body and a Contact that has been answered with this status. */
function makeAnswered(status: number) {
  const pair = makeSipPair()
  const invite = makeRequest("INVITE")
  invite.headers.set("Contact", "<sip:alice@192.0.2.1>")
  invite.body = Buffer.from("v=0\r\n")
  const handlers = { onResponse() {}, onTimeout() {}, onTransportError() {} }
  pair.client.request(invite, pair.a.flowTo(pair.b.advertised), handlers)
  pair.runtime.advance(0)
  const server = pair.servers[0]
  if (server === undefined) throw new Error("no server transaction")
  const response = createResponse(server.request, status, undefined, { toTag: "b1" })
  server.respond(response)
  pair.runtime.advance(0)
  return { ...pair, server }
}

describe("once an INVITE is answered", () => {
  test("its server keeps what an answer copies, and nothing else", () => {
    const { server } = makeAnswered(200)
    expect([...server.request.headers].map(([name]) => name).sort()).toEqual(["CSeq", "Call-ID", "From", "To", "Via"])
    expect(server.request.body).toHaveLength(0)
  })

  test("another 2xx still finds its way", () => {
    const { server, network, runtime } = makeAnswered(200)
    server.respond(createResponse(server.request, 200, undefined, { toTag: "b2" }))
    runtime.advance(0)
    expect(network.sent.at(-1)?.text).toMatch(/^SIP\/2.0 200 [^]*;tag=b2/)
  })

  test("a refusal that comes again is acknowledged as the first time", () => {
    const { network, runtime, a, b } = makeAnswered(486)
    const acks = (): string[] => network.sent.map(({ text }) => text).filter((text) => text.startsWith("ACK"))
    const [first] = acks()
    const refusal = network.sent.find(({ text }) => text.startsWith("SIP/2.0 486"))?.text ?? ""
    a.receive(refusal, b.advertised)
    runtime.advance(0)
    expect(acks()).toEqual([first, first])
  })
})

describe("an outline", () => {
  const headersOf = ({ headers }: SipRequest): [string, string][] => [...headers]

  test.each([
    ["usual", "<sip:alice@example.com>;tag=a1", 1],
    ["longer than usual", `"${"a".repeat(5000)}" <sip:alice@example.com>;tag=a1`, 1],
    ["of more hops than usual", "<sip:alice@example.com>;tag=a1", 150],
  ])("that is %s gives the headers back as they were", (_, from, hops) => {
    const request = makeRequest("INVITE")
    request.headers.set("From", from)
    for (let hop = 0; hop < hops; hop++) request.headers.append("Via", `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${hop};rport=5060`)
    const kept = new Outline(request, ["From", "Via"]).toRequest()
    expect(kept.startLine).toBe(request.startLine)
    expect(headersOf(kept)).toEqual([...headersOf(request).filter(([name]) => name === "From"), ...headersOf(request).filter(([name]) => name === "Via")])
  })
})

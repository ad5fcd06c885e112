import { describe, expect, test } from "vitest"
import { createResponse, parseMessage, SipRequest, type SipMessage } from "../../../../src/sip/message/index.ts"
import { TransactionLayer, type ClientTransaction, type ServerTransaction } from "../../../../src/sip/transaction/index.ts"
import type { TransportProtocol } from "../../../../src/sip/transport/transport.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { MemoryNetwork, type MemoryNetworkOptions } from "../../../support/memory-transport.ts"

/** Two elements, `a` and `b`, and what happens at them. */
function pair(protocol: TransportProtocol = "UDP", options: MemoryNetworkOptions = {}) {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork(runtime, options)
  const a = network.add(protocol, "192.0.2.1")
  const b = network.add(protocol, "192.0.2.2")
  const client = new TransactionLayer({ runtime, transports: [a] })
  const server = new TransactionLayer({ runtime, transports: [b] })
  const log: string[] = []
  const servers: ServerTransaction[] = []
  const strays: SipMessage[] = []
  server.onRequest((transaction) => servers.push(transaction))
  server.onStray((message) => strays.push(message))
  const send = (method: string): ClientTransaction =>
    client.request(makeRequest(method), a.flowTo(b.advertised), {
      onResponse: (response) => log.push(`${runtime.now()} ${response.status}`),
      onTimeout: () => log.push(`${runtime.now()} timeout`),
      onTransportError: (error) => log.push(`${runtime.now()} transport error ${error?.message}`),
      onEnd: () => log.push(`${runtime.now()} end`),
    })
  const respond = (status: number, at = 0): void => {
    const transaction = servers[at]
    transaction?.respond(createResponse(transaction.request, status, undefined, { toTag: "b1" }))
  }
  return { runtime, network, a, b, client, server, log, servers, strays, send, respond }
}

function makeRequest(method: string): SipRequest {
  return SipRequest.create(method, "sip:bob@192.0.2.2", [
    ["Max-Forwards", "70"],
    ["From", "<sip:alice@example.com>;tag=a1"],
    ["To", "<sip:bob@example.com>"],
    ["Call-ID", "c1"],
    ["CSeq", `1 ${method}`],
    ["Route", "<sip:192.0.2.2;lr>"],
  ])
}

describe("an INVITE", () => {
  test("that is accepted: 100 by itself after 200 ms, 180, 200; and 64*T1 later nothing is left", () => {
    const { runtime, log, send, respond, client, server, network } = pair()
    send("INVITE")
    runtime.advance(1000)
    respond(180)
    runtime.advance(1000)
    respond(200)
    runtime.advance(0)
    expect(log).toEqual(["200 100", "1000 180", "2000 200"])
    runtime.runAll()
    expect(log.at(-1)).toBe("34000 end")
    expect(client.size + server.size).toBe(0)
    expect(network.log.filter((line) => line.includes("INVITE"))).toHaveLength(1)
  })

  test("that is refused: the ACK is made here, and absorbed there", () => {
    const { runtime, log, send, respond, strays, client, server, network } = pair()
    const invite = send("INVITE")
    runtime.advance(0)
    respond(486)
    runtime.advance(0)
    const ack = parseMessage(Buffer.from(network.sent.at(-1)?.text ?? "", "latin1")) as SipRequest
    expect(ack.method).toBe("ACK")
    expect(ack.via?.branch).toBe(invite.branch)
    expect(ack.to.tag).toBe("b1")
    expect(ack.headers.get("CSeq")).toBe("1 ACK")
    expect(ack.headers.get("Route")).toBe("<sip:192.0.2.2;lr>")
    runtime.runAll()
    expect(log).toEqual(["0 486", "32000 end"])
    expect(strays).toEqual([])
    expect(client.size + server.size).toBe(0)
  })

  test("that is cancelled: the CANCEL waits for a provisional response, is answered here, and the user hears of it", () => {
    const { runtime, log, send, respond, servers, network } = pair()
    const transaction = send("INVITE")
    transaction.cancel("SIP;cause=200")
    runtime.advance(100)
    const reasons: (string | undefined)[] = []
    servers[0]?.onCancel((cancel) => {
      reasons.push(cancel.headers.get("Reason"))
      respond(487)
    })
    expect(network.log).toHaveLength(1)
    respond(180)
    runtime.advance(0)
    expect(reasons).toEqual(["SIP;cause=200"])
    expect(log).toEqual(["100 180", "100 487"])
    runtime.runAll()
    expect(network.log.map((line) => line.split(" ").slice(1, 3).join(" "))).toEqual([
      "INVITE sip:bob@192.0.2.2",
      "SIP/2.0 180",
      "CANCEL sip:bob@192.0.2.2",
      "SIP/2.0 200",
      "SIP/2.0 487",
      "ACK sip:bob@192.0.2.2",
    ])
  })
})

test("responses follow rport, and received is written where sent-by lies", () => {
  const { runtime, b, server, network } = pair()
  server.onRequest((transaction, request) => transaction.respond(createResponse(request, 200)))
  const text = `OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:7000;branch=z9hG4bKx;rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`
  b.receive(text, { host: "192.0.2.9", port: 40_000 })
  expect(network.sent.at(-1)).toMatchObject({ to: "192.0.2.9:40000" })
  expect(network.sent.at(-1)?.text).toContain("Via: SIP/2.0/UDP 10.0.0.1:7000;branch=z9hG4bKx;rport=40000;received=192.0.2.9\r\n")
  b.receive(text.replace(";rport", "").replace("z9hG4bKx", "z9hG4bKy"), { host: "192.0.2.9", port: 40_000 })
  expect(network.sent.at(-1)).toMatchObject({ to: "192.0.2.9:7000" })
  runtime.runAll()
  expect(server.size).toBe(0)
})

test("a stateless filter is asked before a transaction is made", () => {
  const { runtime, send, server, servers, log } = pair()
  server.onStateless((request, flow) => {
    if (request.method !== "REGISTER") return false
    server.reply(request, flow, 200)
    return true
  })
  send("REGISTER")
  runtime.advance(0)
  expect(log).toEqual(["0 200"])
  expect(server.size).toBe(0)
  expect(servers).toEqual([])
})

test("what the user throws becomes an answer", () => {
  const { runtime, send, server, log } = pair()
  server.onRequest(() => {
    throw new Error("a defect")
  })
  send("OPTIONS")
  runtime.advance(0)
  expect(log).toEqual(["0 500"])
})


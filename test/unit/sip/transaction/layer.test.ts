import { describe, expect, test } from "vitest"
import { createResponse, parseMessage, type SipRequest } from "../../../../src/sip/message/index.ts"
import { makeRequest, makeSipPair } from "../../../support/sip-pair.ts"

describe("an INVITE", () => {
  test("that is accepted: 100 by itself after 200 ms, 180, 200; and 64*T1 later nothing is left", () => {
    const { runtime, log, send, respond, client, server, network } = makeSipPair()
    send("INVITE")
    runtime.advance(1000)
    respond(180)
    runtime.advance(1000)
    respond(200)
    runtime.advance(0)
    expect(log).toEqual(["200 100", "1000 180", "2000 200"])
    runtime.runAll()
    expect(log.at(-1)).toBe("34100 end")
    expect(client.size + server.size).toBe(0)
    expect(network.log.filter((line) => line.includes("INVITE"))).toHaveLength(1)
  })

  test("that is refused: the ACK is made here, and absorbed there", () => {
    const { runtime, log, send, respond, strays, client, server, network } = makeSipPair()
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
    expect(log).toEqual(["0 486", "0 end"])
    expect(strays).toEqual([])
    expect(client.size + server.size).toBe(0)
  })

  test("that is cancelled: the CANCEL waits for a provisional response, is answered here, and the user hears of it", () => {
    const { runtime, log, send, respond, servers, network } = makeSipPair()
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
    expect(log).toEqual(["100 180", "100 487", "100 end"])
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

describe("a CANCEL", () => {
  test("without its INVITE gets a 481, one after the final response a 200 and no effect", () => {
    const { runtime, network, b, servers, respond, send } = makeSipPair()
    b.receive(wire("CANCEL", "z9hG4bKnone"), { host: "192.0.2.1", port: 5060 })
    expect(network.log.at(-1)).toBe("0 SIP/2.0 481 Call/Transaction Does Not Exist")
    const invite = send("INVITE")
    runtime.advance(0)
    let cancelled = 0
    servers[0]?.onCancel(() => cancelled++)
    respond(200)
    b.receive(wire("CANCEL", invite.branch, "192.0.2.1:5060"), { host: "192.0.2.1", port: 5060 })
    expect(network.log.at(-1)).toBe("0 SIP/2.0 200 OK")
    expect(network.sent.at(-1)?.text).toContain("tag=b1")
    expect(cancelled).toBe(0)
  })

  test("is heard of once, even by a user who asks late", () => {
    const { runtime, b, servers, send } = makeSipPair()
    const invite = send("INVITE")
    runtime.advance(0)
    for (let i = 0; i < 3; i++) b.receive(wire("CANCEL", invite.branch, "192.0.2.1:5060"), { host: "192.0.2.1", port: 5060 })
    let cancelled = 0
    servers[0]?.onCancel(() => cancelled++)
    expect(cancelled).toBe(1)
  })

  test("that no final response follows ends the INVITE 64*T1 later", () => {
    const { runtime, log, send, respond, client } = makeSipPair()
    const invite = send("INVITE")
    runtime.advance(0)
    respond(180)
    runtime.advance(10_000)
    invite.cancel()
    invite.cancel()
    runtime.advance(40_000)
    expect(log).toEqual(["0 180", "42000 timeout", "42000 end"])
    expect(client.size).toBe(0)
  })

  test("comes to nothing once there is a final response", () => {
    const { runtime, network, send, respond } = makeSipPair()
    const invite = send("INVITE")
    runtime.advance(0)
    respond(486)
    runtime.advance(0)
    invite.cancel()
    runtime.runAll()
    expect(network.log.filter((line) => line.includes("CANCEL"))).toEqual([])
  })
})

describe("what the RFCs forbid is not sent", () => {
  test("RFC 4320: 408 and provisional responses to other requests than INVITE", () => {
    const { runtime, log, send, respond } = makeSipPair()
    send("MESSAGE")
    runtime.advance(0)
    for (const status of [100, 180, 408]) respond(status)
    runtime.advance(100)
    expect(log).toEqual([])
    respond(200)
    runtime.advance(0)
    expect(log).toEqual(["100 200", "100 end"])
    expect(runtime.metrics.count("p2psip_sip_responses_suppressed_total")).toBe(3)
  })

  test("RFC 4320: the 100 that is due after 3.5 seconds, early over a stream when the user wants it", () => {
    const lossless = makeSipPair("TCP")
    lossless.send("MESSAGE")
    lossless.runtime.advance(0)
    lossless.respond(100)
    const silent = makeSipPair("UDP")
    silent.send("MESSAGE")
    lossless.runtime.runAll()
    silent.runtime.runAll()
    expect(lossless.log).toEqual(["0 100", "32000 timeout", "32000 end"])
    expect(silent.log.at(0)).toBe("3500 100")
    expect(silent.log.slice(-2)).toEqual(["32000 timeout", "32000 end"])
  })

  test("a second final response; but RFC 6026: any number of 2xx to INVITE", () => {
    const { runtime, log, send, respond, servers } = makeSipPair()
    send("INVITE")
    send("INVITE")
    runtime.advance(0)
    respond(486, 0)
    respond(200, 0)
    for (const status of [200, 200, 486]) respond(status, 1)
    expect(servers.map(({ isDone }) => isDone)).toEqual([true, true])
    runtime.advance(0)
    expect(log.sort()).toEqual(["0 200", "0 200", "0 486", "0 end"])
  })
})

describe("an ACK", () => {
  test("for a 2xx goes to the taker of strays, with its own branch or the INVITE's", () => {
    const { runtime, b, strays, send, respond } = makeSipPair()
    const invite = send("INVITE")
    runtime.advance(0)
    respond(200)
    for (const branch of ["z9hG4bKown", invite.branch]) {
      b.receive(wire("ACK", branch, "192.0.2.1:5060"), { host: "192.0.2.1", port: 5060 })
    }
    expect(strays.map((message) => message.cseq.method)).toEqual(["ACK", "ACK"])
  })

  test("of an RFC 2543 phone is told from one for a 2xx by its To tag", () => {
    const { b, strays, respond, server, runtime } = makeSipPair()
    const source = { host: "192.0.2.1", port: 5060 }
    b.receive(wire("INVITE", ""), source)
    b.receive(wire("INVITE", ""), source)
    expect(server.size).toBe(1)
    respond(486)
    b.receive(wire("ACK", "").replace("<sip:b@x>", "<sip:b@x>;tag=other"), source)
    expect(strays).toHaveLength(1)
    b.receive(wire("ACK", "").replace("<sip:b@x>", "<sip:b@x>;tag=b1"), source)
    expect(strays).toHaveLength(1)
    runtime.advance(5100)
    expect(server.size).toBe(0)
  })

  test("is never answered, however wrong", () => {
    const { b, network } = makeSipPair()
    const ack = wire("ACK", "z9hG4bK1")
    for (const text of [ack.replace("1 ACK", "x ACK"), ack.replace("SIP/2.0\r\n", "SIP/3.0\r\n"), ack.replace(/From.*\r\n/, "")]) {
      b.receive(text, { host: "192.0.2.1", port: 5060 })
    }
    expect(network.sent).toEqual([])
  })
})

test("the same branch of another sender, or with another method, is another transaction", () => {
  const { b, server } = makeSipPair()
  const source = { host: "192.0.2.1", port: 5060 }
  b.receive(wire("INVITE", "z9hG4bK1"), source)
  b.receive(wire("INVITE", "z9hG4bK1"), source)
  expect(server.size).toBe(1)
  b.receive(wire("INVITE", "z9hG4bK1", "192.0.2.7"), source)
  b.receive(wire("MESSAGE", "z9hG4bK1"), source)
  expect(server.size).toBe(3)
})

test("too many transactions: new requests get a 503 that says when to come again, old ones go on", () => {
  const { runtime, send, respond, server, log, responses } = makeSipPair("UDP", { maxTransactions: 2, retryAfterSeconds: 7 })
  for (let i = 0; i < 3; i++) send("MESSAGE")
  runtime.advance(0)
  expect(log).toEqual(["0 503", "0 end"])
  expect(responses[0]?.headers.get("Retry-After")).toBe("7")
  respond(200, 0)
  respond(200, 1)
  runtime.advance(0)
  expect(log).toEqual(["0 503", "0 end", "0 200", "0 end", "0 200", "0 end"])
  expect(server.size).toBe(2)
  expect(runtime.metrics.count("p2psip_sip_requests_refused_total", { status: "503" })).toBe(1)
})

describe("a flow that breaks", () => {
  test("ends the client transactions on it, and leaves no listener", () => {
    const { runtime, a, b, log, send, client } = makeSipPair("TCP")
    send("INVITE")
    send("MESSAGE")
    const flow = a.flowTo(b.advertised)
    runtime.advance(10)
    flow.close(new Error("reset"))
    expect(log).toEqual(["10 transport error: reset", "10 end", "10 transport error: reset", "10 end"])
    expect(client.size).toBe(0)
    expect(flow.listenerCount).toBe(0)
  })

  test("before the sending is told after the call", () => {
    const { runtime, a, b, log, client } = makeSipPair("TCP")
    const flow = a.flowTo(b.advertised)
    flow.close()
    const transaction = client.request(makeRequest("MESSAGE"), flow, {
      onResponse: () => undefined,
      onTimeout: () => undefined,
      onTransportError: () => log.push(`error of ${transaction.method}`),
    })
    expect(log).toEqual([])
    runtime.advance(0)
    expect(log).toEqual(["error of MESSAGE"])
    expect(client.size).toBe(0)
  })

  test("at the server: the response goes over a new connection to the sent-by port (RFC 3261 §18.2.2)", () => {
    const { b, network, server } = makeSipPair("TCP")
    const source = { host: "192.0.2.9", port: 41_000 }
    server.onRequest((transaction, request) => {
      b.flowTo(source).close()
      transaction.respond(createResponse(request, 200))
    })
    b.receive(wire("MESSAGE", "z9hG4bK1", "192.0.2.9:5062"), source)
    expect(network.sent.at(-1)?.to).toBe("192.0.2.9:5062")
  })
})

test("after stop nothing is left, sent or taken", () => {
  const { runtime, network, client, server, log, send, b } = makeSipPair()
  send("INVITE")
  runtime.advance(0)
  client.stop()
  server.stop()
  expect(log).toEqual(["0 end"])
  expect([client.size, server.size, runtime.timersPending]).toEqual([0, 0, 0])
  b.receive(wire("MESSAGE", "z9hG4bK1"), { host: "192.0.2.1", port: 5060 })
  send("MESSAGE")
  runtime.runAll()
  expect(log.slice(1)).toEqual(["0 transport error: the SIP stack has been stopped", "0 end"])
  expect(network.log).toHaveLength(1)
})

test("responses follow rport, and received is written where sent-by lies", () => {
  const { runtime, b, server, network } = makeSipPair()
  server.onRequest((transaction, request) => transaction.respond(createResponse(request, 200)))
  const text = wire("OPTIONS", "z9hG4bKx;rport", "10.0.0.1:7000")
  b.receive(text, { host: "192.0.2.9", port: 40_000 })
  expect(network.sent.at(-1)).toMatchObject({ to: "192.0.2.9:40000" })
  expect(network.sent.at(-1)?.text).toContain("Via: SIP/2.0/UDP 10.0.0.1:7000;branch=z9hG4bKx;rport=40000;received=192.0.2.9\r\n")
  b.receive(text.replace(";rport", "").replace("z9hG4bKx", "z9hG4bKy"), { host: "192.0.2.9", port: 40_000 })
  expect(network.sent.at(-1)).toMatchObject({ to: "192.0.2.9:7000" })
  runtime.runAll()
  expect(server.size).toBe(0)
})

test("a stateless filter is asked before a transaction is made", () => {
  const { runtime, send, server, servers, log } = makeSipPair()
  server.onStateless((request, flow) => {
    if (request.method !== "REGISTER") return false
    server.reply(request, flow, 200)
    return true
  })
  send("REGISTER")
  runtime.advance(0)
  expect(log).toEqual(["0 200", "0 end"])
  expect(server.size).toBe(0)
  expect(servers).toEqual([])
})

/** A request as bytes; an empty branch makes it one of RFC 2543. */
function wire(method: string, branch: string, sentBy = "192.0.2.1"): string {
  const lines = [
    `${method} sip:b@x SIP/2.0`,
    `Via: SIP/2.0/UDP ${sentBy}${branch === "" ? "" : `;branch=${branch}`}`,
    "From: <sip:a@x>;tag=1",
    "To: <sip:b@x>",
    "Call-ID: 1",
    `CSeq: 1 ${method}`,
    "Max-Forwards: 70",
    "Content-Length: 0",
  ]
  return `${lines.join("\r\n")}\r\n\r\n`
}

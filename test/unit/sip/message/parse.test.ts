import { describe, expect, test } from "vitest"
import { createResponse, parseMessage, RejectedRequest, SipRequest, SipResponse, SipSyntaxError } from "../../../../src/sip/message/index.ts"

const register = [
  "REGISTER sip:example.com SIP/2.0",
  "Via: SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK-1",
  'From: "Alice" <sip:alice@example.com>;tag=a1',
  "To: <sip:alice@example.com>",
  "i: call-1@10.0.0.1",
  "CSeq: 7 REGISTER",
  "Max-Forwards: 70",
  "Contact: <sip:alice@10.0.0.1:5070>;expires=60",
  "Content-Length: 0",
  "",
  "",
].join("\r\n")

function parse(text: string): SipRequest {
  const message = parseMessage(Buffer.from(text, "latin1"))
  if (!(message instanceof SipRequest)) throw new Error("expected a request")
  return message
}

/** The request that a response to the fault would answer. */
function answerableIn(text: string): SipRequest | undefined {
  const fault = faultOf(text)
  return fault instanceof RejectedRequest ? fault.request : undefined
}

function faultOf(text: string): SipSyntaxError {
  try {
    parseMessage(Buffer.from(text, "latin1"))
  } catch (error) {
    if (error instanceof SipSyntaxError) return error
    throw error
  }
  throw new Error("expected a SipSyntaxError")
}

describe("parseMessage", () => {
  test("reads a request's parts", () => {
    const request = parse(register)
    expect(request.method).toBe("REGISTER")
    expect(request.requestUri.host).toBe("example.com")
    expect(request.via).toMatchObject({ protocol: "UDP", host: "10.0.0.1", port: 5070, branch: "z9hG4bK-1", rport: 0 })
    expect(request.from).toMatchObject({ displayName: "Alice", uri: "sip:alice@example.com", tag: "a1" })
    expect(request.to.tag).toBeUndefined()
    expect(request.callId).toBe("call-1@10.0.0.1")
    expect(request.cseq).toMatchObject({ number: 7, method: "REGISTER" })
    expect(request.maxForwards).toBe(70)
    expect(request.toString()).toBe(register)
  })

  test("reads a response's parts", () => {
    const response = parseMessage(Buffer.from(register.replace(/^.*\r\n/, "SIP/2.0 423 Interval Too Brief\r\n")))
    expect(response).toBeInstanceOf(SipResponse)
    expect(response).toMatchObject({ status: 423, reason: "Interval Too Brief" })
  })

  test("takes as much body as Content-Length says, and refuses less", () => {
    const request = parse(`${register.replace("Content-Length: 0", "l: 3")}abcdef`)
    expect(Buffer.from(request.body).toString()).toBe("abc")
    expect(faultOf(`${register.replace("Content-Length: 0", "l: 3")}ab`)).toMatchObject({ status: 400 })
  })

  test("a fault carries the request where it can be answered, and never an ACK", () => {
    const ofAnotherVersion = register.replace("SIP/2.0\r\n", "SIP/7.0\r\n")
    expect(faultOf(ofAnotherVersion)).toMatchObject({ status: 505, reason: "Version Not Supported" })
    expect(answerableIn(ofAnotherVersion)?.callId).toBe("call-1@10.0.0.1")
    expect(answerableIn(register.replace("REGISTER sip:example.com SIP/2.0", "ACK  sip:example.com SIP/2.0"))).toBeUndefined()
    expect(answerableIn(register.replace(/CSeq.*\r\n/, "bad header line\r\n"))).toBeDefined()
    expect(answerableIn(register.replace(/Via.*\r\n/, "bad header line\r\n"))).toBeUndefined()
  })
})

test("what is too large is refused, and not answered with its own headers", () => {
  const padded = (bytes: number): string => register.replace("Max-Forwards", `X: ${"x".repeat(bytes)}\r\nMax-Forwards`)
  expect(parse(padded(32_000)).cseq.number).toBe(7)
  expect(faultOf(padded(33_000))).toMatchObject({ status: 513, name: "SipSyntaxError" })
  const body = "x".repeat(60_000)
  expect(parse(register.replace("Content-Length: 0\r\n\r\n", `l: 60000\r\n\r\n${body}`)).body.length).toBe(60_000)
  expect(faultOf(padded(70_000)).status).toBe(513)
})

describe("createResponse", () => {
  test("copies what RFC 3261 §8.2.6 names and adds the tag", () => {
    const response = createResponse(parse(register), 200, undefined, { toTag: "b2", headers: [["Expires", "60"]] })
    expect(response.toString()).toBe(
      [
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK-1",
        'From: "Alice" <sip:alice@example.com>;tag=a1',
        "To: <sip:alice@example.com>;tag=b2",
        "i: call-1@10.0.0.1",
        "CSeq: 7 REGISTER",
        "Expires: 60",
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    )
  })
})

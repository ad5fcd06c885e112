import { describe, expect, test } from "vitest"
import { parseMessage, RejectedRequest, SipRequest, SipResponse, SipSyntaxError, validateRequest, validateResponse } from "../../../../src/sip/message/index.ts"

const good: Readonly<Record<string, string>> = {
  Via: "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-1",
  From: "<sip:a@b>;tag=1",
  To: "<sip:c@d>",
  "Call-ID": "1@b",
  CSeq: "1 OPTIONS",
  "Max-Forwards": "70",
}

/** The fault of a request whose headers differ from a good one's so; undefined leaves a header out. */
function faultOf(changes: Readonly<Record<string, string | undefined>>, startLine = "OPTIONS sip:c@d SIP/2.0"): SipSyntaxError | undefined {
  const lines = Object.entries({ ...good, ...changes }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  try {
    const request = parseMessage(Buffer.from([startLine, ...lines, "", ""].join("\r\n"), "latin1"))
    if (request instanceof SipRequest) validateRequest(request)
    else validateResponse(request)
    return undefined
  } catch (error) {
    if (error instanceof SipSyntaxError) return error
    throw error
  }
}

describe("validateRequest", () => {
  test("a good request passes, also without Max-Forwards and From tag as in RFC 2543", () => {
    expect(faultOf({})).toBeUndefined()
    expect(faultOf({ "Max-Forwards": undefined, From: "<sip:a@b>" })).toBeUndefined()
    expect(faultOf({ "Max-Forwards": "0" })).toBeUndefined()
  })

  test.each(["From", "To", "Call-ID", "CSeq"])("says that %s is missing, to whoever sent it", (name) => {
    const fault = faultOf({ [name]: undefined })
    expect(fault).toMatchObject({ status: 400, reason: `Missing ${name}` })
    expect(fault).toBeInstanceOf(RejectedRequest)
    expect(fault).toMatchObject({ request: { method: "OPTIONS" } })
  })

  test("without a Via nobody can be answered", () => {
    expect(faultOf({ Via: undefined })).toMatchObject({ reason: "Missing Via", name: "SipSyntaxError" })
    expect(faultOf({ Via: "nonsense" })).toMatchObject({ reason: "Malformed Via", name: "SipSyntaxError" })
  })

  test.each([
    ["a CSeq of another method", { CSeq: "1 INVITE" }, /CSeq method/],
    ["a CSeq of a method in another case", { CSeq: "1 options" }, /CSeq method/],
    ["a CSeq past 2**31-1", { CSeq: "2147483648 OPTIONS" }, /CSeq number/],
    ["a CSeq that is no number", { CSeq: "0x1 OPTIONS" }, /Malformed CSeq/],
    ["Max-Forwards past 255", { "Max-Forwards": "256" }, /Max-Forwards/],
    ["Max-Forwards below 0", { "Max-Forwards": "-1" }, /Max-Forwards/],
    ["a second To", { t: "<sip:e@f>" }, /To given twice/],
    ["a second Call-ID", { i: "2" }, /Call-ID given twice/],
    ["a second Content-Length, though the same", { "Content-Length": "0", l: "0" }, /Content-Length given twice/],
    ["a branch that is the cookie alone", { Via: "SIP/2.0/UDP a;branch=z9hG4bK" }, /branch/],
    ["an empty Call-ID", { "Call-ID": "" }, /Call-ID/],
  ])("refuses %s", (_, changes, reason) => {
    const fault = faultOf(changes)
    expect(fault?.status).toBe(400)
    expect(fault?.reason).toMatch(reason)
  })

  test("refuses a malformed Request-URI, and one with headers; knows no schemes", () => {
    expect(faultOf({}, "OPTIONS sip:c@d@e SIP/2.0")?.reason).toMatch(/second @/)
    expect(faultOf({}, "OPTIONS sip:c@d?Route=x SIP/2.0")?.reason).toMatch(/Headers in Request-URI/)
    expect(faultOf({}, "OPTIONS what:ever?x=y SIP/2.0")).toBeUndefined()
  })

  test("an ACK is refused, but never answered", () => {
    expect(faultOf({ CSeq: "1 ACK", To: undefined }, "ACK sip:c@d SIP/2.0")).toMatchObject({ reason: "Missing To", name: "SipSyntaxError" })
  })
})

describe("validateResponse", () => {
  test("asks for the headers by which a response finds its transaction", () => {
    expect(faultOf({}, "SIP/2.0 200 OK")).toBeUndefined()
    for (const name of ["Via", "From", "To", "Call-ID", "CSeq"]) {
      expect(faultOf({ [name]: undefined }, "SIP/2.0 200 OK")?.reason).toBe(`Missing ${name}`)
    }
  })

  test("a status is 100 to 699, the reason phrase anything in one line", () => {
    for (const line of ["SIP/2.0 99 x", "SIP/2.0 700 x", "SIP/2.0 0200 x", "SIP/2.0  200 x", "SIP/1.0 200 x", "SIP/2.0 20x x", "SIP/2.0"]) {
      expect(faultOf({}, line)?.reason).toMatch(/Status-Line/)
    }
    expect(faultOf({}, "sip/2.0 200")).toBeUndefined()
    const response = SipResponse.create(486)
    expect(response.reason).toBe("Busy Here")
    response.reason = "Besetzt \u{1F4F5}\r\nX: y"
    expect(response.startLine).toBe(`SIP/2.0 486 Besetzt ${Buffer.from("\u{1F4F5}").toString("latin1")}  X: y`)
    expect(() => (response.status = 700)).toThrow("expected 100 to 699")
  })
})

import { describe, expect, test } from "vitest"
import { isP2PSipError } from "../../../../src/errors.ts"
import { Headers, maxHeaderFields, parseMessage, SipRequest } from "../../../../src/sip/message/index.ts"

function parsed(...lines: readonly string[]): SipRequest {
  const message = parseMessage(Buffer.from(["OPTIONS sip:a@b SIP/2.0", ...lines, "Content-Length: 0", "", ""].join("\r\n"), "latin1"))
  if (!(message instanceof SipRequest)) throw new Error("expected a request")
  return message
}

describe("Headers", () => {
  test("a name in any case and in its compact form is one name", () => {
    const { headers } = parsed("v: SIP/2.0/UDP a", "VIA: SIP/2.0/UDP b", "X-Own: 1", "x-OWN: 2", "X-Owner: 3")
    for (const name of ["Via", "via", "V", "v"]) expect(headers.count(name)).toBe(2)
    expect(headers.getAll("X-OWN")).toEqual(["1", "2"])
    expect(headers.get("x-owner")).toBe("3")
    expect(headers.has("X-Ow")).toBe(false)
  })

  test("names of Object's own do not exist", () => {
    const { headers } = parsed("__proto__: 1")
    expect([headers.get("constructor"), headers.get("__proto__"), headers.has("toString")]).toEqual([undefined, "1", false])
  })

  test("a folded value is one line, its neighbours stay as they are", () => {
    const request = parsed("Subject: one\r\n  two \r\n\tthree  ", "To :\r\n <sip:a@b>")
    expect(request.headers.get("s")).toBe("one two  three")
    expect(request.headers.get("To")).toBe("<sip:a@b>")
    request.headers.set("Max-Forwards", "5")
    expect(request.toString()).toContain("Subject: one\r\n  two \r\n\tthree  \r\nTo :\r\n <sip:a@b>\r\n")
  })

  test("only list headers part at commas, and not in quotes or brackets", () => {
    const { headers } = parsed(
      'Route: <sip:a;x="1,2"@b>, "c, \\", d" <sip:e> ,, <sip:f>',
      "Date: Sat, 13 Nov 2010 23:29:00 GMT",
      'WWW-Authenticate: Digest realm="a", nonce="b"',
      "Supported: ",
    )
    expect(headers.getAll("Route")).toEqual(['<sip:a;x="1,2"@b>', '"c, \\", d" <sip:e>', "<sip:f>"])
    expect(headers.getAll("Date")).toHaveLength(1)
    expect(headers.getAll("WWW-Authenticate")).toHaveLength(1)
    expect(headers.getAll("Supported")).toEqual([])
  })

  test("Route and Via are worked off from the top, wherever their commas are", () => {
    const { headers } = parsed("Route: <sip:a>,<sip:b>", "Max-Forwards: 1", "Route: <sip:c>")
    headers.replaceFirst("Route", "<sip:z>")
    expect(headers.getAll("Route")).toEqual(["<sip:z>", "<sip:b>", "<sip:c>"])
    expect([1, 2, 3, 4].map(() => headers.removeFirst("Route"))).toEqual(["<sip:z>", "<sip:b>", "<sip:c>", undefined])
    headers.replaceFirst("Route", "<sip:only>")
    expect(headers.getAll("Route")).toEqual(["<sip:only>"])
  })

  test("replaceFrom takes over all fields of one name, and their place stays", () => {
    const { headers } = parsed("v: SIP/2.0/UDP a", "Via :SIP/2.0/UDP b")
    const other = new Headers([["To", "<sip:a@b>"], ["Via", "x"], ["CSeq", "1 BYE"], ["v", "y"]])
    other.replaceFrom(headers, "Via")
    expect(other.toString()).toBe("To: <sip:a@b>\r\nv: SIP/2.0/UDP a\r\nVia :SIP/2.0/UDP b\r\nCSeq: 1 BYE\r\n")
    other.replaceFrom(headers, "CSeq")
    expect(other.has("CSeq")).toBe(false)
    other.replaceFrom(headers, "Content-Length")
    expect([...other].at(-1)).toEqual(["Content-Length", "0"])
  })

  test("prepend puts a new name before everything, append at the end", () => {
    const headers = new Headers([["To", "<sip:a@b>"]])
    headers.prepend("record-route", "<sip:p;lr>")
    headers.append("X-Last", "1")
    headers.append("Record-Route", "<sip:q;lr>")
    expect([...headers]).toEqual([
      ["Record-Route", "<sip:p;lr>"],
      ["Record-Route", "<sip:q;lr>"],
      ["To", "<sip:a@b>"],
      ["X-Last", "1"],
    ])
  })

  test("values are trimmed; a line break, a NUL or a character above 255 is refused", () => {
    const headers = new Headers()
    headers.set("Subject", "  x \t")
    expect(headers.toString()).toBe("Subject: x\r\n")
    for (const value of ["a\r\nb", "a\nb", "a\rb", "a\0b", "\u010d\u010aX: y"]) {
      for (const edit of ["set", "append", "prepend", "replaceFirst"] as const) {
        expect(() => headers[edit]("Subject", value)).toThrow("expected one line")
      }
    }
    for (const name of ["", "a b", "a:", "a\r\n", "é"]) expect(() => headers.set(name, "1")).toThrow("expected a token")
  })

  test("more fields than anybody needs are refused, when parsed and when added", () => {
    const fields = (count: number): string[] => new Array<string>(count).fill("X: y")
    expect(parsed(...fields(maxHeaderFields - 1)).headers.size).toBe(maxHeaderFields)
    expect(() => parsed(...fields(maxHeaderFields))).toThrow(/Too many header fields/)
    const headers = new Headers()
    let isLimited = false
    for (let i = 0; i < 2 * maxHeaderFields && !isLimited; i++) {
      try {
        headers.append("X", "y")
      } catch (error) {
        isLimited = isP2PSipError(error, "P2PSIP_LIMIT")
      }
    }
    expect(isLimited).toBe(true)
  })
})

describe("toBytes", () => {
  test("Content-Length follows the body, and comes by itself", () => {
    const request = SipRequest.create("MESSAGE", "sip:a@b", [], Buffer.from("hello"))
    expect(request.toString()).toBe("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 5\r\n\r\nhello")
    request.body = new Uint8Array(0)
    expect(request.toString()).toBe("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n")
  })

  test("a right Content-Length stays as it was written", () => {
    const text = "SIP/2.0 200 OK\r\nl :  003\r\n\r\n\0\xff\r"
    expect(parseMessage(Buffer.from(text, "latin1")).toString()).toBe(text)
  })
})

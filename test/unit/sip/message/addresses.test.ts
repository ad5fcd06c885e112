import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isP2PSipError } from "../../../../src/errors.ts"
import {
  contactExpires,
  contactQ,
  formatNameAddress,
  formatQ,
  formatVia,
  Headers,
  NameAddress,
  Params,
  parseContacts,
  parseNameAddress,
  parseQ,
  parseVia,
  SipSyntaxError,
  Via,
} from "../../../../src/sip/message/index.ts"
import { nameAddress, token, viaValue } from "../../../fuzz/sip-arbitraries.ts"

const unfold = (text: string): string => text.replaceAll("\r\n", "")

describe("NameAddress", () => {
  test("what is formatted is parsed again as it was", () => {
    fc.assert(
      fc.property(nameAddress.map(unfold), (text) => {
        const first = parseNameAddress(text)
        const { displayName, uri } = first
        const again = parseNameAddress(formatNameAddress(first))
        expect({ displayName: again.displayName, uri: again.uri, params: [...again.params] }).toEqual({ displayName, uri, params: [...first.params] })
      }),
    )
  })

  test("a display name of any text survives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }).filter((name) => !/[\r\n]/.test(name)), (displayName) => {
        const text = formatNameAddress(new NameAddress("sip:a@b", Params.none, displayName))
        expect(new Headers([["From", text]]).get("From")).toBe(text)
        expect(parseNameAddress(text).displayName).toBe(displayName)
      }),
    )
  })

  test("without brackets the parameters are the header's, within they are the URI's", () => {
    expect(parseNameAddress("sip:a@b;x=1 ; tag=2")).toMatchObject({ uri: "sip:a@b", tag: "2" })
    const bracketed = parseNameAddress("<sip:a@b;x=1>;tag=2")
    expect([bracketed.params.has("x"), bracketed.parsedUri.params.get("x"), bracketed.tag]).toEqual([false, "1", "2"])
  })

  test.each([
    ['"Alice <sip:a@b>', /quoted string/],
    ['"Alice" sip:a@b', /Expected </],
    ["Bell, Alice <sip:a@b>", /display name/],
    ["< sip:a@b>", /URI/],
    ["<sip:a@b", /Missing >/],
    ["sip:a@b?x=y", /without <>/],
    ["sip:a>b@c", /Malformed URI/],
    ["<sip:a@b>x", /parameter/],
    ["<sip:a@b>;;x", /Empty parameter/],
    ["", /URI/],
    ["alice", /URI/],
  ])("refuses %j", (text, reason) => {
    expect(() => parseNameAddress(text, "To")).toThrow(reason)
  })

  test("a URI with a bracket or space cannot be formatted", () => {
    for (const uri of ["sip:a>@b", "sip:a b", "sip:a\r\n"]) {
      expect(() => formatNameAddress(new NameAddress(uri))).toThrow("expected a URI")
    }
  })
})

describe("Params", () => {
  test("with sets, without takes away, the others stay in order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(token, { selector: (name) => name.toLowerCase() }), token, token, (names, name, value) => {
        const params = Params.parse(names.map((other) => `;${other}`).join(""))
        const changed = params.with(name, value)
        expect(changed.get(name.toUpperCase())).toBe(value)
        expect(Params.parse(changed.raw).get(name)).toBe(value)
        const others = names.filter((other) => other.toLowerCase() !== name.toLowerCase())
        expect([...changed.without(name)].map(([other]) => other)).toEqual(others)
      }),
    )
  })

  test("quoted values can be read with and without their quotes", () => {
    const params = Params.parse(';+sip.instance="<urn:uuid:1>"; text = "a;\\"b" ;ob')
    expect(params.get("+SIP.instance")).toBe('"<urn:uuid:1>"')
    expect(params.getUnquoted("text")).toBe('a;"b')
    expect(params.get("ob")).toBe("")
    expect(params.raw).toBe(';+sip.instance="<urn:uuid:1>"; text = "a;\\"b" ;ob')
  })

  test("a value cannot bring a second parameter along", () => {
    for (const value of ["a;b", "a,b", 'a"', '"a', '"a";b', "a b", "a\r\n", "a>"]) {
      expect(() => Params.none.with("x", value)).toThrow("expected a quoted string")
    }
  })
})

describe("Via", () => {
  test("what is formatted is parsed again as it was", () => {
    fc.assert(
      fc.property(viaValue.map(unfold), (text) => {
        const via = parseVia(text)
        expect(parseVia(formatVia(via))).toEqual(via)
        expect(via.branch?.startsWith("z9hG4bK")).toBe(true)
      }),
    )
  })

  test("received and rport", () => {
    const via = parseVia("SIP / 2.0 / udp [2001:DB8::1] : 5070 ; rport ; branch=z9hG4bK1")
    expect(via).toMatchObject({ protocol: "UDP", host: "[2001:db8::1]", port: 5070, rport: 0, received: undefined })
    const marked = parseVia(via.withParam("received", "192.0.2.1").withParam("rport", "40001").toString())
    expect(marked).toMatchObject({ sentBy: "[2001:db8::1]:5070", received: "192.0.2.1", rport: 40_001 })
    expect(new Via("TCP", "h", undefined).toString()).toBe("SIP/2.0/TCP h")
  })

  test.each(["", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP;branch=1", "HTTP/2.0/UDP a", "SIP/2.0/UDP a:b", "SIP/2.0/UDP a b", "SIP/2.0/UDP a;;b"])(
    "refuses %j",
    (text) => expect(() => parseVia(text)).toThrow(SipSyntaxError),
  )
})

describe("contacts", () => {
  const contacts = (...values: string[]): ReturnType<typeof parseContacts> => {
    return parseContacts(new Headers(values.map((value) => ["m", value] as const)))
  }

  test("commas in names, quotes and brackets do not part them", () => {
    const list = contacts('"Last, First" <sip:a@b;x=1,2>;q=0.5, <sip:c@d>', "sip:e@f;expires=0")
    expect(list === "*" ? [] : list.map(({ uri }) => uri)).toEqual(["sip:a@b;x=1,2", "sip:c@d", "sip:e@f"])
  })

  test("* stands alone", () => {
    expect(contacts("*")).toBe("*")
    expect(contacts()).toEqual([])
    expect(() => contacts("*", "<sip:a@b>")).toThrow(/beside/)
    expect(() => contacts("<sip:a@b>, *")).toThrow(/beside/)
  })

  test("expires is delta-seconds, or nothing", () => {
    const expires = ["0", "3600", "4294967295", "4294967296", "-1", "x", "1e3"].map((value) => {
      return contactExpires(parseNameAddress(`<sip:a@b>;expires=${value}`))
    })
    expect(expires).toEqual([0, 3600, 4_294_967_295, undefined, undefined, undefined, undefined])
  })

  test("q is in thousandths, without rounding", () => {
    for (let thousandths = 0; thousandths <= 1000; thousandths++) expect(parseQ(formatQ(thousandths))).toBe(thousandths)
    expect(["0.", "1.0", "1.000", "0.5", "0.05"].map(parseQ)).toEqual([0, 1000, 1000, 500, 50])
    for (const text of ["", "2", "1.001", "0.1234", "-0.1", ".5", "0.x", "01"]) expect(parseQ(text)).toBeUndefined()
    expect(() => contactQ(parseNameAddress("<sip:a@b>;q=2"))).toThrow(/q in Contact/)
  })
})

test("a refused value is the caller's mistake, not the wire's", () => {
  expect.assertions(1)
  try {
    Params.none.with("x", "a;b")
  } catch (error) {
    expect(isP2PSipError(error, "P2PSIP_BAD_ARGUMENT")).toBe(true)
  }
})

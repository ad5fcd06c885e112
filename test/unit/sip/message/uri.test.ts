import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { addressOfRecord, sameUri, SipSyntaxError, SipUri } from "../../../../src/sip/message/index.ts"
import { sipUri } from "../../../fuzz/sip-arbitraries.ts"

const parse = (text: string): SipUri => SipUri.parse(text)
const same = (a: string, b: string): boolean => sameUri(parse(a), parse(b))

describe("SipUri", () => {
  test("every well-formed URI parses, comes out as written, and can be put together from its parts", () => {
    fc.assert(
      fc.property(sipUri, (text) => {
        const uri = parse(text)
        expect(uri.toString()).toBe(text)
        const { scheme, user, password, host, port, params, headers } = uri
        const parts = new SipUri({ scheme, user, password, host, port, params, headers })
        expect(sameUri(parse(parts.toString()), uri)).toBe(true)
      }),
    )
  })

  test("has the parts of RFC 3261 §19.1.1", () => {
    const uri = parse("sips:alice:secret%20word@Atlanta.COM:5062;transport=tcp;lr?subject=x&priority=urgent")
    expect(uri).toMatchObject({ scheme: "sips", user: "alice", password: "secret%20word", host: "atlanta.com", port: 5062 })
    expect([uri.params.get("Transport"), uri.params.get("lr"), uri.params.get("maddr")]).toEqual(["tcp", "", undefined])
    expect(uri.headers).toBe("subject=x&priority=urgent")
    expect(uri.isSips).toBe(true)
  })

  test("a user part may hold what looks like parameters, headers and another address", () => {
    expect(parse("sip:user;par=u%40example.net@example.com")).toMatchObject({ decodedUser: "user;par=u@example.net", host: "example.com" })
    expect(parse("sip:+1;ext=5?x@[2001:DB8::1]:5060")).toMatchObject({ user: "+1;ext=5?x", host: "[2001:db8::1]", port: 5060 })
  })

  test("other schemes keep their text", () => {
    const uri = parse("TEL:+1-212-555-1212;phone-context=example.com")
    expect(uri).toMatchObject({ scheme: "tel", host: "", isSip: false })
    expect(uri.toString()).toBe("TEL:+1-212-555-1212;phone-context=example.com")
  })

  test.each([
    "", "sip", "sip:", ":a", "sip:@host", "sip::pw@host", "sip:a@b@c", "sip:a b@c", "sip:a@b c", "<sip:a@b>", "sip:a@", "sip:a@b:",
    "sip:a@b:x", "sip:a@b:65536", "sip:a@b:000005060", "sip:a@[::1", "sip:a@[]", "sip:a@[xyz::1]", "sip:a@::1", "sip:a%4@b",
    "sip:a%zz@b", "sip:a@b;;lr", "sip:a@b;=x", "sip:a\0@b", "sip:a@b\r\nX: y", "sip:\xe9@b", "1sip:a@b", "s p:a",
  ])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow(SipSyntaxError)
    expect(SipUri.tryParse(text)).toBeUndefined()
  })

  test("with replaces parts, takes parts away, and refuses what is no URI", () => {
    const uri = parse("sip:alice@example.com:5060;transport=tcp?x=y")
    const changed = uri.with({ host: "10.0.0.1", port: undefined, headers: undefined, params: uri.params.with("lr") })
    expect(changed.toString()).toBe("sip:alice@10.0.0.1;transport=tcp;lr")
    expect(() => uri.with({ user: "a@b" })).toThrow(SipSyntaxError)
    expect(() => uri.with({ host: "a\r\nb" })).toThrow(SipSyntaxError)
  })
})

describe("sameUri (RFC 3261 §19.1.4)", () => {
  test("every URI is the same as itself, and both ask alike", () => {
    fc.assert(
      fc.property(sipUri, sipUri, (a, b) => {
        expect(same(a, a)).toBe(true)
        expect(same(a, b)).toBe(same(b, a))
      }),
    )
  })

  test.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"],
    ["sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"],
    ["sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"],
    ["sip:a@b;%6Cr", "sip:a@b;lr"],
    ["TEL:+1", "tel:+1"],
  ])("%s is %s", (a, b) => {
    expect(same(a, b)).toBe(true)
  })

  test.each([
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:a@b", "sips:a@b"],
    ["sip:a@b", "sip:b"],
    ["sip:a:x@b", "sip:a@b"],
    ["sip:a@b;maddr=c", "sip:a@b"],
    ["sip:a%3Bb@c", "sip:a;b@c"],
    ["tel:+1", "tel:+2"],
  ])("%s is not %s", (a, b) => {
    expect(same(a, b)).toBe(false)
  })
})

describe("addressOfRecord (RFC 3261 §10.3)", () => {
  const key = (text: string): string => addressOfRecord(parse(text))

  test("drops all but user and host, and writes each user in one way", () => {
    const spellings = ["sip:alice@Example.com", "sips:%61lice:pw@example.com:5061;user=phone?x=y", "SIP:al%69ce@EXAMPLE.COM;lr"]
    expect(spellings.map(key)).toEqual(spellings.map(() => "sip:alice@example.com"))
    expect(key("sip:example.com")).toBe("sip:example.com")
  })

  test("keeps escaped what is not allowed in a user part", () => {
    expect(key("sip:null-%00-null@example.com")).toBe("sip:null-%00-null@example.com")
    expect(key("sip:a%40b%3ac%0d%0a%25%c3%a9@h")).toBe("sip:a%40b%3Ac%0D%0A%25%C3%A9@h")
    expect(key("sip:#31#5@h")).toBe(key("sip:%2331%235@h"))
  })

  test("is a URI whose address-of-record is itself; equal URIs share it", () => {
    fc.assert(
      fc.property(sipUri, (text) => {
        const uri = parse(text)
        expect(key(addressOfRecord(uri))).toBe(addressOfRecord(uri))
        const lower = uri.with({ params: parse("sip:h;a=b").params, port: undefined })
        expect(addressOfRecord(lower)).toBe(addressOfRecord(uri))
      }),
    )
  })

  test("refuses other schemes", () => {
    expect(() => key("tel:+1")).toThrow(SipSyntaxError)
  })
})

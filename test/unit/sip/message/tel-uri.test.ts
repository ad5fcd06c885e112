import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { SipSyntaxError, SipUri, telToSip } from "../../../../src/sip/message/index.ts"

const toSip = (tel: string): string => telToSip(SipUri.parse(tel), "example.org", (domain) => domain === "example.net").toString()

describe("telToSip", () => {
  it.each([
    ["a global number", "tel:+4930123", "sip:+4930123@example.org;user=phone"],
    ["visual separators", "TEL:+49-(30)-1.23", "sip:+4930123@example.org;user=phone"],
    ["parameters of the number", "tel:+358-555-1234567;postd=pp22", "sip:+3585551234567;postd=pp22@example.org;user=phone"],
    ["a local number of another's plan", "tel:*21#;phone-context=+49".replace("#", "%23"), undefined],
    ["a local number", "tel:112;phone-context=+49", "sip:112;phone-context=+49@example.org;user=phone"],
    ["a local number of ours", "tel:20-01;phone-context=Example.NET", "sip:2001@example.net;user=phone"],
    ["escapes", "tel:+49;ext=1%402%00", "sip:+49;ext=1%402%00@example.org;user=phone"],
  ])("reads %s", (_, tel, sip) => {
    if (sip === undefined) expect(() => toSip(tel)).toThrow("Malformed tel URI")
    else expect(toSip(tel)).toBe(sip)
  })

  it.each(["tel:", "tel:bob", "tel:123", "tel:+", "tel:+12a", "tel:;phone-context=+49", "tel:1+2;phone-context=+49"])("refuses %s", (tel) => {
    expect(() => toSip(tel)).toThrow(SipSyntaxError)
  })

  it("gives a SIP URI of one of our domains, or refuses, whatever comes", () => {
    const text = fc.string({ unit: fc.constantFrom(..."+0129-.()aF*;=@%4:[]/?&bX", "phone-context=", "%00", "example.net") })
    fc.assert(fc.property(text, (rest) => {
      let sip: SipUri
      try {
        sip = telToSip(SipUri.parse(`tel:${rest}`), "example.org", (domain) => domain === "example.net")
      } catch (error) {
        expect(error).toBeInstanceOf(SipSyntaxError)
        return
      }
      expect(sip.scheme).toBe("sip")
      expect(["example.org", "example.net"]).toContain(sip.host)
      expect(sip.params.raw).toBe(";user=phone")
    }), { numRuns: 2000 })
  })
})

import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bindingKey } from "../../../../src/sip/registrar/binding-key.ts"

describe("bindings are the same", () => {
  // From RFC 3261 §19.1.4, where the text lists them as equivalent.
  it.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"],
    ["sip:alice@atlanta.com;a=1;b=2", "sip:alice@atlanta.com;b=2;a=1"],
    ["sip:alice:pass@atlanta.com", "SIP:alice:pass@atlanta.com"],
  ])("%s and %s", (one, other) => {
    expect(bindingKey(one, "")).toBe(bindingKey(other, ""))
  })

  it("whatever the URI, for one instance and flow of Outbound", () => {
    const parameters = ';+sip.instance="<urn:uuid:1>";reg-id=1'
    expect(bindingKey("sip:a@192.0.2.1", parameters)).toBe(bindingKey("sip:a@192.0.2.2", parameters))
    expect(bindingKey("sip:a@192.0.2.1", parameters)).not.toBe(bindingKey("sip:a@192.0.2.1", parameters.replace("=1", "=2")))
  })
})

describe("bindings are different", () => {
  it.each([
    ["sip:ALICE@atlanta.com", "sip:alice@atlanta.com"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:a@192.0.2.1;line=x", "sip:a@192.0.2.1;line=y"],
    ["sip:a%40b@c.org", "sip:a@b.c.org"],
    ["tel:+1-201-555-0123", "tel:+12015550123"],
  ])("%s and %s", (one, other) => {
    expect(bindingKey(one, "")).not.toBe(bindingKey(other, ""))
  })

  it("without a flow number the instance does not count", () => {
    const parameters = ';+sip.instance="<urn:uuid:1>"'
    expect(bindingKey("sip:a@192.0.2.1", parameters)).not.toBe(bindingKey("sip:a@192.0.2.2", parameters))
  })
})

it("a key never depends on the order of parameters", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 6 })
  fc.assert(
    fc.property(names, (parameters) => {
      const uri = (list: readonly string[]) => `sip:a@b${list.map((name) => `;${name}=1`).join("")}`
      expect(bindingKey(uri(parameters), "")).toBe(bindingKey(uri(parameters.toReversed()), ""))
    }),
  )
})

it("a plain URI, which is not parsed, has the key of its other spellings, which are", () => {
  const users = fc.stringMatching(/^[\w.!~*'()&=+$,/-]{1,12}$/)
  const hosts = fc.stringMatching(/^[a-z\d.-]{1,12}$/)
  const ports = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
  fc.assert(
    fc.property(users, hosts, ports, (user, host, port) => {
      const rest = `:${user}@${host}${port === undefined ? "" : `:${port}`}`
      expect(bindingKey(`sip${rest}`, "")).toBe(bindingKey(`SIP${rest}`, ""))
    }),
  )
})

import { describe, expect, it } from "vitest"
import { SipRequest } from "../../../../src/sip/message/index.ts"
import { outboundUse } from "../../../../src/sip/registrar/outbound.ts"
import { Refusal } from "../../../../src/sip/registrar/refusal.ts"

const phoneVia = "SIP/2.0/TCP 192.0.2.4:5060;branch=z9hG4bK1"
const proxyVia = "SIP/2.0/TCP 198.51.100.1:5060;branch=z9hG4bK2"
const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
const edge = "<sip:token@edge.example.org;lr;ob>"

interface Registration {
  readonly contact?: string
  readonly supported?: string
  readonly via?: readonly string[]
  readonly path?: readonly string[]
}

function use({ contact = `<sip:a@192.0.2.4>;reg-id=1;${instance}`, supported = "path, outbound", via = [phoneVia], path = [] }: Registration) {
  const headers: [string, string][] = via.map((value) => ["Via", value])
  headers.push(["Contact", contact], ["Supported", supported])
  try {
    return outboundUse(SipRequest.create("REGISTER", "sip:example.org", headers), path)
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

describe("a flow of a phone's", () => {
  it("counts where the phone speaks to us", () => expect(use({})).toBe("confirmed"))
  it("counts, and the phone is not told, where it has not said that it knows", () => expect(use({ supported: "path" })).toBe("applied"))
  it("counts where the first proxy keeps it", () => expect(use({ via: [proxyVia, phoneVia], path: [edge] })).toBe("confirmed"))
  it("counts whatever proxies are between the first one and us", () => {
    expect(use({ via: [proxyVia, proxyVia, phoneVia], path: ["<sip:middle.example.org;lr>", edge] })).toBe("confirmed")
  })
  it("is 439 where the first proxy does not keep it", () => {
    expect(use({ via: [proxyVia, phoneVia] })).toBe(439)
    expect(use({ via: [`${proxyVia}, ${phoneVia}`], path: ["<sip:edge.example.org;lr>"] })).toBe(439)
  })
  it("is ignored there where the phone does not insist", () => expect(use({ via: [proxyVia, phoneVia], supported: "path" })).toBe("ignored"))
})

describe("no flow is", () => {
  it.each([
    ["a contact without either parameter", "<sip:a@192.0.2.4>"],
    ["an instance alone", `<sip:a@192.0.2.4>;${instance}`],
    ["a reg-id alone", "<sip:a@192.0.2.4>;reg-id=1"],
    ["a reg-id in the URI", `<sip:a@192.0.2.4;reg-id=1>;${instance}`],
  ])("%s", (_, contact) => expect(use({ contact })).toBe("none"))
})

it.each(["0", "2147483648", "one", "1.5", "99999999999"])("a reg-id of %s is a 400", (flowNumber) => {
  expect(use({ contact: `<sip:a@192.0.2.4>;reg-id=${flowNumber};${instance}` })).toBe(400)
})

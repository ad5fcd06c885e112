import { describe, expect, it } from "vitest"
import { contactsOf, path, request, setUp } from "../../../support/registrar-world.ts"

describe("Outbound (RFC 5626)", () => {
  const instance = '+sip.instance="<urn:uuid:1>"'
  const flowContact = (flowNumber: number, host = "192.0.2.4") => `<sip:alice@${host};transport=tcp>;reg-id=${flowNumber};${instance}`
  const supported = { Supported: "path, outbound" }

  it("the phone is told that its flow counts, how often to use it, and where we keep it", async () => {
    const { register, location } = setUp()
    const response = await register(request({ Contact: flowContact(1), ...supported }))
    expect(response.headers.get("Require")).toBe("outbound")
    expect(response.headers.get("Flow-Timer")).toBe("120")
    expect(response.headers.getAll("Path")).toEqual([path.replace(">", ";ob>")])
    expect(location.updates[0]?.changes).toMatchObject([{ binding: { path: [path.replace(">", ";ob>")] } }])
  })

  it("two flows of one phone are two bindings, and the same flow from another address replaces itself", async () => {
    const { register } = setUp()
    await register(request({ Contact: flowContact(1), ...supported }))
    await register(request({ Contact: flowContact(2), ...supported, "Call-ID": "call-2" }))
    const response = await register(request({ Contact: flowContact(1, "198.51.100.9"), ...supported, "Call-ID": "call-3" }))
    expect(contactsOf(response).map((contact) => contact.slice(0, contact.indexOf(";")))).toEqual([
      "<sip:alice@198.51.100.9",
      "<sip:alice@192.0.2.4",
    ])
  })

  it("two flows in one REGISTER are a 400, a new one beside a removed one is not", async () => {
    const { register } = setUp()
    expect(await register(request({ Contact: [flowContact(1), flowContact(2)], ...supported }))).toMatchObject({ status: 400, reason: "One Contact With reg-id" })
    expect((await register(request({ Contact: [flowContact(1), `${flowContact(2)};expires=0`], ...supported }))).status).toBe(200)
  })

  it("behind a proxy that keeps no flow: 439, or an ordinary binding without the reg-id", async () => {
    const { register, location } = setUp()
    const Via = ["SIP/2.0/TCP 198.51.100.1;branch=z9hG4bK2", "SIP/2.0/TCP 192.0.2.4;branch=z9hG4bK1"]
    const refused = await register(request({ Via, Contact: flowContact(1), ...supported }))
    expect(refused).toMatchObject({ status: 439, reason: "First Hop Lacks Outbound Support" })
    const response = await register(request({ Via, Contact: flowContact(1) }))
    expect(response.headers.has("Require")).toBe(false)
    expect(location.updates[0]?.changes).toMatchObject([{ binding: { parameters: `;${instance}`, path: [path] } }])
  })

  it("Require: outbound is understood", async () => {
    const { register } = setUp()
    expect((await register(request({ Contact: flowContact(1), ...supported, Require: "outbound" }))).status).toBe(200)
  })
})

describe("policy", () => {
  it("what could not be stored, or not be read again, is refused, and it is not this peer that is ill", async () => {
    const { register, location } = setUp()
    const long = `<sip:${"a".repeat(500)}@example.org>`
    expect(await register(request({ To: long, From: `${long};tag=a` }))).toMatchObject({ status: 404 })
    expect(await register(request({ "Call-ID": "c".repeat(1025) }))).toMatchObject({ status: 400, reason: "Call-ID Too Long" })
    expect((await register(request({ "Call-ID": "c".repeat(1024) }))).status).toBe(200)
    expect(location.updates).toHaveLength(1)
  })

  it("one REGISTER takes back no more contacts than one update of the location changes", async () => {
    const { register, location } = setUp({ maxContacts: 64 })
    const gone = Array.from({ length: 65 }, (_, at) => `<sip:${at}@192.0.2.4>;expires=0`)
    expect(await register(request({ Contact: gone }))).toMatchObject({ status: 403, reason: "Too Many Contacts" })
    expect((await register(request({ Contact: gone.slice(1) }))).status).toBe(200)
    expect(location.updates.map(({ changes }) => changes.length)).toEqual([64])
  })

  it("an address-of-record has so many contacts at most, however they come; those that exist are refreshed", async () => {
    const { register } = setUp({ maxContacts: 2 })
    await register(request({ Contact: "<sip:a@192.0.2.4>" }))
    await register(request({ Contact: "<sip:b@192.0.2.4>" }))
    expect(await register(request({ Contact: "<sip:c@192.0.2.4>" }))).toMatchObject({ status: 403, reason: "Too Many Contacts" })
    expect((await register(request({ Contact: "<sip:a@192.0.2.4>" }))).status).toBe(200)
    expect((await register(request({ Contact: ["<sip:a@192.0.2.4>;expires=0", "<sip:c@192.0.2.4>"] }))).status).toBe(200)
  })

  it("a domain has its own times and numbers", async () => {
    const { register } = setUp({ byDomain: { "Example.NET": { minExpiresSeconds: 300, maxExpiresSeconds: 600, maxContacts: 1 } } })
    const net = { To: "<sip:alice@example.net>" }
    expect((await register(request({ ...net, Expires: "200" }))).headers.get("Min-Expires")).toBe("300")
    expect(contactsOf(await register(request({ ...net, Expires: "3600" })))).toEqual(["<sip:alice@192.0.2.4>;expires=600"])
    expect((await register(request({ ...net, Contact: "<sip:b@192.0.2.4>" }))).status).toBe(403)
    expect(contactsOf(await register(request({ Expires: "200" })))).toEqual(["<sip:alice@192.0.2.4>;expires=200"])
  })
})

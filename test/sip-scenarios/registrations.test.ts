/** REGISTER as phones use it (RFC 3261 §10). */
import { expect } from "vitest"
import type { SipResponse } from "../../src/sip/message/index.ts"
import { scenario } from "./scenario.ts"

const contactsOf = (response: SipResponse) => response.headers.getAll("Contact")
const status = async (answer: Promise<SipResponse>) => (await answer).status

scenario("a phone registers, asks what is bound, and removes its binding", async ({ phone }) => {
  const alice = await phone("alice")
  expect(contactsOf(await alice.registers())).toEqual([`<${alice.contact}>;expires=3600`])
  expect(contactsOf(await alice.registers({ Contact: undefined }))).toEqual([`<${alice.contact}>;expires=3600`])
  expect(contactsOf(await alice.registers({ Expires: "0" }))).toEqual([])
})

scenario("a binding that nobody refreshes is gone after its time", async ({ phone, registered, pass }) => {
  const bob = await registered("bob")
  const alice = await phone("alice")
  await pass(3_600_000)
  alice.asks("OPTIONS", "bob")
  await alice.gets(480)
  expect(bob.inbox).toEqual([])
})

scenario("a refresh moves the end", async ({ registered, pass }) => {
  const alice = await registered("alice")
  await pass(3_000_000)
  await alice.registers()
  await pass(3_000_000)
  expect(contactsOf(await alice.registers({ Contact: undefined }))).toEqual([`<${alice.contact}>;expires=600`])
})

scenario("`*` removes every binding of the user, and nobody else's", async ({ registered, phone }) => {
  const [desk, mobile, bob] = [await registered("desk", { user: "alice" }), await registered("mobile", { user: "alice" }), await registered("bob")]
  expect(contactsOf(await desk.registers({ Contact: undefined }))).toHaveLength(2)
  expect(contactsOf(await mobile.registers({ Contact: "*", Expires: "0" }))).toEqual([])
  expect(contactsOf(await bob.registers({ Contact: undefined }))).toHaveLength(1)
  const caller = await phone("caller")
  caller.asks("OPTIONS", "alice")
  await caller.gets(480)
})

for (const [fault, changes] of [
  ["without Expires", { Contact: "*" }],
  ["with another Expires than 0", { Contact: "*", Expires: "60" }],
  ["beside another contact", { Contact: ["*", "<sip:alice@127.0.0.1>"], Expires: "0" }],
  ["with a parameter", { Contact: "*;q=1", Expires: "0" }],
] as const) {
  scenario(`\`*\` ${fault} is a 400, and nothing is removed`, async ({ registered }) => {
    const alice = await registered("alice")
    expect(await status(alice.registers(changes))).toBe(400)
    expect(contactsOf(await alice.registers({ Contact: undefined }))).toHaveLength(1)
  })
}

scenario("several contacts in one REGISTER are bound together", async ({ phone }) => {
  const alice = await phone("alice")
  const answer = await alice.registers({ Contact: ["<sip:a@127.0.0.1>;q=0.7;expires=600", "<sip:b@127.0.0.1>;q=0.3;expires=900"] })
  expect(contactsOf(answer)).toEqual(["<sip:a@127.0.0.1>;expires=600;q=0.7", "<sip:b@127.0.0.1>;expires=900;q=0.3"])
})

scenario("one contact that cannot be means that none of them is bound", async ({ phone }) => {
  const alice = await phone("alice")
  expect(await status(alice.registers({ Contact: ["<sip:a@127.0.0.1>", "<sip:b@127.0.0.1>;q=2"] }))).toBe(400)
  expect(await status(alice.registers({ Contact: ["<sip:a@127.0.0.1>", "<sip:b@127.0.0.1>;expires=5"] }))).toBe(423)
  expect(contactsOf(await alice.registers({ Contact: undefined }))).toEqual([])
})

scenario("a phone that asks for too short a time is told the shortest", async ({ phone }) => {
  const alice = await phone("alice")
  const refused = await alice.registers({ Expires: "30" })
  expect([refused.status, refused.headers.get("Min-Expires")]).toEqual([423, "60"])
  expect(contactsOf(await alice.registers({ Expires: "60" }))).toEqual([`<${alice.contact}>;expires=60`])
})

scenario("a phone that asks for too long a time gets the longest", async ({ phone }) => {
  const alice = await phone("alice")
  expect(contactsOf(await alice.registers({ Expires: "1000000" }))).toEqual([`<${alice.contact}>;expires=7200`])
})

scenario("each domain has its own times and number of contacts", async ({ phone }) => {
  const alice = await phone("alice")
  const To = "<sip:alice@example.net>"
  expect(contactsOf(await alice.registers({ To }))).toEqual([`<${alice.contact}>;expires=300`])
  expect(await status(alice.registers({ To, Contact: "<sip:second@127.0.0.1>" }))).toBe(403)
  expect(await status(alice.registers({ Contact: ["<sip:first@127.0.0.1>", "<sip:second@127.0.0.1>"] }))).toBe(200)
}, { config: { domains: ["example.org", "example.net"], registration: { byDomain: { "example.net": { maxExpiresSeconds: 300, maxContacts: 1 } } } } })

scenario("an address-of-record has no more contacts than allowed, however many peers take them", async ({ stage, phone }) => {
  const other = await stage.addPeer({ registration: { maxContacts: 2 } })
  const here = await phone("here", { user: "alice" })
  const there = await phone("there", { user: "alice", peer: other })
  await here.registers()
  expect(await status(there.registers())).toBe(200)
  expect(await status(here.registers({ Contact: "<sip:third@127.0.0.1>" }))).toBe(403)
  expect(await status(there.registers())).toBe(200)
}, { config: { registration: { maxContacts: 2 } } })

scenario("a phone that has got another address binds it and takes the old one back at once, also where one contact is the most", async ({ phone }) => {
  const alice = await phone("alice")
  expect((await alice.registers({ Contact: "<sip:alice@192.0.2.1>", "Call-ID": "a" })).status).toBe(200)
  const moved = await alice.registers({ Contact: ["<sip:alice@192.0.2.2>", "<sip:alice@192.0.2.1>;expires=0"], "Call-ID": "a", CSeq: "2 REGISTER" })
  expect([moved.status, moved.headers.getAll("Contact")]).toEqual([200, ["<sip:alice@192.0.2.2>;expires=3600"]])
  expect((await alice.registers({ Contact: ["<sip:alice@192.0.2.3>", "<sip:alice@192.0.2.4>"], "Call-ID": "a", CSeq: "3 REGISTER" })).status).toBe(403)
}, { config: { registration: { maxContacts: 1 } } })

scenario("an old CSeq of the same Call-ID changes nothing", async ({ phone }) => {
  const alice = await phone("alice")
  await alice.registers({ "Call-ID": "one", CSeq: "7 REGISTER" })
  expect(await status(alice.registers({ "Call-ID": "one", CSeq: "6 REGISTER", Expires: "0" }))).toBe(500)
  expect(contactsOf(await alice.registers({ Contact: undefined }))).toHaveLength(1)
})

scenario("a phone that was restarted has another Call-ID, and counts anew", async ({ phone }) => {
  const alice = await phone("alice")
  await alice.registers({ "Call-ID": "one", CSeq: "700 REGISTER" })
  expect(contactsOf(await alice.registers({ "Call-ID": "two", CSeq: "1 REGISTER", Expires: "600" }))).toEqual([`<${alice.contact}>;expires=600`])
})

scenario("a retransmitted REGISTER gets the same answer, and is made once", async ({ phone }) => {
  const alice = await phone("alice")
  const request = alice.sends(alice.registration())
  const first = await alice.gets(200)
  alice.sends(request)
  const second = await alice.gets(200)
  expect([second.to.tag, contactsOf(second)]).toEqual([first.to.tag, contactsOf(first)])
})

scenario("contacts that differ in spelling alone are one binding", async ({ phone }) => {
  const alice = await phone("alice")
  await alice.registers({ Contact: "<sip:%61lice@EXAMPLE.net;Transport=TCP>" })
  expect(contactsOf(await alice.registers({ Contact: "<sip:alice@example.NET;transport=tcp>" }))).toHaveLength(1)
})

scenario("contacts whose users differ in case are two", async ({ phone }) => {
  const alice = await phone("alice")
  await alice.registers({ Contact: "<sip:Alice@127.0.0.1>" })
  expect(contactsOf(await alice.registers({ Contact: "<sip:alice@127.0.0.1>" }))).toHaveLength(2)
})

scenario("parameters of a contact come back as they were", async ({ phone }) => {
  const alice = await phone("alice")
  const Contact = '"A, \\"B\\" <x>" <sip:alice@127.0.0.1>;+sip.instance="<urn:uuid:1>";methods="INVITE,BYE";audio'
  expect(contactsOf(await alice.registers({ Contact }))).toEqual(['<sip:alice@127.0.0.1>;expires=3600;+sip.instance="<urn:uuid:1>";methods="INVITE,BYE";audio'])
})

scenario("the answer has the peer's date", async ({ phone }) => {
  expect((await (await phone("alice")).registers()).headers.get("Date")).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
})

scenario("the peer's own address stands for its first domain", async ({ peer, phone }) => {
  const alice = await phone("alice")
  const { host, port } = peer.addressFor("UDP")
  await alice.registers({ To: `<sip:alice@${host}:${port}>`, From: `<sip:alice@${host}:${port}>;tag=1` })
  expect(contactsOf(await alice.registers({ Contact: undefined }))).toHaveLength(1)
})

scenario("an address-of-record of another domain cannot be registered", async ({ phone }) => {
  expect(await status((await phone("alice")).registers({ To: "<sip:alice@example.com>" }))).toBe(404)
})

scenario("an extension that nobody knows is refused by its name", async ({ phone }) => {
  const refused = await (await phone("alice")).registers({ Require: "path, teleport" })
  expect([refused.status, refused.headers.get("Unsupported")]).toEqual([420, "teleport"])
})

scenario("Path values of proxies in between are stored, and every call passes them (RFC 3327)", async ({ phone }) => {
  const [caller, bob] = [await phone("caller"), await phone("bob")]
  const Path = ["<sip:near-us.example.com;lr>", "<sip:near-bob.example.com;lr>"]
  const answer = await bob.registers({ Path, Supported: "path" })
  expect(answer.headers.getAll("Path").slice(1)).toEqual(Path)
  caller.asks("OPTIONS", "bob")
  const request = await bob.gets("OPTIONS")
  expect(request.headers.getAll("Route")).toEqual(Path)
  bob.answers(request, 200)
  await caller.gets(200)
})

scenario("nine Path values are too many", async ({ phone }) => {
  const Path = Array.from({ length: 9 }, (_, hop) => `<sip:hop${hop}.example.com;lr>`)
  expect(await status((await phone("bob")).registers({ Path }))).toBe(400)
})

scenario("a phone that does not ask is not shown the Path", async ({ phone }) => {
  expect((await (await phone("alice")).registers()).headers.has("Path")).toBe(false)
})

scenario("a phone that registered at one peer is called at another", async ({ stage, phone }) => {
  const other = await stage.addPeer()
  const [alice, bob] = [await phone("alice"), await phone("bob", { peer: other })]
  await bob.registers()
  alice.asks("MESSAGE", "bob")
  bob.answers(await bob.gets("MESSAGE"), 200)
  await alice.gets(200)
})

scenario("a phone that moved to another peer is called there only", async ({ stage, phone, registered }) => {
  const other = await stage.addPeer()
  const contactParameters = ';+sip.instance="<urn:uuid:1>";reg-id=1'
  const before = await registered("before", { user: "bob", contactParameters })
  const after = await phone("after", { user: "bob", contactParameters, peer: other })
  await after.registers()
  const alice = await phone("alice")
  alice.asks("MESSAGE", "bob")
  after.answers(await after.gets("MESSAGE"), 200)
  await alice.gets(200)
  expect(before.inbox).toEqual([])
})

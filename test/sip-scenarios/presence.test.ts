/** Presence (RFC 3856, RFC 3863): what phones publish (RFC 3903), and what their users' contacts are told. */
import { expect } from "vitest"
import type { SipRequest, SipResponse } from "../../src/sip/message/index.ts"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario } from "./scenario.ts"

/** A document with one tuple. */
const pidf = (basic: string, more = ""): string => `<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.org"><tuple id="t1"><status><basic>${basic}</basic></status>${more}</tuple></presence>`

/** Sends a PUBLISH for its own user, or for another. */
function publishes(phone: Phone, document: string | undefined, changes: HeaderChanges = {}, whom = phone.uri): SipRequest {
  const request = phone.request("PUBLISH", whom, { Contact: undefined, Event: "presence", ...(document === undefined ? {} : { "Content-Type": "application/pidf+xml" }), ...changes })
  request.body = Buffer.from(document ?? "")
  return phone.sends(request)
}

/** The same, and the 200 for it; gives the entity-tag. */
async function hasPublished(phone: Phone, document: string | undefined, changes: HeaderChanges = {}): Promise<string> {
  publishes(phone, document, changes)
  return tagIn(await phone.gets(200))
}

function tagIn({ headers }: SipResponse): string {
  const tag = headers.get("SIP-ETag") ?? ""
  expect(tag).toMatch(/^[\w.-]+$/)
  return tag
}

/** What a NOTIFY says: `active;expires=3600`, and each `open` or `closed`. */
async function isTold(phone: Phone): Promise<{ subscription: string; basic: string[] }> {
  const notify = await phone.isNotified()
  phone.answers(notify, 200)
  expect([notify.headers.get("Event"), notify.headers.get("Content-Type")]).toEqual(["presence", "application/pidf+xml"])
  const xml = Buffer.from(notify.body).toString()
  expect(xml).toContain('entity="sip:bob@example.org"')
  return { subscription: notify.headers.get("Subscription-State") ?? "", basic: [...xml.matchAll(/<basic>(\w+)<\/basic>/g)].map(([, basic = ""]) => basic) }
}

/** Watches Bob; gives the 200 and what the first NOTIFY says. */
async function watches(phone: Phone, changes: HeaderChanges = {}): Promise<{ ok: SipResponse; basic: string[] }> {
  phone.asks("SUBSCRIBE", "bob", { Event: "presence", Accept: "application/pidf+xml", ...changes })
  const ok = await phone.gets(200)
  return { ok, basic: (await isTold(phone)).basic }
}

scenario("a phone that publishes nothing is open as long as it is registered", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  const { ok, basic } = await watches(alice)
  expect([ok.headers.get("Expires"), basic]).toEqual(["3600", ["closed"]])
  await bob.registers({ "Call-ID": "bob" })
  expect(await isTold(alice)).toEqual({ subscription: "active;expires=3600", basic: ["open"] })
  await pass(5_000)
  await bob.registers({ "Call-ID": "bob", CSeq: "2 REGISTER" })
  await pass(5_000)
  expect(alice.inbox).toEqual([])
  await bob.registers({ "Call-ID": "bob", CSeq: "3 REGISTER", Expires: "0" })
  expect((await isTold(alice)).basic).toEqual(["closed"])
})

scenario("a registration that runs out is told as closed", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await bob.registers({ Expires: "60" })
  expect((await watches(alice)).basic).toEqual(["open"])
  await pass(65_000)
  expect((await isTold(alice)).basic).toEqual(["closed"])
})

scenario("what is published at one peer is told at another within five seconds", async ({ stage, phone, pass }) => {
  const alice = await phone("alice")
  const bob = await phone("bob", { peer: await stage.addPeer() })
  await watches(alice)
  const tag = await hasPublished(bob, pidf("open", "<note>Hello &amp; welcome</note>"))
  await pass(5_000)
  expect(await isTold(alice)).toEqual({ subscription: "active;expires=3595", basic: ["open"] })
  // The phone may turn to another peer with what it has published.
  const moved = await phone("bob, moved", { user: "bob" })
  await hasPublished(moved, pidf("closed"), { "SIP-If-Match": tag })
  await pass(5_000)
  expect((await isTold(alice)).basic).toEqual(["closed"])
})

scenario("a registration at another peer is told within five seconds", async ({ stage, phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob", { peer: await stage.addPeer() })]
  await watches(alice)
  await bob.registers()
  await pass(5_000)
  expect((await isTold(alice)).basic).toEqual(["open"])
})

scenario("a publication is refreshed, changed and taken back, each time by its latest entity-tag", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await watches(alice)
  const first = await hasPublished(bob, pidf("open"), { Expires: "600" })
  expect((await isTold(alice)).basic).toEqual(["open"])
  await pass(500_000)
  const second = await hasPublished(bob, undefined, { "SIP-If-Match": first, Expires: "600" })
  await pass(500_000)
  const third = await hasPublished(bob, pidf("closed"), { "SIP-If-Match": second })
  expect((await isTold(alice)).basic).toEqual(["closed"])
  expect(new Set([first, second, third]).size).toBe(3)
  await bob.registers()
  await pass(5_000)
  expect(alice.inbox).toEqual([])
  await hasPublished(bob, undefined, { "SIP-If-Match": third, Expires: "0" })
  expect((await isTold(alice)).basic).toEqual(["open"])
  for (const old of [first, third]) {
    publishes(bob, pidf("open"), { "SIP-If-Match": old })
    await bob.gets(412)
  }
})

scenario("a publication that nobody refreshes ends at its time", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  const tag = await hasPublished(bob, pidf("open"), { Expires: "60" })
  expect((await watches(alice)).basic).toEqual(["open"])
  await pass(65_000)
  expect((await isTold(alice)).basic).toEqual(["closed"])
  publishes(bob, undefined, { "SIP-If-Match": tag })
  await bob.gets(412)
})

scenario("of two changes under one entity-tag one is made", async ({ stage, phone }) => {
  const bob = await phone("bob")
  const twin = await phone("twin", { user: "bob", peer: await stage.addPeer() })
  const tag = await hasPublished(bob, pidf("open"))
  for (const each of [bob, twin]) publishes(each, pidf("closed"), { "SIP-If-Match": tag })
  const statuses = [(await bob.getsFinal()).status, (await twin.getsFinal()).status]
  expect(statuses.sort()).toEqual([200, 412])
})

scenario("phones of one user stand side by side, those first that can be reached", async ({ phone, pass }) => {
  const [alice, desk, mobile] = [await phone("alice"), await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  await hasPublished(desk, pidf("closed"))
  await hasPublished(mobile, pidf("open"))
  expect((await watches(alice)).basic).toEqual(["open", "closed"])
  await pass(1_000)
})

scenario("nobody is told more often than every five seconds, and then how things are", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await watches(alice)
  let tag = await hasPublished(bob, pidf("open"))
  expect((await isTold(alice)).basic).toEqual(["open"])
  tag = await hasPublished(bob, pidf("closed"), { "SIP-If-Match": tag })
  await hasPublished(bob, pidf("open", "<note>busy</note>"), { "SIP-If-Match": tag })
  expect(alice.inbox).toEqual([])
  await pass(5_000)
  expect((await isTold(alice)).basic).toEqual(["open"])
})

scenario("a subscription to presence is refreshed, and ended", async ({ phone, pass }) => {
  const alice = await phone("alice")
  const { ok } = await watches(alice)
  await pass(1_000)
  alice.sends(alice.within(ok, "SUBSCRIBE", { Event: "presence", Expires: "600" }))
  await alice.gets(200)
  expect((await isTold(alice)).subscription).toBe("active;expires=600")
  alice.sends(alice.within(ok, "SUBSCRIBE", { Event: "reg", CSeq: "3 SUBSCRIBE" }))
  await alice.gets(481)
  alice.sends(alice.within(ok, "SUBSCRIBE", { Event: "presence", CSeq: "4 SUBSCRIBE", Expires: "0" }))
  await alice.gets(200)
  expect((await isTold(alice)).subscription).toBe("terminated;reason=timeout")
})

scenario("a publication for no time at all is a 200, and nobody is told", async ({ phone, pass }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await watches(alice)
  await hasPublished(bob, pidf("open"), { Expires: "0" })
  await pass(5_000)
})

for (const [what, document, changes, status, header] of [
  ["of no event", pidf("open"), { Event: undefined }, 489, ["Allow-Events", "presence, message-summary"]],
  ["of another event", pidf("open"), { Event: "dialog" }, 489, ["Allow-Events", "presence, message-summary"]],
  ["of an event that nobody publishes", pidf("open"), { Event: "reg" }, 489, ["Allow-Events", "presence, message-summary"]],
  ["under an entity-tag that there never was", pidf("open"), { "SIP-If-Match": "0123456789abcdef-0" }, 412, undefined],
  ["under two entity-tags", pidf("open"), { "SIP-If-Match": "a, b" }, 400, undefined],
  ["for too short a time", pidf("open"), { Expires: "59" }, 423, ["Min-Expires", "60"]],
  ["for a time that is none", pidf("open"), { Expires: "soon" }, 400, undefined],
  ["of another type", "Messages-Waiting: no", { "Content-Type": "application/simple-message-summary" }, 415, ["Accept", "application/pidf+xml"]],
  ["that is packed", pidf("open"), { "Content-Encoding": "gzip" }, 415, ["Accept-Encoding", "identity"]],
  ["of nothing", undefined, {}, 400, undefined],
  ["that is too large", pidf("open", `<note>${"long ".repeat(2000)}</note>`), {}, 413, undefined],
  ["that is no XML", "open", {}, 400, undefined],
  ["with entities of its own", `<!DOCTYPE presence [<!ENTITY a "b">]>${pidf("open", "<note>&a;</note>")}`, {}, 400, undefined],
  ["with an extension that we do not know", pidf("open"), { Require: "eventlist" }, 420, ["Unsupported", "eventlist"]],
] as [string, string | undefined, HeaderChanges, number, [string, string] | undefined][]) {
  scenario(`a publication ${what} is a ${status}`, async ({ phone }) => {
    const bob = await phone("bob")
    publishes(bob, document, changes)
    const { headers } = await bob.gets(status)
    if (header !== undefined) expect(headers.get(header[0])).toBe(header[1])
  })
}

scenario("a user has at most six publications, and may still change them", async ({ phone }) => {
  const bob = await phone("bob")
  let tag = ""
  for (let each = 0; each < 6; each++) tag = await hasPublished(bob, pidf("open"))
  publishes(bob, pidf("open"))
  await bob.gets(403)
  await hasPublished(bob, pidf("closed"), { "SIP-If-Match": tag })
})

scenario("a publication while the overlay is away is a 503 with Retry-After", async ({ stage, phone }) => {
  const bob = await phone("bob")
  await stage.servlet.leave()
  publishes(bob, pidf("open"))
  expect(Number((await bob.gets(503)).headers.get("Retry-After"))).toBeGreaterThanOrEqual(5)
})

scenario("what other peers say was published is told only where it can be read", async ({ stage, phone }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await hasPublished(bob, pidf("open"))
  const key = "p2psip:event:presence:sip:bob@example.org"
  const [value] = await stage.servlet.get(key)
  const head = Buffer.from(value?.value ?? []).subarray(0, 5)
  await stage.servlet.put(key, "nothing of ours")
  await stage.servlet.put(key, Buffer.concat([head, Buffer.from([4]), Buffer.from("<a/>")]), { valueHash: "12345678" })
  expect((await watches(alice)).basic).toEqual(["open"])
  expect(stage.runtime.metrics.count("p2psip_malformed_publications_total")).toBe(1)
})

const users = ["alice", "bob", "voicemail"].map((username) => ({ username, password: "secret" }))
const withUsers = { config: { users, registration: { thirdParties: ["voicemail"] } } }

/** Sends again with credentials what was challenged. */
async function proves(phone: Phone, request: SipRequest): Promise<SipResponse> {
  phone.sends(phone.withCredentials(request, await phone.gets(407)))
  return phone.getsFinal()
}

scenario("users publish their own presence, and third parties that of others: with their passwords", async ({ phone }) => {
  const [alice, bob, voicemail] = [await phone("alice", { password: "secret" }), await phone("bob", { password: "secret" }), await phone("voicemail", { password: "secret" })]
  expect((await proves(bob, publishes(bob, pidf("open")))).status).toBe(200)
  expect((await proves(alice, publishes(alice, pidf("closed"), {}, bob.uri))).status).toBe(403)
  expect((await proves(voicemail, publishes(voicemail, pidf("closed"), {}, bob.uri))).status).toBe(200)
  const eve = await phone("eve")
  publishes(eve, pidf("open"), { From: "<sip:eve@elsewhere.test>;tag=1" }, bob.uri)
  await eve.gets(403)
}, withUsers)

scenario("all users watch each other, and strangers nobody", async ({ phone }) => {
  const alice = await phone("alice", { password: "secret" })
  expect((await proves(alice, alice.asks("SUBSCRIBE", "bob", { Event: "presence" }))).status).toBe(200)
  expect((await isTold(alice)).basic).toEqual(["closed"])
  const eve = await phone("eve")
  eve.asks("SUBSCRIBE", "bob", { Event: "presence", From: "<sip:eve@elsewhere.test>;tag=1" })
  await eve.gets(403)
}, withUsers)

scenario("one user does not take the places of all: 256 subscriptions are enough", async ({ phone }) => {
  const [alice, bob] = [await phone("alice", { password: "secret" }), await phone("bob", { password: "secret" })]
  for (let each = 0; each < 256; each++) {
    const request = alice.asks("SUBSCRIBE", `user${each}`, { Event: "presence" })
    expect((await proves(alice, request)).status).toBe(200)
    alice.answers(await alice.gets("NOTIFY"), 200)
  }
  expect((await proves(alice, alice.asks("SUBSCRIBE", "bob", { Event: "presence" }))).status).toBe(503)
  expect((await proves(bob, bob.asks("SUBSCRIBE", "bob", { Event: "presence" }))).status).toBe(200)
  await isTold(bob)
}, withUsers)

scenario("OPTIONS tells of subscriptions and publications", async ({ phone }) => {
  const alice = await phone("alice")
  alice.asks("OPTIONS", "sip:example.org")
  const { headers } = await alice.gets(200)
  expect([headers.get("Allow"), headers.get("Allow-Events")]).toEqual(["OPTIONS, REGISTER, SUBSCRIBE, PUBLISH", "reg, presence, message-summary"])
})

scenario("subscriptions to other events go to the phones", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.asks("SUBSCRIBE", "bob", { Event: "dialog" })
  bob.answers(await bob.gets("SUBSCRIBE"), 489)
  await alice.gets(489)
})

scenario("a way into a call with a user is no proof of being one", async ({ phone, registered }) => {
  const [eve, bob] = [await phone("eve"), await registered("bob", { password: "secret" })]
  const from = "<sip:eve@elsewhere.test>;tag=1"
  eve.calls("bob", { From: from })
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await eve.gets(200)
  eve.acks(ok)
  await bob.gets("ACK")
  eve.sends(eve.within(ok, "SUBSCRIBE", { From: "<sip:alice@example.org>;tag=1", To: "<sip:bob@example.org>", Event: "presence" }))
  const forwarded = await bob.gets("SUBSCRIBE")
  bob.answers(forwarded, 481)
  await eve.gets(481)
}, withUsers)

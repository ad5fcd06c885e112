/** Phones that send callers elsewhere (RFC 3261 §16.7 step 4). */
import { expect } from "vitest"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario } from "./scenario.ts"

const users = ["alice", "bob"].map((username) => ({ username, password: "secret" }))

async function redirects(phone: Phone, contact: string | readonly string[], status = 302, more: HeaderChanges = {}): Promise<void> {
  phone.answers(await phone.gets("INVITE"), status, { Contact: contact, ...more })
}

for (const status of [300, 301, 302]) {
  scenario(`a ${status} to another user of ours is followed`, async ({ phone, registered }) => {
    const [alice, bob, carol] = [await phone("alice"), await registered("bob"), await registered("carol")]
    alice.calls("bob")
    await redirects(bob, "<sip:carol@example.org>", status)
    carol.answers(await carol.gets("INVITE"), 200)
    alice.acks(await alice.gets(200))
    await carol.gets("ACK")
  })
}

for (const status of [305, 380]) {
  scenario(`a ${status} is the caller's business`, async ({ phone, registered }) => {
    const [alice, bob] = [await phone("alice"), await registered("bob")]
    alice.calls("bob")
    await redirects(bob, "<sip:carol@example.org>", status)
    await alice.gets(status)
  })
}

scenario("several contacts ring by their q", async ({ phone, registered }) => {
  const [alice, bob, carol, dave] = [await phone("alice"), await registered("bob"), await registered("carol"), await registered("dave")]
  alice.calls("bob")
  await redirects(bob, ["<sip:carol@example.org>;q=0.2", "<sip:dave@example.org>;q=0.9"])
  dave.answers(await dave.gets("INVITE"), 486)
  carol.answers(await carol.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a redirection in a circle ends with what nobody could follow", async ({ phone, registered }) => {
  const [alice, bob, carol] = [await phone("alice"), await registered("bob"), await registered("carol")]
  alice.calls("bob")
  await redirects(bob, "<sip:carol@example.org>")
  await redirects(carol, "<sip:BOB@example.org>, <sip:bob@example.org>")
  // A user's name has its case: BOB is somebody else, who is not here.
  expect((await alice.gets(302)).headers.getAll("Contact")).toEqual(["<sip:bob@example.org>"])
})

scenario("no more than five contacts are followed for one call", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const others = [0, 1, 2, 3, 4, 5].map((number) => `<sip:user${number}@example.org>`)
  alice.calls("bob")
  await redirects(bob, others)
  expect((await alice.gets(302)).headers.getAll("Contact")).toEqual([others[5]])
})

scenario("with maxRedirects 0 the caller follows by itself", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  await redirects(bob, "<sip:carol@example.org>")
  expect((await alice.gets(302)).headers.get("Contact")).toBe("<sip:carol@example.org>")
}, { config: { calls: { maxRedirects: 0 } } })

scenario("a user of ours who is not there is a 480", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  await redirects(bob, "<sip:nobody@example.org>")
  await alice.gets(480)
})

scenario("another domain is followed for our users", async ({ phone, registered, dns }) => {
  const alice = await phone("alice", { password: "secret" })
  const [bob, carrier] = [await registered("bob", { password: "secret" }), await phone("carrier")]
  dns.zone = { "carrier.test": { A: ["127.0.0.1"] } }
  await alice.callsWithPassword("bob")
  await redirects(bob, `<sip:carol@carrier.test:${carrier.address.port}>`)
  const invite = await carrier.gets("INVITE")
  expect(invite.uri).toBe(`sip:carol@carrier.test:${carrier.address.port}`)
  carrier.answers(invite, 486)
  await alice.gets(486)
}, { config: { users } })

scenario("another domain is not followed for strangers, who may go there themselves", async ({ phone, registered, dns }) => {
  const [eve, bob] = [await phone("eve"), await registered("bob", { password: "secret" })]
  eve.calls("bob", { From: "<sip:eve@elsewhere.test>;tag=1" })
  await redirects(bob, "<sip:carol@carrier.test>")
  expect((await eve.gets(302)).headers.get("Contact")).toBe("<sip:carol@carrier.test>")
  expect(dns.questions).toEqual([])
}, { config: { users } })

scenario("what is not followed of several contacts is left to the caller, when the others have failed", async ({ phone, registered }) => {
  const [alice, bob, carol] = [await phone("alice"), await registered("bob"), await registered("carol")]
  alice.calls("bob")
  await redirects(bob, ["<sip:carol@example.org>", "<tel:+4930123>", "<sip:x@elsewhere.test>"])
  carol.answers(await carol.gets("INVITE"), 486)
  expect((await alice.gets(302)).headers.getAll("Contact")).toEqual(["<tel:+4930123>", "<sip:x@elsewhere.test>"])
})

scenario("a redirection without a contact, or with a malformed one, is passed on", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 302, { Contact: undefined })
  await alice.gets(302)
  alice.calls("bob")
  await redirects(bob, "<sip:carol@exa mple")
  await alice.gets(302)
})

scenario("headers and a method in a contact do not get into the request", async ({ phone, registered }) => {
  const [alice, bob, carol] = [await phone("alice"), await registered("bob"), await registered("carol")]
  alice.calls("bob")
  await redirects(bob, "<sip:carol@example.org;method=BYE?Subject=odd>")
  const invite = await carol.gets("INVITE")
  expect([invite.method, invite.uri, invite.headers.get("Subject")]).toEqual(["INVITE", carol.contact, undefined])
  carol.answers(invite, 486)
  await alice.gets(486)
})

scenario("when the caller hangs up after a redirection, the new phone hears it", async ({ phone, registered }) => {
  const [alice, bob, carol] = [await phone("alice"), await registered("bob"), await registered("carol")]
  const sent = alice.calls("bob")
  await redirects(bob, "<sip:carol@example.org>")
  carol.answers(await carol.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(sent)
  carol.obeys(await carol.gets("CANCEL"))
  await alice.gets(487)
})

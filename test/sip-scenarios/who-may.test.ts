/** Callers and their passwords, as the proxy sees them (RFC 3261 §22.3). */
import { expect } from "vitest"
import { SipRequest } from "../../src/sip/message/index.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const users = ["alice", "bob"].map((username) => ({ username, password: "secret" }))
const withUsers = { config: { users } }

async function aliceAndBob({ phone, registered }: Scene): Promise<[Phone, Phone]> {
  return [await phone("alice", { password: "secret" }), await registered("bob", { password: "secret" })]
}

scenario("a user is asked for the password, and then the call goes through", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  await alice.callsWithPassword("bob")
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("credentials for us stay with us; those for others go on", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const invite = alice.calls("bob")
  const again = alice.withCredentials(invite, await alice.gets(407))
  again.headers.set("Proxy-Authorization", (again.headers.get("Proxy-Authorization") ?? "").replace('realm="', 'Realm = "'))
  const others = 'Digest username="alice", realm="carrier.test", nonce="1", uri="sip:x", response="00000000000000000000000000000000"'
  again.headers.append("Proxy-Authorization", others)
  alice.sends(again)
  const arrived = await bob.gets("INVITE")
  expect(arrived.headers.getAll("Proxy-Authorization")).toEqual([others])
  bob.answers(arrived, 486)
  await alice.gets(486)
}, withUsers)

scenario("a wrong password is asked for again", async (scene) => {
  const [alice, mallory] = [(await aliceAndBob(scene))[0], await scene.phone("mallory", { user: "alice", password: "guess" })]
  await mallory.callsWithPassword("bob")
  await mallory.gets(407)
  expect(alice.inbox).toEqual([])
}, withUsers)

scenario("credentials are good for one request: who repeats them is asked again", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const invite = alice.calls("bob")
  const again = alice.sends(alice.withCredentials(invite, await alice.gets(407)))
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
  const eve = await scene.phone("eve", { user: "alice" })
  const replayed = eve.request("INVITE", again.uri)
  replayed.headers.append("Proxy-Authorization", again.headers.get("Proxy-Authorization") ?? "")
  eve.sends(replayed)
  await eve.gets(407)
}, withUsers)

scenario("nobody calls in another user's name", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  await alice.callsWithPassword("bob", { From: "<sip:bob@example.org>;tag=1" })
  expect((await alice.gets(403)).reason).toBe("From Is Not You")
}, withUsers)

scenario("a domain with a dot at its end is the same domain, and wants the same password", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  await alice.callsWithPassword("sip:bob@example.org.", { From: "<sip:alice@example.org.>;tag=1" })
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("nobody asserts another user's name, nor a number, in what phones show instead of From (RFC 3325)", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const asserted = ["<sip:alice@example.org>", '"The boss" <sip:bob@example.org>', "<tel:+49301>", "<sip:x@carrier.test>"]
  await alice.callsWithPassword("bob", { "P-Asserted-Identity": asserted.join(", "), "Remote-Party-ID": '"The boss" <sip:bob@example.org>;party=calling' })
  const invite = await bob.gets("INVITE")
  expect(invite.headers.getAll("P-Asserted-Identity")).toEqual(["<sip:alice@example.org>", "<sip:x@carrier.test>"])
  expect(invite.headers.has("Remote-Party-ID")).toBe(false)
  bob.answers(invite, 486)
  await alice.gets(486)
  alice.calls("bob", { From: "<sip:eve@carrier.test>;tag=1", "P-Asserted-Identity": "<sip:alice@example.org>, nonsense" })
  const stranger = await bob.gets("INVITE")
  expect(stranger.headers.has("P-Asserted-Identity")).toBe(false)
  bob.answers(stranger, 486)
  await alice.gets(486)
}, withUsers)

scenario("requests within a call need no password", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  await alice.callsWithPassword("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
}, withUsers)

scenario("a CANCEL needs no password", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const sent = await alice.callsWithPassword("bob")
  bob.answers(await bob.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(sent)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
}, withUsers)

scenario("a user who does not exist is a 404, one without a phone a 480", async (scene) => {
  const alice = await scene.phone("alice", { password: "secret" })
  await alice.callsWithPassword("nobody")
  await alice.gets(404)
  await alice.callsWithPassword("bob")
  await alice.gets(480)
}, withUsers)

scenario("OPTIONS to the proxy needs no password", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  alice.asks("OPTIONS", "sip:example.org")
  expect((await alice.gets(200)).headers.get("Allow")).toContain("REGISTER")
}, withUsers)

scenario("other requests to the proxy itself are a 405", async ({ phone }) => {
  const alice = await phone("alice")
  alice.asks("INVITE", "sip:example.org")
  await alice.gets(405)
  alice.asks("MESSAGE", "sip:example.org")
  expect((await alice.gets(405)).headers.get("Allow")).toBe("OPTIONS, REGISTER, SUBSCRIBE, PUBLISH")
})

scenario("what a stranger has learnt in a call over two peers opens no way to others", async ({ stage, phone, registered }) => {
  const second = await stage.addPeer()
  const [eve, bob, victim] = [await phone("eve"), await registered("bob", { peer: second }), await phone("victim")]
  eve.calls("bob")
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await eve.gets(200)
  eve.acks(ok)
  await bob.gets("ACK")
  const routes = ok.headers.getAll("Record-Route").toReversed()
  const beginnings = [routes.slice(0, 1), routes.slice(0, 2), routes.slice(1, 2), [...routes.slice(1, 2), `<sip:127.0.0.1:${victim.address.port};lr>`]]
  for (const route of beginnings) {
    eve.sends(eve.request("MESSAGE", `sip:victim@127.0.0.1:${victim.address.port}`, { "Call-ID": ok.callId, Route: route }))
    // The token for her own side leads back to herself, the other one nowhere.
    const answer = await eve.getsAll(...(route === beginnings[0] ? ["MESSAGE"] : [403]))
    if (answer[0] instanceof SipRequest) eve.answers(answer[0], 403)
    if (answer[0] instanceof SipRequest) await eve.gets(403)
  }
  expect(victim.inbox).toEqual([])
})

scenario("the token of a connection that is gone leads to its own address and to no other", async ({ phone, registered, stage }) => {
  const [eve, bob] = [await phone("eve", { protocol: "TCP" }), await registered("bob")]
  const [victim, helper] = [await phone("victim", { host: "127.0.0.2" }), await phone("helper")]
  eve.calls("bob")
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await eve.gets(200)
  eve.acks(ok)
  await bob.gets("ACK")
  const [own = ""] = ok.headers.getAll("Record-Route").toReversed()
  await eve.unplug()
  await stage.settle()
  const send = (to: string): void => void helper.asks("MESSAGE", to, { "Call-ID": ok.callId, Route: own })
  send(`sip:victim@127.0.0.2:${victim.address.port}`)
  await helper.gets(430)
  send(`sip:eve@127.0.0.1:${bob.address.port}`)
  bob.answers(await bob.gets("MESSAGE"), 200)
  await helper.gets(200)
  expect(victim.inbox).toEqual([])
})

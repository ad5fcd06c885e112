/** Calls between two phones of one peer, and other requests. */
import { expect } from "vitest"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

async function aliceAndBob({ phone, registered }: Scene): Promise<[Phone, Phone]> {
  return [await phone("alice"), await registered("bob")]
}

scenario("a call rings, is answered and is hung up by the caller", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 180)
  await alice.gets(180)
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
})

scenario("the callee hangs up", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  alice.acks(await alice.gets(200))
  await bob.gets("ACK")
  bob.sends(bob.within(invite, "BYE"))
  alice.answers(await alice.gets("BYE"), 200)
  await bob.gets(200)
})

scenario("a refused call ends with what the phone said, header by header and body", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 488, { Warning: '304 bob "no such codec"', "X-Odd": "a;b,c" })
  const refusal = await alice.gets(488)
  expect(refusal.headers.get("Warning")).toBe('304 bob "no such codec"')
  expect(refusal.headers.get("X-Odd")).toBe("a;b,c")
  expect(refusal.to.tag).toBe(bob.tag)
})

scenario("a call can be held: INVITE within a call, from both sides", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "INVITE"))
  bob.answers(await bob.gets("INVITE"), 200)
  await alice.gets(200)
  alice.sends(alice.within(ok, "ACK", { CSeq: "2 ACK" }))
  await bob.gets("ACK")
  bob.sends(bob.within(invite, "INVITE"))
  alice.answers(await alice.gets("INVITE"), 200)
  await bob.gets(200)
  bob.sends(bob.within(invite, "ACK", { CSeq: "2 ACK" }))
  await alice.gets("ACK")
})

scenario("an early dialog: PRACK and UPDATE find their way before the answer", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob", { Supported: "100rel" })
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 183, { Require: "100rel", RSeq: "1" })
  const progress = await alice.gets(183)
  expect(progress.headers.get("RSeq")).toBe("1")
  alice.sends(alice.within(progress, "PRACK", { RAck: "1 1 INVITE" }))
  const prack = await bob.gets("PRACK")
  expect(prack.headers.get("RAck")).toBe("1 1 INVITE")
  bob.answers(prack, 200)
  await alice.gets(200)
  bob.sends(bob.within(invite, "UPDATE"))
  alice.answers(await alice.gets("UPDATE"), 200)
  await bob.gets(200)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a 200 that is repeated is passed on each time, and each ACK too", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  bob.answers(invite, 200)
  await alice.gets(200)
  alice.acks(ok)
  alice.acks(ok)
  await bob.gets("ACK")
  await bob.gets("ACK")
})

scenario("an INVITE that is repeated reaches the phone once", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const sent = alice.calls("bob")
  alice.sends(sent)
  alice.sends(sent)
  const invite = await bob.gets("INVITE")
  expect(bob.absorbed).toEqual([])
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a retransmitted INVITE is answered with the latest provisional response", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const sent = alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 180)
  await alice.gets(180)
  alice.sends(sent)
  await alice.gets(180)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a caller who does not hear that his call has failed hears it again", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const raw = alice.request("INVITE", bob.uri)
  // As text, so that the phone does not know it as its own and sends no ACK.
  alice.sends(raw.toString())
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 180)
  await alice.gets(180)
  bob.answers(invite, 486)
  await alice.gets(486)
  await scene.pass(500)
  await alice.gets(486)
  await scene.pass(1000)
  await alice.gets(486)
  alice.sends(alice.request("ACK", bob.uri, { Via: raw.headers.get("Via"), "Call-ID": raw.callId, From: raw.headers.get("From"), To: `<${bob.uri}>;tag=${bob.tag}` }))
  await scene.pass(4000)
})

scenario("a caller hears within 200 ms that his call is worked on", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  await scene.pass(200)
  expect(alice.absorbed).toEqual(["100"])
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("MESSAGE goes and comes back", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.asks("MESSAGE", "bob")
  bob.answers(await bob.gets("MESSAGE"), 202)
  await alice.gets(202)
})

scenario("OPTIONS to a user asks the user's phone", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.asks("OPTIONS", "bob")
  bob.answers(await bob.gets("OPTIONS"), 200, { Allow: "INVITE, BYE" })
  expect((await alice.gets(200)).headers.get("Allow")).toBe("INVITE, BYE")
})

scenario("a subscription and its NOTIFY keep to one way", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.asks("SUBSCRIBE", "bob", { Event: "dialog" })
  const subscribe = await bob.gets("SUBSCRIBE")
  bob.answers(subscribe, 200)
  await alice.gets(200)
  bob.sends(bob.within(subscribe, "NOTIFY", { Event: "dialog" }))
  alice.answers(await alice.gets("NOTIFY"), 200)
  await bob.gets(200)
})

scenario("a subscriber who learns the way from the NOTIFY finds back (RFC 6665)", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.asks("SUBSCRIBE", "bob", { Event: "dialog" })
  const subscribe = await bob.gets("SUBSCRIBE")
  bob.answers(subscribe, 200)
  await alice.gets(200)
  bob.sends(bob.within(subscribe, "NOTIFY", { Event: "dialog", Contact: "<sip:bob@192.168.1.2>" }))
  const notify = await alice.gets("NOTIFY")
  alice.answers(notify, 200)
  await bob.gets(200)
  alice.sends(alice.within(notify, "SUBSCRIBE", { Event: "dialog", From: notify.headers.get("To") }))
  const refresh = await bob.gets("SUBSCRIBE")
  expect(refresh.uri).toBe("sip:bob@192.168.1.2")
  bob.answers(refresh, 200)
  await alice.gets(200)
})

scenario("a transfer: REFER within a call, then NOTIFY", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "REFER", { "Refer-To": "<sip:carol@example.org?Replaces=1%3Bto-tag%3D2>" }))
  const refer = await bob.gets("REFER")
  expect(refer.headers.get("Refer-To")).toBe("<sip:carol@example.org?Replaces=1%3Bto-tag%3D2>")
  bob.answers(refer, 202)
  await alice.gets(202)
  bob.sends(bob.within(invite, "NOTIFY"))
  alice.answers(await alice.gets("NOTIFY"), 200)
  await bob.gets(200)
})

scenario("a method that nobody knows travels untouched, as do headers and bytes", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const request = alice.request("FROB!nicate", bob.uri, { "X-Thing": 'a, "b;c" ;d', s: "compact", "Content-Type": "application/octet-stream" })
  request.body = Uint8Array.from({ length: 256 }, (_, i) => i)
  alice.sends(request)
  const arrived = await bob.gets("FROB!nicate")
  expect(arrived.headers.get("X-Thing")).toBe('a, "b;c" ;d')
  expect(arrived.toString()).toContain("\r\ns: compact\r\n")
  expect(Uint8Array.from(arrived.body)).toEqual(request.body)
  bob.answers(arrived, 200)
  await alice.gets(200)
})

scenario("a user part with escapes and odd characters is found under its name", async ({ phone, registered }) => {
  const alice = await phone("alice")
  const odd = await registered("odd", { user: "j%20r%3B+1" })
  alice.calls("sip:j%20%72%3b+1@example.org")
  odd.answers(await odd.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("the domain is found in any case of letters", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("sip:bob@Example.ORG")
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a phone that knows only its proxy's address may call users there", async ({ phone, registered, peer }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const { host, port } = peer.addressFor("UDP")
  alice.calls(`sip:bob@${host}:${port}`)
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
})

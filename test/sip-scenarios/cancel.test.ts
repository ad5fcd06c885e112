/** Callers who give up, and phones that ring for too long (RFC 3261 §9, §16.8, §16.10). */
import { expect } from "vitest"
import type { SipRequest } from "../../src/sip/message/index.ts"
import { derived } from "./acknowledgements.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

interface Ringing {
  readonly alice: Phone
  readonly bob: Phone
  readonly sent: SipRequest
  readonly invite: SipRequest
}

async function ringing({ phone, registered }: Scene): Promise<Ringing> {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const sent = alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 180)
  await alice.gets(180)
  return { alice, bob, sent, invite }
}

scenario("the caller hangs up while it rings", async (scene) => {
  const { alice, bob, sent } = await ringing(scene)
  await alice.cancels(sent)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("the reason of a CANCEL reaches the phone", async (scene) => {
  const { alice, bob, sent } = await ringing(scene)
  await alice.cancels(sent, { Reason: ["SIP;cause=600", 'Q.850;cause=16;text="bye"'] })
  const cancel = await bob.gets("CANCEL")
  expect(cancel.headers.getAll("Reason")).toEqual(["SIP;cause=600", 'Q.850;cause=16;text="bye"'])
  bob.obeys(cancel)
  await alice.gets(487)
})

scenario("the CANCEL waits until the phone has said something", async ({ phone, registered, stage }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  const sent = alice.calls("bob")
  const invite = await bob.gets("INVITE")
  await alice.cancels(sent)
  await stage.settle()
  expect(bob.inbox).toEqual([])
  bob.answers(invite, 100)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("a CANCEL that crosses the answer is too late", async (scene) => {
  const { alice, bob, sent, invite } = await ringing(scene)
  await alice.cancels(sent)
  const cancel = await bob.gets("CANCEL")
  bob.answers(invite, 200)
  bob.answers(cancel, 481)
  alice.acks(await alice.gets(200))
  await bob.gets("ACK")
})

scenario("a CANCEL after the answer does nothing", async (scene) => {
  const { alice, bob, sent, invite } = await ringing(scene)
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  await alice.cancels(sent)
  alice.acks(ok)
  await bob.gets("ACK")
})

scenario("a CANCEL for a call that nobody knows is a 481", async ({ phone }) => {
  const alice = await phone("alice")
  alice.sends(derived(alice.request("INVITE", "sip:bob@example.org"), "CANCEL"))
  await alice.gets(481)
})

scenario("a second CANCEL is answered and not passed on", async (scene) => {
  const { alice, bob, sent } = await ringing(scene)
  await alice.cancels(sent)
  await alice.cancels(sent)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("a phone that refuses to obey the CANCEL ends with its own answer", async (scene) => {
  const { alice, bob, sent, invite } = await ringing(scene)
  await alice.cancels(sent)
  bob.answers(await bob.gets("CANCEL"), 200)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a phone that is gone when the caller hangs up: 487 after 32 seconds", async (scene) => {
  const { alice, bob, sent } = await ringing(scene)
  await alice.cancels(sent)
  await bob.gets("CANCEL")
  await scene.pass(32_000)
  await alice.gets(487)
})

scenario("a CANCEL goes to all phones that ring, and not to the one that has refused", async (scene) => {
  const alice = await scene.phone("alice")
  const first = await scene.registered("first", { user: "bob" })
  const second = await scene.registered("second", { user: "bob" })
  const sent = alice.calls("bob")
  first.answers(await first.gets("INVITE"), 486)
  second.answers(await second.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(sent)
  second.obeys(await second.gets("CANCEL"))
  await alice.gets(486)
})

scenario("phones of a lower q are not tried once the caller has hung up", async (scene) => {
  const alice = await scene.phone("alice")
  const high = await scene.registered("high", { user: "bob" })
  const low = await scene.registered("low", { user: "bob", contactParameters: ";q=0.1" })
  const sent = alice.calls("bob")
  high.answers(await high.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(sent)
  high.obeys(await high.gets("CANCEL"))
  await alice.gets(487)
  expect(low.inbox).toEqual([])
})

scenario("a phone may ring for 190 seconds since it last said so, then the call ends", async (scene) => {
  const { alice, bob, invite } = await ringing(scene)
  await scene.pass(180_000)
  bob.answers(invite, 180)
  await alice.gets(180)
  await scene.pass(189_000)
  expect(bob.inbox).toEqual([])
  await scene.pass(1000)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("a phone that rings for ever and is gone then is a 408", async (scene) => {
  const { alice, bob } = await ringing(scene)
  await scene.pass(190_000)
  await bob.gets("CANCEL")
  await scene.pass(32_000)
  await alice.gets(408)
})

scenario("a 100 of the phone does not keep its call alive", async (scene) => {
  const [alice, bob] = [await scene.phone("alice"), await scene.registered("bob")]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 100)
  await scene.pass(180_000)
  bob.answers(invite, 100)
  await scene.pass(10_000)
  bob.obeys(await bob.gets("CANCEL"))
  await alice.gets(487)
})

scenario("a phone that says nothing is asked seven times, and the caller gets 408 after 32 s", async ({ phone, registered, pass }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.calls("bob")
  await bob.gets("INVITE")
  await pass(32_000)
  await alice.gets(408)
  expect(bob.absorbed.filter((label) => label === "INVITE")).toHaveLength(6)
})

scenario("a phone that says nothing to another request is asked eleven times, and the sender is left to its own clock", async ({ phone, registered, pass }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.asks("MESSAGE", "bob")
  await bob.gets("MESSAGE")
  await pass(33_000)
  expect(bob.absorbed.filter((label) => label === "MESSAGE")).toHaveLength(10)
  // RFC 4320: a 408 would come when its transaction is over.
  expect(alice.inbox).toEqual([])
})

scenario("an answer to another request that comes late is still passed on", async ({ phone, registered, pass }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.asks("MESSAGE", "bob")
  const message = await bob.gets("MESSAGE")
  await pass(30_000)
  bob.answers(message, 200)
  await alice.gets(200)
})

/** One user with several phones: who rings when, and what the caller hears (RFC 3261 §16.6, §16.7). */
import { expect } from "vitest"
import type { SipRequest } from "../../src/sip/message/index.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const elsewhere = 'SIP;cause=200;text="Call completed elsewhere"'

/** Bob's phones, with these q. */
async function bobs({ registered }: Scene, ...qs: readonly number[]): Promise<Phone[]> {
  const phones: Phone[] = []
  for (const [index, q] of qs.entries()) phones.push(await registered(`bob's ${["first", "second", "third"][index]}`, { user: "bob", contactParameters: `;q=${q}` }))
  return phones
}

/** Each phone's INVITE, ringing. */
async function ring(phones: readonly Phone[], alice: Phone): Promise<SipRequest[]> {
  const invites: SipRequest[] = []
  for (const phone of phones) {
    const invite = await phone.gets("INVITE")
    invites.push(invite)
    phone.answers(invite, 180)
    await alice.gets(180)
  }
  return invites
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no number ${index}`)
  return item
}

scenario("all phones of one q ring; when one answers the others learn why they stop", async (scene) => {
  const alice = await scene.phone("alice")
  const phones = await bobs(scene, 1, 1, 1)
  alice.calls("bob")
  const invites = await ring(phones, alice)
  at(phones, 1).answers(at(invites, 1), 200)
  alice.acks(await alice.gets(200))
  await at(phones, 1).gets("ACK")
  for (const loser of [at(phones, 0), at(phones, 2)]) {
    const cancel = await loser.gets("CANCEL")
    expect(cancel.headers.get("Reason")).toBe(elsewhere)
    loser.obeys(cancel)
  }
})

scenario("two phones that answer in the same moment are both passed on, and both can be acknowledged", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second] = await bobs(scene, 1, 1) as [Phone, Phone]
  alice.calls("bob")
  const [one, two] = await ring([first, second], alice) as [SipRequest, SipRequest]
  first.answers(one, 200)
  second.answers(two, 200)
  const oks = [await alice.gets(200), await alice.gets(200)]
  expect(new Set(oks.map(({ to }) => to.tag))).toEqual(new Set([first.tag, second.tag]))
  for (const ok of oks) alice.acks(ok)
  // The CANCEL comes too late for one of them.
  await scene.stage.settle()
  for (const phone of [first, second]) {
    if (phone.inbox[0]?.startsWith("CANCEL")) phone.answers(await phone.gets("CANCEL"), 481)
    await phone.gets("ACK")
  }
})

scenario("phones of a lower q ring only after those of a higher one have refused", async (scene) => {
  const alice = await scene.phone("alice")
  const [low, high] = await bobs(scene, 0.3, 0.8) as [Phone, Phone]
  alice.calls("bob")
  const invite = await high.gets("INVITE")
  await scene.stage.settle()
  expect(low.inbox).toEqual([])
  high.answers(invite, 486)
  low.answers(await low.gets("INVITE"), 200)
  alice.acks(await alice.gets(200))
  await low.gets("ACK")
})

scenario("phones of a lower q ring when those of a higher one have rung for 20 seconds", async (scene) => {
  const alice = await scene.phone("alice")
  const [high, low] = await bobs(scene, 1, 0.5) as [Phone, Phone]
  alice.calls("bob")
  await ring([high], alice)
  await scene.pass(19_999)
  expect(low.inbox).toEqual([])
  await scene.pass(1)
  high.obeys(await high.gets("CANCEL"))
  const invite = await ring([low], alice)
  low.answers(at(invite, 0), 486)
  await alice.gets(486)
})

scenario("a phone that picks up just when its turn is over has the call", async (scene) => {
  const alice = await scene.phone("alice")
  const [high, low] = await bobs(scene, 1, 0.5) as [Phone, Phone]
  alice.calls("bob")
  const invite = await ring([high], alice)
  await scene.pass(20_000)
  high.answers(at(invite, 0), 200)
  alice.acks(await alice.gets(200))
  high.answers(await high.gets("CANCEL"), 481)
  await high.gets("ACK")
  const late = await low.gets("INVITE")
  low.answers(late, 180)
  low.obeys(await low.gets("CANCEL"))
})

scenario("three q are three rounds, and the best refusal of all is the answer", async (scene) => {
  const alice = await scene.phone("alice")
  const [one, two, three] = await bobs(scene, 1, 0.5, 0.1) as [Phone, Phone, Phone]
  alice.calls("bob")
  one.answers(await one.gets("INVITE"), 480)
  two.answers(await two.gets("INVITE"), 404)
  three.answers(await three.gets("INVITE"), 487)
  await alice.gets(404)
})

scenario("a user who declines for all phones ends the search, also for those of a lower q", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second, low] = await bobs(scene, 1, 1, 0.5) as [Phone, Phone, Phone]
  alice.calls("bob")
  const one = await ring([first, second], alice)
  first.answers(at(one, 0), 603)
  const cancel = await second.gets("CANCEL")
  expect(cancel.headers.get("Reason")).toContain("cause=603")
  second.obeys(cancel)
  await alice.gets(603)
  expect(low.inbox).toEqual([])
})

scenario("a 6xx is not told before the other phones have ended, and loses against a 200", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second] = await bobs(scene, 1, 1) as [Phone, Phone]
  alice.calls("bob")
  const invites = await ring([first, second], alice)
  first.answers(at(invites, 0), 600)
  const cancel = await second.gets("CANCEL")
  second.answers(at(invites, 1), 200)
  second.answers(cancel, 481)
  alice.acks(await alice.gets(200))
  await second.gets("ACK")
})

const choices: readonly [readonly number[], number, string][] = [
  [[486, 404], 486, "of one class the first"],
  [[480, 404], 404, "something before nobody's there"],
  [[404, 302], 302, "a lower class"],
  [[503, 486], 486, "a lower class than 5xx"],
  [[486, 401], 401, "a challenge, which can be answered"],
  [[486, 484], 484, "an incomplete number, which can be completed"],
  [[500, 603], 603, "a 6xx before all"],
  [[408, 480, 503], 408, "a timeout before 5xx"],
]
for (const [statuses, best, why] of choices) {
  scenario(`of ${statuses.join(", ")} the caller hears ${best}: ${why}`, async (scene) => {
    const alice = await scene.phone("alice")
    const phones = await bobs(scene, ...statuses.map(() => 1))
    alice.calls("bob")
    for (const [index, phone] of phones.entries()) {
      phone.answers(await phone.gets("INVITE"), at(statuses, index), statuses[index] === 302 ? { Contact: "<sip:bob@elsewhere.test>" } : {})
      await scene.stage.settle()
    }
    await alice.gets(best)
  })
}

scenario("the caller gets the challenges of all phones at once", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second] = await bobs(scene, 1, 1) as [Phone, Phone]
  alice.calls("bob")
  first.answers(await first.gets("INVITE"), 401, { "WWW-Authenticate": 'Digest realm="one", nonce="1"' })
  second.answers(await second.gets("INVITE"), 407, { "Proxy-Authenticate": 'Digest realm="two", nonce="2"' })
  const challenge = await alice.getsFinal()
  expect(challenge.headers.getAll("WWW-Authenticate")).toEqual(['Digest realm="one", nonce="1"'])
  expect(challenge.headers.getAll("Proxy-Authenticate")).toEqual(['Digest realm="two", nonce="2"'])
})

scenario("a MESSAGE to several phones has one answer", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second] = await bobs(scene, 1, 1) as [Phone, Phone]
  alice.asks("MESSAGE", "bob")
  first.answers(await first.gets("MESSAGE"), 200)
  second.answers(await second.gets("MESSAGE"), 200)
  await alice.gets(200)
})

scenario("a breadth of one lets the phones ring one after the other", async (scene) => {
  const alice = await scene.phone("alice")
  const [first, second] = await bobs(scene, 1, 1) as [Phone, Phone]
  alice.calls("bob", { "Max-Breadth": "1" })
  const invite = await first.gets("INVITE")
  expect(invite.headers.get("Max-Breadth")).toBe("1")
  await scene.stage.settle()
  expect(second.inbox).toEqual([])
  first.answers(invite, 486)
  second.answers(await second.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("breadth is shared among the branches", async (scene) => {
  const alice = await scene.phone("alice")
  const phones = await bobs(scene, 1, 1, 1)
  alice.calls("bob", { "Max-Breadth": "10" })
  for (const phone of phones) {
    const invite = await phone.gets("INVITE")
    expect(invite.headers.get("Max-Breadth")).toBe("3")
    phone.answers(invite, 486)
  }
  await alice.gets(486)
})

scenario("without any breadth left the call is refused with 440", async (scene) => {
  const alice = await scene.phone("alice")
  await bobs(scene, 1, 1)
  alice.calls("bob", { "Max-Breadth": "0" })
  await alice.gets(440)
})

/** Early dialogs that end while others go on: 199 (RFC 6228). */
import { expect } from "vitest"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const knows199: HeaderChanges = { Supported: "100rel, 199" }

/** Two phones of Bob that ring, and what they were asked. */
async function ringing({ phone, registered }: Scene, changes: HeaderChanges, qs: readonly [number, number] = [1, 1]) {
  const alice = await phone("alice")
  const desk = await registered("desk", { user: "bob", contactParameters: `;q=${qs[0]}` })
  const mobile = await registered("mobile", { user: "bob", contactParameters: `;q=${qs[1]}` })
  const sent = alice.calls("bob", changes)
  const rings = async (callee: Phone) => {
    const invite = await callee.gets("INVITE")
    callee.answers(invite, 180)
    await alice.gets(180)
    return invite
  }
  return { alice, desk, mobile, sent, rings }
}

async function isTold(alice: Phone, phone: Phone, cause: number): Promise<void> {
  const { to, headers } = await alice.gets(199)
  expect(to.tag).toBe(phone.tag)
  expect(headers.get("Reason")).toBe(`SIP;cause=${cause}`)
  for (const name of ["Contact", "Record-Route", "Require", "Supported"]) expect(headers.has(name)).toBe(false)
}

scenario("of two phones that ring one refuses: the caller learns which early dialog has ended, and why", async (scene) => {
  const { alice, desk, mobile, rings } = await ringing(scene, knows199)
  const [first, second] = [await rings(desk), await rings(mobile)]
  desk.answers(first, 486)
  await isTold(alice, desk, 486)
  mobile.answers(second, 404)
  await alice.gets(486)
})

for (const [who, changes] of [
  ["who does not know 199", { Supported: "100rel" }],
  ["who wants every provisional response to be reliable", { Supported: "199", Require: "100rel" }],
] as const) {
  scenario(`a caller ${who} is told nothing of it`, async (scene) => {
    const { alice, desk, mobile, rings } = await ringing(scene, changes)
    const [first, second] = [await rings(desk), await rings(mobile)]
    desk.answers(first, 486)
    mobile.answers(second, 404)
    await alice.gets(486)
  })
}

scenario("a phone that says 199 itself is passed on, and nothing is said twice", async (scene) => {
  const { alice, desk, mobile, rings } = await ringing(scene, knows199)
  const [first, second] = [await rings(desk), await rings(mobile)]
  desk.answers(first, 199, { Reason: "SIP;cause=486" })
  await alice.gets(199)
  desk.answers(first, 486)
  mobile.answers(second, 404)
  await alice.gets(486)
})

scenario("a phone that refuses without having rung has no early dialog", async (scene) => {
  const { alice, desk, mobile, rings } = await ringing(scene, knows199)
  const second = await rings(mobile)
  desk.answers(await desk.gets("INVITE"), 486)
  mobile.answers(second, 404)
  await alice.gets(486)
})

scenario("a phone whose turn is over loses its early dialog when it stops ringing", async (scene) => {
  const { alice, desk, mobile, rings } = await ringing(scene, knows199, [1, 0.5])
  await rings(desk)
  await scene.pass(20_000)
  desk.obeys(await desk.gets("CANCEL"))
  await isTold(alice, desk, 487)
  mobile.answers(await mobile.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a phone at another peer that refuses ends its early dialog as well", async (scene) => {
  const second = await scene.stage.addPeer()
  const far = await scene.registered("far", { user: "bob", peer: second, protocol: "TCP" })
  const near = await scene.registered("near", { user: "bob" })
  const alice = await scene.phone("alice")
  alice.calls("bob", knows199)
  const there = await far.gets("INVITE")
  near.answers(await near.gets("INVITE"), 180)
  await alice.gets(180)
  far.answers(there, 183)
  await alice.gets(183)
  far.answers(there, 603)
  await isTold(alice, far, 603)
  near.obeys(await near.gets("CANCEL"))
  await alice.gets(603)
})

/** URIs of devices (RFC 5627): what phones get, where requests for one go, and how long it counts. */
import { expect } from "vitest"
import { parseNameAddress, type SipResponse } from "../../src/sip/message/index.ts"
import type { Phone } from "./phone.ts"
import type { HeaderChanges, PhoneSettings } from "./phone-settings.ts"
import { scenario, type Scene } from "./scenario.ts"

const uuid = (digit: number): string => `urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf${digit}`
const device = (digit: number, settings: PhoneSettings = {}): PhoneSettings => ({ user: "bob", contactParameters: `;+sip.instance="<${uuid(digit)}>"`, ...settings })
const gruu: HeaderChanges = { Supported: "gruu" }

/** The GRUUs in a 200, by the instance that they are of. */
function gruusIn(answer: SipResponse, digit: number): { readonly pub: string | undefined; readonly temp: string | undefined } {
  const contact = answer.headers.getAll("Contact").map((text) => parseNameAddress(text)).find(({ params }) => params.getUnquoted("+sip.instance") === `<${uuid(digit)}>`)
  return { pub: contact?.params.getUnquoted("pub-gruu"), temp: contact?.params.getUnquoted("temp-gruu") }
}

/** A phone that has registered, and its GRUUs. */
async function withGruus({ phone }: Scene, name: string, digit: number, settings: PhoneSettings = {}): Promise<{ phone: Phone; pub: string; temp: string }> {
  const added = await phone(name, device(digit, settings))
  const { pub = "", temp = "" } = gruusIn(await added.registers(gruu), digit)
  return { phone: added, pub, temp }
}

/** Asks for a URI; the phone gets it at its contact, and answers. */
async function reaches(caller: Phone, uri: string, callee: Phone): Promise<void> {
  caller.asks("MESSAGE", uri)
  const message = await callee.gets("MESSAGE")
  expect(message.uri).toBe(callee.contact)
  callee.answers(message, 200)
  await caller.gets(200)
}

async function isRefused(caller: Phone, uri: string, status: number): Promise<void> {
  caller.asks("MESSAGE", uri)
  await caller.gets(status)
}

scenario("a phone gets a public GRUU, and a temporary one that does not say whose it is", async (scene) => {
  const { pub, temp } = await withGruus(scene, "desk", 1)
  expect(pub).toBe(`sip:bob@example.org;gr=${uuid(1)}`)
  expect(temp).toMatch(/^sip:tgruu\.[\w-]+@example\.org;gr$/)
  expect(Buffer.from(temp.slice("sip:tgruu.".length, temp.indexOf("@")), "base64url").toString("latin1")).not.toContain("bob")
})

scenario("a phone that does not know GRUUs gets none, and cannot make its own", async ({ phone }) => {
  const desk = await phone("desk", device(1, { contactParameters: `;+sip.instance="<${uuid(1)}>";pub-gruu="sip:eve@example.org;gr=x";temp-gruu="sip:eve@example.org;gr"` }))
  const { headers } = await desk.registers()
  expect(headers.get("Contact")).toContain(`<${uuid(1)}>`)
  expect(headers.get("Contact")).not.toContain("gruu")
})

scenario("Require: gruu is understood; without an instance there are no GRUUs", async ({ phone }) => {
  const answer = await (await phone("bob")).registers({ Supported: "gruu", Require: "gruu" })
  expect(answer.status).toBe(200)
  expect(answer.headers.get("Contact")).not.toContain("gruu")
})

scenario("of two phones of one user a GRUU rings one", async (scene) => {
  const [desk, mobile] = [await withGruus(scene, "desk", 1), await withGruus(scene, "mobile", 2)]
  const alice = await scene.phone("alice")
  for (const uri of [desk.pub, desk.temp]) await reaches(alice, uri, desk.phone)
  for (const uri of [mobile.pub, mobile.temp]) await reaches(alice, uri, mobile.phone)
})

scenario("GRUUs that one peer gave lead from another peer to a phone at the first", async (scene) => {
  const desk = await withGruus(scene, "desk", 1, { protocol: "TCP" })
  const alice = await scene.phone("alice", { peer: await scene.stage.addPeer() })
  for (const uri of [desk.pub, desk.temp]) await reaches(alice, uri, desk.phone)
})

scenario("each refresh gives another temporary GRUU, and all of them count", async (scene) => {
  const { phone: desk, temp: first } = await withGruus(scene, "desk", 1)
  const sameCall = { ...gruu, "Call-ID": "desk-call" }
  const second = gruusIn(await desk.registers({ ...sameCall, CSeq: "2 REGISTER" }), 1).temp ?? ""
  const third = gruusIn(await desk.registers({ ...sameCall, CSeq: "3 REGISTER" }), 1).temp ?? ""
  expect(new Set([first, second, third]).size).toBe(3)
  const alice = await scene.phone("alice")
  for (const uri of [second, third]) await reaches(alice, uri, desk)
  await isRefused(alice, first, 404)
})

scenario("a repeated REGISTER gets the same GRUUs", async ({ phone }) => {
  const desk = await phone("desk", device(1))
  const request = desk.registration(gruu)
  const answers = []
  for (let i = 0; i < 2; i++) {
    desk.sends(request)
    answers.push(await desk.gets(200))
  }
  const [first, second] = answers.map((answer) => gruusIn(answer, 1))
  expect(second).toEqual(first)
})

scenario("with another Call-ID all temporary GRUUs of the phone end, and the public one goes on", async (scene) => {
  const { phone: desk, pub, temp } = await withGruus(scene, "desk", 1)
  const mobile = await withGruus(scene, "mobile", 2)
  const after = gruusIn(await desk.registers(gruu), 1)
  expect(after.pub).toBe(pub)
  const alice = await scene.phone("alice")
  await isRefused(alice, temp, 404)
  for (const uri of [pub, after.temp ?? ""]) await reaches(alice, uri, desk)
  await reaches(alice, mobile.temp, mobile.phone)
})

scenario("a phone that has gone and comes back has no old temporary GRUU, though it keeps its Call-ID", async (scene) => {
  const desk = await scene.phone("desk", device(1))
  const alice = await scene.phone("alice")
  const again = (cseq: number, changes: HeaderChanges = {}): HeaderChanges => ({ ...gruu, "Call-ID": "desk-call", CSeq: `${cseq} REGISTER`, ...changes })
  const { pub = "", temp = "" } = gruusIn(await desk.registers(again(1)), 1)
  await desk.registers(again(2, { Expires: "0" }))
  await isRefused(alice, temp, 404)
  await isRefused(alice, pub, 480)
  await scene.pass(1000)
  const back = gruusIn(await desk.registers(again(3)), 1)
  await isRefused(alice, temp, 404)
  for (const uri of [pub, back.temp ?? ""]) await reaches(alice, uri, desk)
})

scenario("when a registration runs out so do its temporary GRUUs", async (scene) => {
  const desk = await withGruus(scene, "desk", 1)
  const alice = await scene.phone("alice")
  await scene.pass(3_601_000)
  await isRefused(alice, desk.temp, 404)
  await isRefused(alice, desk.pub, 480)
})

scenario("what nobody gave is a 404: another domain's token, a changed one, a user with gr alone, a user who is not", async (scene) => {
  const { temp } = await withGruus(scene, "desk", 1, { password: "secret" })
  const eve = await scene.phone("eve")
  const stranger = { From: "<sip:eve@elsewhere.test>;tag=1" }
  const changed = temp.replace(/.(?=@)/, (last) => (last === "A" ? "B" : "A"))
  for (const uri of [changed, temp.replace("example.org", "example.net"), "sip:bob@example.org;gr", `sip:nobody@example.org;gr=${uuid(1)}`]) {
    eve.asks("MESSAGE", uri, stranger)
    await eve.gets(404)
  }
}, { config: { domains: ["example.org", "example.net"], users: [{ username: "bob", domain: "example.org", password: "secret" }] } })

scenario("nobody registers at what looks like a temporary GRUU without its gr", async (scene) => {
  const { temp } = await withGruus(scene, "desk", 1)
  const mallory = await scene.phone("mallory", { user: temp.slice("sip:".length, temp.indexOf("@")) })
  expect((await mallory.registers()).status).toBe(403)
})

scenario("a contact that leads back to its own address-of-record is a 403", async (scene) => {
  const { phone: desk, pub, temp } = await withGruus(scene, "desk", 1)
  for (const uri of [desk.uri, pub, temp]) {
    expect((await desk.registers({ ...gruu, Contact: `<${uri}>;+sip.instance="<${uuid(1)}>"` })).status).toBe(403)
  }
})

scenario("who registers somebody else's GRUU as a contact is asked there, and the other is not", async (scene) => {
  const { phone: carol, pub } = await withGruus(scene, "carol", 2, { user: "carol" })
  const desk = await scene.phone("desk", device(1))
  expect((await desk.registers({ ...gruu, Contact: `<${pub}>;+sip.instance="<${uuid(1)}>"` })).status).toBe(200)
  const alice = await scene.phone("alice")
  alice.asks("MESSAGE", "bob")
  const message = await desk.gets("MESSAGE")
  expect(message.uri).toBe(pub)
  desk.answers(message, 200)
  await alice.gets(200)
  expect(carol.inbox).toEqual([])
})

scenario("in a call with GRUUs as Contacts the later requests reach the phones at their contacts", async (scene) => {
  const { phone: desk, pub: callee } = await withGruus(scene, "desk", 1, { protocol: "TCP", peer: await scene.stage.addPeer() })
  const { phone: alice, temp: caller } = await withGruus(scene, "alice", 2, { user: "alice" })
  alice.calls("bob", { Contact: `<${caller}>` })
  const invite = await desk.gets("INVITE")
  desk.answers(invite, 200, { Contact: `<${callee}>` })
  const ok = await alice.gets(200)
  alice.acks(ok)
  expect((await desk.gets("ACK")).uri).toBe(desk.contact)
  const bye = desk.sends(desk.within(invite, "BYE"))
  expect(bye.uri).toBe(caller)
  const received = await alice.gets("BYE")
  expect(received.uri).toBe(alice.contact)
  alice.answers(received, 200)
  await desk.gets(200)
})

scenario("a phone that changes its connection in a call is found by its GRUU", async (scene) => {
  const before = await withGruus(scene, "before", 1, { protocol: "TCP" })
  const alice = await scene.phone("alice")
  alice.calls("bob")
  before.phone.answers(await before.phone.gets("INVITE"), 200, { Contact: `<${before.pub}>` })
  const ok = await alice.gets(200)
  alice.acks(ok)
  await before.phone.gets("ACK")
  await before.phone.unplug()
  const after = await withGruus(scene, "after", 1, { protocol: "TCP", peer: await scene.stage.addPeer() })
  alice.sends(alice.within(ok, "BYE"))
  const bye = await after.phone.gets("BYE")
  expect(bye.uri).toBe(after.phone.contact)
  after.phone.answers(bye, 200)
  await alice.gets(200)
})

scenario("a call goes on when the GRUUs in it have ended", async (scene) => {
  const desk = await withGruus(scene, "desk", 1, { protocol: "TCP" })
  const alice = await scene.phone("alice")
  alice.calls("bob")
  desk.phone.answers(await desk.phone.gets("INVITE"), 200, { Contact: `<${desk.temp}>` })
  const ok = await alice.gets(200)
  alice.acks(ok)
  await desk.phone.gets("ACK")
  await desk.phone.registers(gruu)
  alice.sends(alice.within(ok, "BYE"))
  desk.phone.answers(await desk.phone.gets("BYE"), 200)
  await alice.gets(200)
})

scenario("a phone with two flows is asked over one of them, and over the other when that has ended", async (scene) => {
  const flow = (flowNumber: number): PhoneSettings => device(1, { protocol: "TCP", contactParameters: `;+sip.instance="<${uuid(1)}>";reg-id=${flowNumber}` })
  const both = { Supported: "gruu, outbound" }
  const [first, second] = [await scene.phone("first", flow(1)), await scene.phone("second", flow(2))]
  const temps = [gruusIn(await first.registers(both), 1).temp ?? "", gruusIn(await second.registers(both), 1).temp ?? ""]
  await first.unplug()
  const alice = await scene.phone("alice")
  for (const uri of temps) await reaches(alice, uri, second)
  // The other flow under a new Call-ID ends them all.
  const again = await scene.phone("again", flow(1))
  await again.registers(both)
  for (const uri of temps) await isRefused(alice, uri, 404)
})

scenario("a restarted phone is asked at its latest contact alone", async (scene) => {
  const before = await withGruus(scene, "before", 1)
  await scene.pass(10)
  const after = await withGruus(scene, "after", 1)
  const alice = await scene.phone("alice")
  for (const uri of [before.pub, after.temp]) await reaches(alice, uri, after.phone)
  expect(before.phone.inbox).toEqual([])
})

/** Subscriptions to registrations (RFC 3680, RFC 6665): who is told what, and when it ends. */
import { expect } from "vitest"
import type { SipRequest, SipResponse } from "../../src/sip/message/index.ts"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario } from "./scenario.ts"

const reg: HeaderChanges = { Event: "reg", Accept: "application/reginfo+xml" }

/** What a NOTIFY says: `active;expires=3761`, the head of its document, and `desk active registered` for each contact. */
function saidIn(notify: SipRequest): { subscription: string; head: string; contacts: string[] } {
  expect(notify.headers.get("Content-Type")).toBe("application/reginfo+xml")
  const xml = Buffer.from(notify.body).toString()
  const attribute = (element: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(element)?.[1] ?? ""
  const reginfo = /<reginfo [^>]*>/.exec(xml)?.[0] ?? ""
  const registration = /<registration [^>]*>/.exec(xml)?.[0] ?? ""
  const contacts = [...xml.matchAll(/(<contact [^>]*>)\s*<uri>sip:([^@]*)@/g)].map(([, element = "", user]) => `${user} ${attribute(element, "state")} ${attribute(element, "event")}`)
  return {
    subscription: notify.headers.get("Subscription-State") ?? "",
    head: `${attribute(reginfo, "version")} ${attribute(reginfo, "state")} ${attribute(registration, "state")}`,
    contacts,
  }
}

/** The next NOTIFY, which the phone takes. */
async function isTold(phone: Phone, status = 200): Promise<ReturnType<typeof saidIn>> {
  const notify = await phone.isNotified()
  phone.answers(notify, status)
  return saidIn(notify)
}

/** Subscribes; gives the 200 and what the first NOTIFY says. */
async function subscribes(phone: Phone, whom = "bob", changes: HeaderChanges = {}): Promise<{ ok: SipResponse; first: ReturnType<typeof saidIn> }> {
  phone.asks("SUBSCRIBE", whom, { ...reg, ...changes })
  const ok = await phone.gets(200)
  return { ok, first: await isTold(phone) }
}

/** One of Bob's phones; its contact has its own name. */
const named = (phone: Phone): HeaderChanges => ({ Contact: `<${phone.contact.replace("bob@", `${phone.name}@`)}>`, "Call-ID": phone.name })

scenario("a user learns which phones he has, and when others come, refresh and go", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  await desk.registers(named(desk))
  const { ok, first } = await subscribes(desk)
  expect(ok.headers.get("Expires")).toBe("3761")
  expect(first).toEqual({ subscription: "active;expires=3761", head: "0 full active", contacts: ["desk active registered"] })
  await mobile.registers(named(mobile))
  expect(await isTold(desk)).toEqual({ subscription: "active;expires=3761", head: "1 partial active", contacts: ["mobile active registered"] })
  await pass(5_000)
  await mobile.registers({ ...named(mobile), CSeq: "2 REGISTER" })
  expect((await isTold(desk)).contacts).toEqual(["mobile active refreshed"])
  await pass(5_000)
  await mobile.registers({ ...named(mobile), CSeq: "3 REGISTER", Expires: "0" })
  expect(await isTold(desk)).toMatchObject({ head: "3 partial active", contacts: ["mobile terminated unregistered"] })
})

scenario("nobody is told more often than every five seconds", async ({ phone, pass }) => {
  const [desk, mobile, tablet] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" }), await phone("tablet", { user: "bob" })]
  expect((await subscribes(desk)).first).toMatchObject({ head: "0 full init", contacts: [] })
  await mobile.registers(named(mobile))
  expect((await isTold(desk)).contacts).toEqual(["mobile active registered"])
  await tablet.registers(named(tablet))
  await mobile.registers({ ...named(mobile), CSeq: "2 REGISTER", Expires: "0" })
  expect(desk.inbox).toEqual([])
  await pass(5_000)
  expect((await isTold(desk)).contacts.sort()).toEqual(["mobile terminated unregistered", "tablet active registered"])
})

scenario("what phones do at other peers is told within five seconds", async ({ stage, phone, pass }) => {
  const desk = await phone("desk", { user: "bob" })
  await subscribes(desk)
  const far = await phone("far", { user: "bob", peer: await stage.addPeer() })
  await far.registers(named(far))
  await pass(5_000)
  expect((await isTold(desk)).contacts).toEqual(["far active registered"])
})

scenario("a registration that runs out is told as expired, and the user's as terminated", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  await mobile.registers({ ...named(mobile), Expires: "60" })
  await subscribes(desk)
  await pass(65_000)
  expect(await isTold(desk)).toMatchObject({ head: "1 partial terminated", contacts: ["mobile terminated expired"] })
})

scenario("a phone on a connection is told there", async ({ registered, pass }) => {
  const desk = await registered("desk", { user: "bob", protocol: "TCP", contactParameters: ";audio" })
  const notify = (await subscribes(desk, "bob", { Contact: "<sip:bob@192.0.2.77:5060;transport=tcp>" })).first
  expect(notify.contacts).toEqual(["bob active registered"])
  await pass(10_000)
})

scenario("a fetch is told everything once", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  await mobile.registers(named(mobile))
  const { ok, first } = await subscribes(desk, "bob", { Expires: "0" })
  expect(ok.headers.get("Expires")).toBe("0")
  expect(first).toEqual({ subscription: "terminated;reason=timeout", head: "0 full active", contacts: ["mobile active registered"] })
  await mobile.registers({ ...named(mobile), CSeq: "2 REGISTER", Expires: "0" })
  await pass(10_000)
})

scenario("a subscription is refreshed, told everything again, and ended", async ({ registered, pass }) => {
  const desk = await registered("desk", { user: "bob" })
  const { ok } = await subscribes(desk, "bob", { Event: "reg;id=7" })
  await pass(1_000)
  desk.sends(desk.within(ok, "SUBSCRIBE", { ...reg, Expires: "600" }))
  await desk.gets(200)
  expect(await isTold(desk)).toMatchObject({ subscription: "active;expires=600", head: "1 full active" })
  desk.sends(desk.within(ok, "SUBSCRIBE", { ...reg, CSeq: "3 SUBSCRIBE", Expires: "0" }))
  await desk.gets(200)
  const last = await desk.gets("NOTIFY")
  desk.answers(last, 200)
  expect(last.headers.get("Event")).toBe("reg;id=7")
  expect(saidIn(last)).toMatchObject({ subscription: "terminated;reason=timeout", head: "2 full active" })
  desk.sends(desk.within(ok, "SUBSCRIBE", { ...reg, CSeq: "4 SUBSCRIBE" }))
  await desk.gets(481)
})

scenario("a subscription that nobody refreshes ends at its time", async ({ phone, pass }) => {
  const desk = await phone("desk", { user: "bob" })
  await subscribes(desk, "bob", { Expires: "60" })
  await pass(60_000)
  expect(await isTold(desk)).toMatchObject({ subscription: "terminated;reason=timeout", head: "1 full init" })
})

scenario("who refuses a NOTIFY is told nothing more", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  desk.asks("SUBSCRIBE", "bob", reg)
  await desk.gets(200)
  await isTold(desk, 481)
  await mobile.registers(named(mobile))
  await pass(10_000)
})

scenario("who is silent on a NOTIFY is told nothing more", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  desk.asks("SUBSCRIBE", "bob", reg)
  await desk.gets(200)
  await desk.gets("NOTIFY")
  await pass(32_000)
  await mobile.registers(named(mobile))
  await pass(10_000)
})

scenario("nothing is told over UDP to an address from where nobody answers, where nobody has a password", async ({ phone, pass }) => {
  const victim = await phone("victim", { user: "bob" })
  victim.asks("SUBSCRIBE", "bob", { ...reg, Expires: "0" })
  await victim.gets(200)
  const asked = await victim.gets("NOTIFY")
  expect([asked.headers.get("Subscription-State"), asked.body.length]).toEqual(["pending;expires=0", 0])
  await pass(60_000)
  expect(victim.inbox).toEqual([])
})

scenario("what happens while a NOTIFY is under way is told by the next one, with everything", async ({ phone, pass }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  desk.asks("SUBSCRIBE", "bob", reg)
  await desk.gets(200)
  const first = await desk.isNotified()
  await mobile.registers(named(mobile))
  await pass(5_000)
  desk.answers(first, 200)
  expect(await isTold(desk)).toMatchObject({ head: "1 full active", contacts: ["mobile active registered"] })
})

scenario("a peer that leaves sends its subscribers elsewhere", async ({ stage, phone }) => {
  const second = await stage.addPeer()
  const far = await phone("far", { user: "bob", peer: second })
  await subscribes(far)
  await second.stop()
  expect((await isTold(far)).subscription).toBe("terminated;reason=deactivated")
})

const users = ["alice", "bob", "monitor"].map((username) => ({ username, password: "secret" }))

scenario("users watch themselves, and third parties others: with their passwords", async ({ phone }) => {
  const asks = async (who: Phone): Promise<SipRequest> => {
    const request = who.asks("SUBSCRIBE", "bob", reg)
    return who.sends(who.withCredentials(request, await who.gets(407)))
  }
  for (const name of ["bob", "monitor"]) {
    const subscriber = await phone(name, { password: "secret" })
    await asks(subscriber)
    await subscriber.gets(200)
    expect((await isTold(subscriber)).head).toBe("0 full init")
  }
  const alice = await phone("alice", { password: "secret" })
  await asks(alice)
  await alice.gets(403)
  const eve = await phone("eve")
  eve.asks("SUBSCRIBE", "bob", { ...reg, From: "<sip:eve@elsewhere.test>;tag=1" })
  await eve.gets(403)
}, { config: { users, registration: { thirdParties: ["monitor"] } } })

for (const [what, changes, status] of [
  ["that wants another kind of document", { Accept: "text/plain" }, 406],
  ["for too short a time", { Expires: "5" }, 423],
  ["for a time that is none", { Expires: "soon" }, 400],
  ["without a Contact", { Contact: undefined }, 400],
  ["whose Contact is a number", { Contact: "<tel:+4930123>" }, 400],
] as const) {
  scenario(`a subscription ${what} is a ${status}`, async ({ phone }) => {
    const desk = await phone("desk", { user: "bob" })
    desk.asks("SUBSCRIBE", "bob", { ...reg, ...changes })
    await desk.gets(status)
  })
}

scenario("more subscriptions than a peer may keep are a 503 with Retry-After", async ({ phone }) => {
  const [desk, mobile] = [await phone("desk", { user: "bob" }), await phone("mobile", { user: "bob" })]
  await subscribes(desk)
  mobile.asks("SUBSCRIBE", "bob", reg)
  expect(Number((await mobile.gets(503)).headers.get("Retry-After"))).toBeGreaterThanOrEqual(5)
}, { config: { limits: { maxSubscriptions: 1 } } })

scenario("nobody takes the places of all: 32 subscriptions to one address are enough", async ({ phone }) => {
  const desk = await phone("desk", { user: "bob" })
  for (let each = 0; each < 32; each++) await subscribes(desk)
  desk.asks("SUBSCRIBE", "bob", reg)
  await desk.gets(503)
  await subscribes(desk, "alice")
})

scenario("a subscription while the location service is away is a 503 with Retry-After", async ({ stage, phone }) => {
  const desk = await phone("desk", { user: "bob" })
  await stage.servlet.leave()
  desk.asks("SUBSCRIBE", "bob", reg)
  expect(Number((await desk.gets(503)).headers.get("Retry-After"))).toBeGreaterThanOrEqual(5)
})

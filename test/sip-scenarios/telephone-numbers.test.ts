/** Telephone numbers as `tel` URIs (RFC 3966), and calls that are sent on to numbers. */
import { expect } from "vitest"
import type { PeerConfigInput } from "../../src/peer/config.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const users = ["alice", "bob", "2001", "+4930999"].map((username) => ({ username, password: "secret" }))
const gateways: NonNullable<PeerConfigInput["gateways"]> = [
  { domain: "example.org", prefix: "+", to: ["sip:gw.test"] },
  { domain: "example.org", prefix: "11", to: ["sip:gw.test"] },
]
const withGateways = { config: { users, gateways } }

interface Cast {
  readonly alice: Phone
  readonly bob: Phone
  readonly gateway: Phone
}

async function cast({ phone, registered, dns }: Scene): Promise<Cast> {
  const alice = await phone("alice", { password: "secret" })
  const bob = await registered("bob", { password: "secret" })
  const gateway = await phone("gateway")
  dns.zone = { "_sip._udp.gw.test": { SRV: [{ port: gateway.address.port, target: "host.test" }] }, "host.test": { A: ["127.0.0.1"] } }
  return { alice, bob, gateway }
}

const stranger = { From: "<sip:eve@elsewhere.test>;tag=1" }

for (const [tel, uri] of [
  ["tel:+49-30-123", "sip:+4930123@example.org;user=phone"],
  ["tel:112;phone-context=+49", "sip:112;phone-context=+49@example.org;user=phone"],
] as const) {
  scenario(`a user's call to ${tel} goes to the gateway as ${uri}`, async (scene) => {
    const { alice, gateway } = await cast(scene)
    await alice.callsWithPassword(tel)
    const invite = await gateway.gets("INVITE")
    expect(invite.uri).toBe(uri)
    expect(invite.headers.get("To")).toBe(`<${tel}>`)
    gateway.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await gateway.gets("ACK")
    alice.sends(alice.within(ok, "BYE"))
    gateway.answers(await gateway.gets("BYE"), 200)
    await alice.gets(200)
  }, withGateways)
}

for (const [number, tel] of [["+4930999", "tel:+49(30)999"], ["2001", "tel:2001;phone-context=example.org"]] as const) {
  scenario(`${tel} is the user whose name it is, for strangers as well`, async (scene) => {
    const { gateway } = await cast(scene)
    const desk = await scene.registered("desk", { user: number, password: "secret" })
    const eve = await scene.phone("eve")
    eve.asks("MESSAGE", tel, stranger)
    desk.answers(await desk.gets("MESSAGE"), 200)
    await eve.gets(200)
    expect(gateway.inbox).toEqual([])
  }, withGateways)
}

scenario("a user whose name is a number and who is away is a 480, and no number for the gateway", async (scene) => {
  const { alice, gateway } = await cast(scene)
  await alice.callsWithPassword("tel:+4930999")
  await alice.gets(480)
  expect(gateway.inbox).toEqual([])
}, withGateways)

scenario("a stranger's call to tel:+49-30-123 is a 404, and costs nobody money", async (scene) => {
  const { gateway } = await cast(scene)
  const eve = await scene.phone("eve")
  eve.calls("tel:+49-30-123", stranger)
  await eve.gets(404)
  expect(gateway.inbox).toEqual([])
}, withGateways)

scenario("a number that means nothing without its context, and what is no number, are a 400", async (scene) => {
  const { phone } = scene
  const alice = await phone("alice")
  for (const uri of ["tel:123", "tel:bob", "tel:+49x;phone-context=example.org"]) {
    alice.calls(uri)
    expect((await alice.gets(400)).reason).toBe("Malformed tel URI")
  }
})

for (const contact of ["<tel:+49-30-123>", "<sip:+4930123@example.org;user=phone>"]) {
  scenario(`a call that a phone sends on to ${contact} goes to the gateway for our users`, async (scene) => {
    const { alice, bob, gateway } = await cast(scene)
    await alice.callsWithPassword("bob")
    bob.answers(await bob.gets("INVITE"), 302, { Contact: contact })
    const invite = await gateway.gets("INVITE")
    expect(invite.uri).toBe("sip:+4930123@example.org;user=phone")
    gateway.answers(invite, 486)
    await alice.gets(486)
  }, withGateways)

  scenario(`a stranger is not sent on to ${contact}, and costs nobody money`, async (scene) => {
    const { bob, gateway } = await cast(scene)
    const eve = await scene.phone("eve")
    eve.calls("bob", stranger)
    bob.answers(await bob.gets("INVITE"), 302, { Contact: contact })
    await eve.getsFinal()
    expect(gateway.inbox).toEqual([])
  }, withGateways)
}

/** Next hops by configuration: which calls go to a gateway, and whose. */
import { expect } from "vitest"
import type { PeerConfigInput } from "../../src/peer/config.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const users = ["alice", "bob"].map((username) => ({ username, password: "secret" }))

/** `gw.test` is where a gateway listens; the port is in the DNS. */
const gateways: NonNullable<PeerConfigInput["gateways"]> = [
  { domain: "example.org", prefix: "+", to: ["sip:gw.test"] },
  { domain: "partner.test", to: ["sip:gw.test"] },
  { domain: "*", prefix: "00", to: ["sip:gw.test"] },
]
const withGateways = { config: { users, gateways } }

async function cast({ phone, dns }: Scene): Promise<[alice: Phone, gateway: Phone]> {
  const [alice, gateway] = [await phone("alice", { password: "secret" }), await phone("gateway")]
  dns.zone = { "_sip._udp.gw.test": { SRV: [{ port: gateway.address.port, target: "host.test" }] }, "host.test": { A: ["127.0.0.1"] } }
  return [alice, gateway]
}

for (const uri of ["sip:+4930123@example.org", "sip:carol@partner.test", "sip:004930123@anything.test"]) {
  scenario(`a user's call to ${uri} goes to the gateway as it is`, async (scene) => {
    const [alice, gateway] = await cast(scene)
    await alice.callsWithPassword(uri)
    const invite = await gateway.gets("INVITE")
    expect(invite.uri).toBe(uri)
    expect(invite.headers.has("Route")).toBe(false)
    gateway.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await gateway.gets("ACK")
    alice.sends(alice.within(ok, "BYE"))
    gateway.answers(await gateway.gets("BYE"), 200)
    await alice.gets(200)
  }, withGateways)
}

scenario("a stranger's call to a number is a 404, and costs nobody money", async (scene) => {
  const [, gateway] = await cast(scene)
  const eve = await scene.phone("eve")
  eve.calls("sip:+4930123@example.org", { From: "<sip:eve@elsewhere.test>;tag=1" })
  await eve.gets(404)
  eve.calls("sip:carol@partner.test", { From: "<sip:eve@elsewhere.test>;tag=1" })
  await eve.gets(403)
  expect(gateway.inbox).toEqual([])
}, withGateways)

scenario("a user of ours who is away is a 480 and no number", async (scene) => {
  const [alice] = await cast(scene)
  await alice.callsWithPassword("bob")
  await alice.gets(480)
}, withGateways)

scenario("what is neither user nor number is a 404", async (scene) => {
  const [alice] = await cast(scene)
  await alice.callsWithPassword("nobody")
  await alice.gets(404)
}, withGateways)

scenario("a user whose name is a number is called at his phone", async (scene) => {
  const [alice, gateway] = await cast(scene)
  const desk = await scene.registered("desk", { user: "+49301", password: "secret" })
  await alice.callsWithPassword("sip:+49301@example.org")
  desk.answers(await desk.gets("INVITE"), 486)
  await alice.gets(486)
  expect(gateway.inbox).toEqual([])
}, { config: { users: [...users, { username: "+49301", password: "secret" }], gateways } })

scenario("the longest prefix wins, and the second gateway stands in for the first", async (scene) => {
  const [alice, gateway] = await cast(scene)
  const [general, broken] = [await scene.phone("general"), await scene.phone("broken", { protocol: "TCP" })]
  await broken.unplug()
  const peer = await scene.stage.addPeer({
    users,
    gateways: [
      { domain: "example.org", prefix: "+", to: [`sip:127.0.0.1:${general.address.port}`] },
      { domain: "example.org", prefix: "+49", to: [`sip:127.0.0.1:${broken.address.port};transport=tcp`, `sip:127.0.0.1:${gateway.address.port}`] },
    ],
  })
  const invite = alice.request("INVITE", "sip:+4930123@example.org")
  alice.sends(invite, peer.addressFor("UDP"))
  alice.sends(alice.withCredentials(invite, await alice.gets(407)), peer.addressFor("UDP"))
  gateway.answers(await gateway.gets("INVITE"), 486)
  await alice.gets(486)
  expect(general.inbox).toEqual([])
}, withGateways)

scenario("a call from the gateway reaches our users", async (scene) => {
  const [, gateway] = await cast(scene)
  const bob = await scene.registered("bob", { password: "secret" })
  gateway.calls("bob", { From: "<sip:+4930123@gw.test>;tag=1" })
  bob.answers(await bob.gets("INVITE"), 486)
  await gateway.gets(486)
}, withGateways)

const trusting = (trusted: string[]) => ({ config: { users, gateways: [{ domain: "example.org", prefix: "+", to: ["sip:gw.test"], trusted }] } })
const inTheNameOf = (user: string) => ({ From: `<sip:${user}@example.org>;tag=1` })

scenario("a trusted gateway calls our users in the name of a number, and is not asked for a password", async (scene) => {
  const [, gateway] = await cast(scene)
  const bob = await scene.registered("bob", { password: "secret" })
  gateway.calls("bob", { ...inTheNameOf("+4930123"), "P-Asserted-Identity": "<tel:+4930456>, <sip:+4930789@example.org>, <sip:alice@example.org>" })
  const invite = await bob.gets("INVITE")
  expect(invite.headers.getAll("P-Asserted-Identity")).toEqual(["<tel:+4930456>", "<sip:+4930789@example.org>"])
  bob.answers(invite, 486)
  await gateway.gets(486)
}, trusting(["127.0.0.0/8"]))

scenario("a trusted gateway does not call in the name of our users", async (scene) => {
  const [, gateway] = await cast(scene)
  gateway.calls("bob", inTheNameOf("alice"))
  await gateway.gets(407)
}, trusting(["127.0.0.1"]))

scenario("from an address that is nobody's trusted gateway a number is asked for a password", async (scene) => {
  const [, gateway] = await cast(scene)
  gateway.calls("bob", inTheNameOf("+4930123"))
  await gateway.gets(407)
}, trusting(["192.0.2.0/24"]))

scenario("a trusted gateway is no way out: not back to gateways, not to other domains, not along Routes", async (scene) => {
  const [, gateway] = await cast(scene)
  const victim = await scene.phone("victim")
  gateway.calls("sip:+4940999@example.org", inTheNameOf("+4930123"))
  await gateway.gets(404)
  gateway.calls("sip:carol@partner.test", inTheNameOf("+4930123"))
  await gateway.gets(403)
  gateway.calls("bob", { ...inTheNameOf("+4930123"), Route: `<sip:127.0.0.1:${victim.address.port};lr>` })
  await gateway.gets(403)
  expect(victim.inbox).toEqual([])
}, trusting(["127.0.0.1"]))

scenario("a call of a trusted gateway is not redirected to other domains", async (scene) => {
  const [, gateway] = await cast(scene)
  const bob = await scene.registered("bob", { password: "secret" })
  gateway.calls("bob", inTheNameOf("+4930123"))
  bob.answers(await bob.gets("INVITE"), 302, { Contact: "<sip:carol@partner.test>" })
  await gateway.gets(302)
}, trusting(["127.0.0.1"]))

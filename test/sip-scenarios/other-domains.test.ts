/** Calls to other people's domains (RFC 3263), and who may make them. */
import { expect } from "vitest"
import type { Zone } from "../support/dns-server.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const users = [{ username: "alice", password: "secret" }, { username: "bob", password: "secret" }]
const withUsers = { config: { users } }
const carol = "sip:carol@carrier.test"

async function alicePhone({ phone }: Scene): Promise<Phone> {
  return phone("alice", { password: "secret" })
}

/** Servers of carrier.test as SRV records with rising priority. */
function served(...servers: readonly Phone[]): Zone {
  const SRV = servers.map(({ address }, priority) => ({ priority, port: address.port, target: "host.carrier.test" }))
  return { "_sip._udp.carrier.test": { SRV }, "host.carrier.test": { A: ["127.0.0.1"] } }
}

scenario("a user calls another domain, which is found by SRV, and hangs up", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier")]
  scene.dns.zone = served(carrier)
  await alice.callsWithPassword(carol)
  const invite = await carrier.gets("INVITE")
  expect(invite.uri).toBe(carol)
  carrier.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await carrier.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  carrier.answers(await carrier.gets("BYE"), 200)
  await alice.gets(200)
}, withUsers)

scenario("the other side hangs up a call to another domain", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier")]
  scene.dns.zone = served(carrier)
  await alice.callsWithPassword(carol)
  const invite = await carrier.gets("INVITE")
  carrier.answers(invite, 200)
  alice.acks(await alice.gets(200))
  await carrier.gets("ACK")
  carrier.sends(carrier.within(invite, "BYE"))
  alice.answers(await alice.gets("BYE"), 200)
  await carrier.gets(200)
}, withUsers)

scenario("a server that answers 503 makes way for the next one, and is tried last for half a minute", async (scene) => {
  const [alice, busy, well] = [await alicePhone(scene), await scene.phone("busy"), await scene.phone("well")]
  scene.dns.zone = served(busy, well)
  await alice.callsWithPassword(carol)
  busy.answers(await busy.gets("INVITE"), 503)
  well.answers(await well.gets("INVITE"), 486)
  await alice.gets(486)
  await alice.callsWithPassword(carol)
  well.answers(await well.gets("INVITE"), 486)
  await alice.gets(486)
  await scene.pass(30_000)
  await alice.callsWithPassword(carol)
  busy.answers(await busy.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("a server that says nothing makes way after four seconds", async (scene) => {
  const [alice, silent, well] = [await alicePhone(scene), await scene.phone("silent"), await scene.phone("well")]
  scene.dns.zone = served(silent, well)
  await alice.callsWithPassword(carol)
  await silent.gets("INVITE")
  await scene.pass(4000)
  well.answers(await well.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("a server that has answered 100 is waited for", async (scene) => {
  const [alice, slow, other] = [await alicePhone(scene), await scene.phone("slow"), await scene.phone("other")]
  scene.dns.zone = served(slow, other)
  await alice.callsWithPassword(carol)
  const invite = await slow.gets("INVITE")
  slow.answers(invite, 100)
  await scene.pass(60_000)
  slow.answers(invite, 480)
  await alice.gets(480)
  expect(other.inbox).toEqual([])
}, withUsers)

scenario("servers that cannot be connected to are passed over", async (scene) => {
  const alice = await alicePhone(scene)
  const [gone, well] = [await scene.phone("gone", { protocol: "TCP" }), await scene.phone("well", { protocol: "TCP" })]
  await gone.unplug()
  const { "_sip._udp.carrier.test": srv = {}, ...rest } = served(gone, well)
  scene.dns.zone = { "_sip._tcp.carrier.test": srv, ...rest }
  await alice.callsWithPassword(carol)
  well.answers(await well.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("NAPTR chooses TCP", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier", { protocol: "TCP" })]
  const { "_sip._udp.carrier.test": srv = {}, ...rest } = served(carrier)
  scene.dns.zone = { ...rest, "carrier.test": { NAPTR: [{ service: "SIP+D2T", replacement: "_sip._tcp.carrier.test" }] }, "_sip._tcp.carrier.test": srv }
  await alice.callsWithPassword(carol)
  carrier.answers(await carrier.gets("INVITE"), 486)
  await alice.gets(486)
}, withUsers)

scenario("a port in the URI needs only an address", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier")]
  scene.dns.zone = { "carrier.test": { A: ["127.0.0.1"] } }
  await alice.callsWithPassword(`sip:carol@carrier.test:${carrier.address.port}`)
  carrier.answers(await carrier.gets("INVITE"), 486)
  await alice.gets(486)
  expect(scene.dns.questions).toEqual(["A carrier.test"])
}, withUsers)

scenario("a domain that the DNS does not know is a 404", async (scene) => {
  const alice = await alicePhone(scene)
  await alice.callsWithPassword(carol)
  expect((await alice.gets(404)).reason).toBe("No Server For That Domain")
}, withUsers)

scenario("a DNS that does not answer is a 504, soon enough to tell the caller", async (scene) => {
  const alice = await alicePhone(scene)
  scene.dns.mood = "failing"
  await alice.callsWithPassword(carol)
  expect((await alice.gets(504)).reason).toBe("DNS Does Not Answer")
}, withUsers)

scenario("a domain whose only server says 503 is a 500", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier")]
  scene.dns.zone = served(carrier)
  await alice.callsWithPassword(carol)
  carrier.answers(await carrier.gets("INVITE"), 503)
  await alice.gets(500)
}, withUsers)

scenario("nobody else may call other domains through us", async (scene) => {
  const stranger = await scene.phone("stranger")
  stranger.calls(carol, { From: "<sip:eve@elsewhere.test>;tag=1" })
  expect((await stranger.gets(403)).reason).toBe("Not A Relay: Domain Not Served")
  expect(scene.dns.questions).toEqual([])
}, withUsers)

scenario("nobody else may name a next hop", async (scene) => {
  const [stranger, victim, bob] = [await scene.phone("stranger"), await scene.phone("victim"), await scene.registered("bob", { password: "secret" })]
  stranger.calls("bob", { From: "<sip:eve@elsewhere.test>;tag=1", Route: `<sip:127.0.0.1:${victim.address.port};lr>` })
  await stranger.gets(403)
  expect(bob.inbox).toEqual([])
}, withUsers)

scenario("a user may name a next hop", async (scene) => {
  const [alice, next] = [await alicePhone(scene), await scene.phone("next")]
  const route = `<sip:127.0.0.1:${next.address.port};lr>`
  await alice.callsWithPassword(carol, { Route: route })
  const invite = await next.gets("INVITE")
  expect(invite.headers.getAll("Route")).toEqual([route])
  next.answers(invite, 486)
  await alice.gets(486)
}, withUsers)

scenario("strangers reach our users without a password", async (scene) => {
  const [stranger, bob] = [await scene.phone("stranger"), await scene.registered("bob", { password: "secret" })]
  stranger.calls("bob", { From: "<sip:eve@elsewhere.test>;tag=1" })
  bob.answers(await bob.gets("INVITE"), 486)
  await stranger.gets(486)
}, withUsers)

scenario("without users nobody may call other domains", async ({ phone }) => {
  const alice = await phone("alice")
  alice.calls(carol)
  await alice.gets(403)
})

scenario("relayFor everybody lets anybody call other domains", async ({ phone, dns }) => {
  const [alice, carrier] = [await phone("alice"), await phone("carrier")]
  dns.zone = served(carrier)
  alice.calls(carol)
  carrier.answers(await carrier.gets("INVITE"), 486)
  await alice.gets(486)
}, { config: { calls: { relayFor: "everybody" } } })

scenario("relayFor nobody keeps users at home", async (scene) => {
  const alice = await alicePhone(scene)
  await alice.callsWithPassword(carol)
  await alice.gets(403)
}, { config: { users, calls: { relayFor: "nobody" } } })

scenario("the answers of the DNS are remembered for as long as they hold", async (scene) => {
  const [alice, carrier] = [await alicePhone(scene), await scene.phone("carrier")]
  scene.dns.zone = { "host.carrier.test": { A: ["127.0.0.1"], ttlSeconds: 30 } }
  const call = async (): Promise<number> => {
    await alice.callsWithPassword(`sip:carol@host.carrier.test:${carrier.address.port}`)
    carrier.answers(await carrier.gets("INVITE"), 486)
    await alice.gets(486)
    return scene.dns.questions.length
  }
  expect([await call(), await call()]).toEqual([1, 1])
  await scene.pass(30_000)
  expect(await call()).toBe(2)
}, withUsers)

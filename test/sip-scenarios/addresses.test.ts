/** IPv4 and IPv6, addresses that are advertised, connections that are used again. */
import { expect } from "vitest"
import { scenario } from "./scenario.ts"

const dual = { config: { sip: ["udp:127.0.0.1:0", "udp:[::1]:0", "tcp:127.0.0.1:0", "tcp:[::1]:0"] } }
const six = { config: { sip: ["udp:[::1]:0", "tcp:[::1]:0"] } }
const advertised = { config: { sip: ["udp:127.0.0.1:0;advertise=sip.example.net:5099", "tcp:127.0.0.1:0;advertise=[2001:db8::5]:5098"] } }

for (const protocol of ["UDP", "TCP"] as const) {
  scenario(`phones call each other over IPv6 and ${protocol}`, async ({ phone, registered }) => {
    const [alice, bob] = [await phone("alice", { host: "::1", protocol }), await registered("bob", { host: "::1", protocol })]
    alice.calls("bob")
    const invite = await bob.gets("INVITE")
    expect(invite.headers.getAll("Record-Route").every((route) => route.includes("@[::1]:"))).toBe(true)
    bob.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await bob.gets("ACK")
    alice.sends(alice.within(ok, "BYE"))
    bob.answers(await bob.gets("BYE"), 200)
    await alice.gets(200)
  }, six)
}

scenario("a phone at a peer that has only IPv6 calls one at a peer that has only IPv4", async ({ stage, phone }) => {
  const four = await stage.addPeer()
  const [alice, bob] = [await phone("alice", { host: "::1" }), await phone("bob", { peer: four })]
  await bob.registers()
  alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  alice.sends(alice.within(ok, "BYE"))
  bob.answers(await bob.gets("BYE"), 200)
  await alice.gets(200)
}, six)

scenario("a peer with both families speaks to each phone in its own", async ({ peer, phone }) => {
  const udp = peer.edge.addresses.filter((address) => address.startsWith("udp:"))
  const [, sixth = ""] = udp.map((address) => address.slice("udp:".length))
  const bob = await phone("bob", { host: "::1" })
  const port = Number(sixth.slice(sixth.lastIndexOf(":") + 1))
  bob.sends(bob.registration(), { host: "::1", port })
  await bob.gets(200)
  const alice = await phone("alice")
  alice.asks("MESSAGE", "bob")
  const message = await bob.gets("MESSAGE")
  expect(message.headers.getAll("Via")[0]).toContain("SIP/2.0/UDP [::1]:")
  bob.answers(message, 200)
  await alice.gets(200)
  await bob.unplug()
}, dual)

scenario("what a listener advertises stands in Via, Record-Route and nowhere the address that is bound", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob", { protocol: "TCP" })]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  const [inner, outer] = invite.headers.getAll("Record-Route")
  expect(invite.headers.getAll("Via")[0]).toContain("SIP/2.0/TCP [2001:db8::5]:5098;")
  expect(inner).toContain("@[2001:db8::5]:5098;transport=tcp;lr>")
  expect(outer).toContain("@sip.example.net:5099;transport=udp;lr>")
  bob.answers(invite, 486)
  await alice.gets(486)
}, advertised)

scenario("requests along an advertised address are ours", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob")]
  alice.asks("MESSAGE", "bob", { Route: "<sip:sip.example.net:5099;lr>" })
  const message = await bob.gets("MESSAGE")
  expect(message.headers.has("Route")).toBe(false)
  bob.answers(message, 200)
  await alice.gets(200)
}, advertised)

scenario("a phone on TCP is called on its connection, whatever address its contact names", async ({ phone, stage }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob", { protocol: "TCP" })]
  await bob.registers({ Contact: "<sip:bob@192.0.2.99:5060;transport=tcp>" })
  alice.asks("MESSAGE", "bob")
  bob.answers(await bob.gets("MESSAGE"), 200)
  await alice.gets(200)
  expect(stage.runtime.metrics.count("p2psip_sip_transport_closed_total", { protocol: "TCP", reason: "connect-timeout" })).toBe(0)
})

scenario("a phone on UDP behind NAT is called where it registered from, whatever address its contact names", async ({ phone }) => {
  const [alice, bob] = [await phone("alice"), await phone("bob")]
  await bob.registers({ Contact: "<sip:bob@192.0.2.99:5060>" })
  alice.asks("MESSAGE", "bob")
  bob.answers(await bob.gets("MESSAGE"), 200)
  await alice.gets(200)
})

scenario("one connection carries calls in both directions", async ({ registered }) => {
  const [alice, bob] = [await registered("alice", { protocol: "TCP" }), await registered("bob", { protocol: "TCP" })]
  alice.asks("MESSAGE", "bob")
  const first = await bob.gets("MESSAGE")
  const flow = bob.lastFlow?.key
  bob.answers(first, 200)
  await alice.gets(200)
  bob.asks("MESSAGE", "alice")
  alice.answers(await alice.gets("MESSAGE"), 200)
  await bob.gets(200)
  expect(bob.lastFlow?.key).toBe(flow)
})

scenario("received and rport tell a phone where it is seen (RFC 3581)", async ({ phone }) => {
  const alice = await phone("alice")
  const request = alice.registration()
  request.headers.set("Via", "SIP/2.0/UDP 10.1.2.3:9;branch=z9hG4bKnat;rport")
  alice.sends(request)
  const { params } = (await alice.gets(200)).via ?? { params: undefined }
  expect([params?.get("received"), params?.get("rport")]).toEqual(["127.0.0.1", String(alice.address.port)])
})

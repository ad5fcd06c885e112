/** Client-initiated connections (RFC 5626): several flows of one phone, and what happens when one ends. */
import { expect } from "vitest"
import { formatHostPort } from "../../src/sip/transport/index.ts"
import type { HeaderChanges } from "./phone-settings.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'
const flow = (flowNumber: number) => ({ user: "bob", protocol: "TCP", contactParameters: `;reg-id=${flowNumber};${instance}` }) as const
const outbound = { Supported: "path, outbound" }

/** Two connections of one phone, each with its registration. */
async function twoFlows({ phone }: Scene): Promise<[first: Phone, second: Phone]> {
  const first = await phone("first", flow(1))
  await first.registers(outbound)
  const second = await phone("second", flow(2))
  await second.registers(outbound)
  return [first, second]
}

/** Who gets a request of alice's for bob. */
async function asked({ stage }: Scene, alice: Phone, phones: readonly Phone[]): Promise<string[]> {
  alice.asks("MESSAGE", "bob")
  for (let round = 0; round < 10 && phones.every(({ inbox }) => inbox.length === 0); round++) await stage.settle()
  const taker = phones.filter(({ inbox }) => inbox.length > 0)
  for (const each of taker) each.answers(await each.gets("MESSAGE"), 200)
  await alice.gets(200)
  return taker.map(({ name }) => name)
}

scenario("the phone is told that its flow counts, and how often to use it", async ({ phone }) => {
  const answer = await (await phone("bob", flow(1))).registers(outbound)
  expect(answer.headers.get("Require")).toBe("outbound")
  expect(answer.headers.get("Flow-Timer")).toBe("120")
  expect(answer.headers.getAll("Path")[0]).toMatch(/;lr;ob>$/)
})

scenario("a phone that knows nothing of it is told nothing of it", async ({ phone }) => {
  const { headers } = await (await phone("bob", flow(1))).registers()
  expect([headers.has("Require"), headers.has("Flow-Timer")]).toEqual([false, false])
})

scenario("the Flow-Timer is the configuration's, or none", async ({ phone }) => {
  expect((await (await phone("bob", flow(1))).registers(outbound)).headers.has("Flow-Timer")).toBe(false)
}, { config: { registration: { flowTimerSeconds: 0 } } })

scenario("a phone with two flows gets each request once", async (scene) => {
  const phones = await twoFlows(scene)
  const alice = await scene.phone("alice")
  expect(await asked(scene, alice, phones)).toHaveLength(1)
})

scenario("when the flow in use ends, the other one serves", async (scene) => {
  const phones = await twoFlows(scene)
  const alice = await scene.phone("alice")
  const [used] = await asked(scene, alice, phones)
  await phones.find(({ name }) => name === used)?.unplug()
  const left = phones.filter(({ name }) => name !== used)
  expect(await asked(scene, alice, left)).toEqual(left.map(({ name }) => name))
})

scenario("when all flows have ended the phone is not there", async (scene) => {
  const phones = await twoFlows(scene)
  const alice = await scene.phone("alice")
  for (const each of phones) await each.unplug()
  await alice.ping()
  alice.asks("MESSAGE", "bob")
  await alice.gets(480)
}, { config: { calls: { directFallback: false } } })

scenario("a flow at another peer serves when this one's ends", async (scene) => {
  const { stage, phone } = scene
  const here = await phone("here", flow(1))
  await here.registers(outbound)
  const there = await phone("there", { ...flow(2), peer: await stage.addPeer() })
  await there.registers(outbound)
  await here.unplug()
  const alice = await phone("alice")
  await alice.ping()
  expect(await asked(scene, alice, [there])).toEqual(["there"])
})

scenario("a flow that is registered again from a new connection replaces the old one", async (scene) => {
  const { phone } = scene
  const before = await phone("before", flow(1))
  await before.registers(outbound)
  const after = await phone("after", flow(1))
  const answer = await after.registers(outbound)
  expect(answer.headers.getAll("Contact")).toHaveLength(1)
  expect(await asked(scene, await phone("alice"), [before, after])).toEqual(["after"])
})

scenario("two phones of one user are both asked, whatever flows they have", async ({ phone }) => {
  const [desk, mobile] = [await phone("desk", flow(1)), await phone("mobile", { user: "bob", contactParameters: ';reg-id=1;+sip.instance="<urn:uuid:2>"' })]
  await desk.registers(outbound)
  await mobile.registers(outbound)
  const alice = await phone("alice")
  alice.calls("bob")
  const [first, second] = [await desk.gets("INVITE"), await mobile.gets("INVITE")]
  desk.answers(first, 486)
  mobile.answers(second, 486)
  await alice.gets(486)
})

scenario("two flows cannot be registered in one request", async ({ phone }) => {
  const bob = await phone("bob", flow(1))
  const Contact = [1, 2].map((flowNumber) => `<${bob.contact}>;reg-id=${flowNumber};${instance}`)
  expect((await bob.registers({ ...outbound, Contact })).status).toBe(400)
})

scenario("behind a proxy that keeps no flows, whoever insists is told so", async ({ phone }) => {
  const bob = await phone("bob", flow(1))
  const request = bob.registration(outbound)
  request.headers.append("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKphone")
  bob.sends(request)
  expect((await bob.gets(439)).reason).toBe("First Hop Lacks Outbound Support")
})

scenario("behind a proxy that keeps flows, they count", async ({ phone }) => {
  const edge = await phone("edge", flow(1))
  const request = edge.registration({ ...outbound, Path: "<sip:flow1@edge.example.com;lr;ob>" })
  request.headers.append("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKphone")
  edge.sends(request)
  const answer = await edge.gets(200)
  expect(answer.headers.get("Require")).toBe("outbound")
  expect(answer.headers.has("Flow-Timer")).toBe(false)
})

for (const flowNumber of ["0", "x", "2147483648"]) {
  scenario(`a reg-id of ${flowNumber} is a 400`, async ({ phone }) => {
    const bob = await phone("bob", { user: "bob", contactParameters: `;reg-id=${flowNumber};${instance}` })
    expect((await bob.registers(outbound)).status).toBe(400)
  })
}

scenario("a request along a Path that nobody gave is a 403", async ({ peer, phone }) => {
  const alice = await phone("alice")
  const { host, port } = peer.addressFor("UDP")
  alice.asks("MESSAGE", "bob", { Route: `<sip:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@${host}:${port};lr>` })
  await alice.gets(403)
})

scenario("a call in which a connection breaks ends for both sides", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob", { protocol: "TCP" })]
  alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  await bob.unplug()
  await alice.ping()
  alice.sends(alice.within(ok, "BYE"))
  expect((await alice.getsFinal()).status).toBeGreaterThanOrEqual(400)
})

/** A call over the Routes that the phone has; it must come out at the callee without them. */
async function callsAlong(route: string, caller: Phone, callee: Phone): Promise<void> {
  caller.calls("carol", { Route: route })
  const invite = await callee.gets("INVITE")
  expect(invite.headers.has("Route")).toBe(false)
  callee.answers(invite, 486)
  await caller.gets(486)
}

scenario("a phone with flows learns the route through the peer that holds this one, and calls along it", async ({ phone, registered }) => {
  const [carol, bob] = [await registered("carol"), await phone("bob", flow(1))]
  const { headers } = await bob.registers(outbound)
  const { host, port } = bob.home.addressFor("TCP")
  expect(headers.getAll("Service-Route")).toEqual([`<sip:${host}:${port};transport=tcp;lr>`])
  await callsAlong(headers.get("Service-Route") ?? "", bob, carol)
})

scenario("each peer names itself, whichever flow of the phone it holds", async ({ stage, phone }) => {
  const [here, there] = [await phone("here", flow(1)), await phone("there", { ...flow(2), peer: await stage.addPeer() })]
  const [first, second] = [await here.registers(outbound), await there.registers(outbound)]
  expect(second.headers.get("Service-Route")).toContain(`:${there.home.addressFor("TCP").port};`)
  expect(second.headers.get("Service-Route")).not.toBe(first.headers.get("Service-Route"))
})

scenario("phones without flows, or behind another proxy, get no route of their own", async ({ phone }) => {
  expect((await (await phone("alice")).registers({ Supported: "path" })).headers.has("Service-Route")).toBe(false)
  const edge = await phone("edge", flow(1))
  const request = edge.registration({ ...outbound, Path: "<sip:flow1@edge.example.com;lr;ob>" })
  request.headers.append("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKphone")
  edge.sends(request)
  expect((await edge.gets(200)).headers.has("Service-Route")).toBe(false)
})

scenario("a phone that takes its own Path for its route calls as well, and is not called itself", async ({ phone, registered }) => {
  const [carol, bob] = [await registered("carol"), await phone("bob", flow(1))]
  const { headers } = await bob.registers(outbound)
  await callsAlong(headers.getAll("Path")[0] ?? "", bob, carol)
})

scenario("a preloaded route opens no way to others", async ({ phone }) => {
  const [bob, victim] = [await phone("bob", { ...flow(1), password: "secret" }), await phone("victim")]
  const { headers } = await bob.registers(outbound)
  const eve = await phone("eve")
  const Route = [headers.get("Service-Route") ?? "", `<sip:127.0.0.1:${victim.address.port};lr>`]
  eve.asks("MESSAGE", "bob", { From: "<sip:eve@elsewhere.test>;tag=1", Route })
  await eve.gets(403)
  expect(victim.inbox).toEqual([])
}, { config: { users: [{ username: "bob", password: "secret" }] } })

for (const [protocol, seconds] of [["UDP", "30"], ["TCP", "120"]] as const) {
  scenario(`a phone on ${protocol} that asks whether it may keep its way open is told how often (RFC 6223)`, async ({ phone, registered }) => {
    const alice = await phone("alice", { protocol })
    const bob = await registered("bob")
    const via = (branch: string, more: string): HeaderChanges => ({ Via: `SIP/2.0/${protocol} ${formatHostPort(alice.address)};branch=z9hG4bK${branch};rport${more}` })
    expect((await alice.registers(via("asks", ";keep"))).via?.params.get("keep")).toBe(seconds)
    expect((await alice.registers({ ...via("no", ""), "Call-ID": "no" })).via?.params.has("keep")).toBe(false)
    alice.calls("bob", via("call", ";keep"))
    const invite = await bob.gets("INVITE")
    expect(invite.via?.params.has("keep")).toBe(false)
    bob.answers(invite, 486)
    expect((await alice.gets(486)).via?.params.get("keep")).toBe(seconds)
  })
}

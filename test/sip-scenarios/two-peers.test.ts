/** Phones at different peers: bindings name the peer that holds the flow, and SIP travels between the peers. */
import { expect } from "vitest"
import { formatHostPort, isOverlayHost } from "../../src/sip/transport/index.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"
import type { StagePeer } from "./stage.ts"

/** The Via of a phone that does not know where it is seen. */
const behindNat = "SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKnat;rport"

interface Cast {
  readonly alice: Phone
  readonly bob: Phone
  readonly second: StagePeer
}

/** Bob's phone is at the second peer. */
async function cast({ stage, phone, registered }: Scene, protocol: "UDP" | "TCP" = "UDP"): Promise<Cast> {
  const second = await stage.addPeer()
  return { second, alice: await phone("alice"), bob: await registered("bob", { peer: second, protocol }) }
}

for (const protocol of ["UDP", "TCP"] as const) {
  scenario(`a call enters at one peer, the phone is at another, over ${protocol}`, async (scene) => {
    const { alice, bob } = await cast(scene, protocol)
    alice.calls("bob")
    const invite = await bob.gets("INVITE")
    expect(invite.headers.getAll("Via")).toHaveLength(3)
    bob.answers(invite, 200)
    const ok = await alice.gets(200)
    alice.acks(ok)
    await bob.gets("ACK")
    alice.sends(alice.within(ok, "BYE"))
    bob.answers(await bob.gets("BYE"), 200)
    await alice.gets(200)
  })
}

scenario("the callee at the other peer hangs up", async (scene) => {
  const { alice, bob } = await cast(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  alice.acks(await alice.gets(200))
  await bob.gets("ACK")
  bob.sends(bob.within(invite, "BYE"))
  alice.answers(await alice.gets("BYE"), 200)
  await bob.gets(200)
})

scenario("a CANCEL crosses the overlay", async (scene) => {
  const { alice, bob } = await cast(scene)
  const sent = alice.calls("bob")
  bob.answers(await bob.gets("INVITE"), 180)
  await alice.gets(180)
  await alice.cancels(sent, { Reason: "SIP;cause=600" })
  const cancel = await bob.gets("CANCEL")
  expect(cancel.headers.get("Reason")).toBe("SIP;cause=600")
  bob.obeys(cancel)
  await alice.gets(487)
})

scenario("phones of one user at two peers ring together", async (scene) => {
  const { alice, bob } = await cast(scene)
  const near = await scene.registered("bob at home", { user: "bob" })
  alice.calls("bob")
  const [here, there] = [await near.gets("INVITE"), await bob.gets("INVITE")]
  near.answers(here, 180)
  bob.answers(there, 180)
  await alice.gets(180)
  await alice.gets(180)
  bob.answers(there, 200)
  alice.acks(await alice.gets(200))
  await bob.gets("ACK")
  near.obeys(await near.gets("CANCEL"))
})

scenario("the Record-Route between peers is the peer's name in the overlay", async (scene) => {
  const { alice, bob } = await cast(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  const hosts = invite.headers.getAll("Record-Route").map((route) => /@([^:;>]+)/.exec(route)?.[1] ?? "")
  expect(hosts.filter(isOverlayHost)).toHaveLength(2)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("when the phone's connection to its peer has gone and nobody listens there, the caller gets 480", async (scene) => {
  const { alice, bob } = await cast(scene, "TCP")
  await bob.unplug()
  await scene.stage.settle()
  alice.calls("bob")
  await alice.gets(480)
})

scenario("a phone whose peer has died is tried at its own address after two seconds of silence", async (scene) => {
  const { alice, bob, second } = await cast(scene)
  await second.stop()
  alice.calls("bob")
  await scene.pass(2000)
  const invite = await bob.gets("INVITE")
  expect(invite.headers.getAll("Via")).toHaveLength(2)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a phone behind NAT is asked every 25 s whether it is there, by the peer that holds its flow and no other", async (scene) => {
  const second = await scene.stage.addPeer()
  const bob = await scene.phone("bob", { peer: second })
  expect((await bob.registers({ Via: behindNat })).status).toBe(200)
  await scene.pass(24_000)
  expect(bob.inbox).toEqual([])
  await scene.pass(1_000)
  for (let round = 0; round < 3; round++) {
    const question = await bob.gets("OPTIONS")
    expect([question.uri, question.via?.sentBy]).toEqual([bob.contact, formatHostPort(second.addressFor("UDP"))])
    bob.answers(question, 200)
    await scene.pass(25_000)
  }
  await bob.gets("OPTIONS")
})

scenario("a phone behind NAT that never answers is asked three times, and again when it has registered again", async ({ phone, pass }) => {
  const bob = await phone("bob")
  for (const cseq of [1, 2]) {
    expect((await bob.registers({ Via: behindNat.replace("nat", `nat${cseq}`), CSeq: `${cseq} REGISTER`, "Call-ID": "bob" })).status).toBe(200)
    await pass(300_000)
    for (let round = 0; round < 3; round++) await bob.gets("OPTIONS")
  }
})

for (const [who, changes] of [
  ["is not behind NAT", {}],
  ["keeps its way open itself (RFC 5626)", { Via: behindNat, Supported: "outbound", Contact: '<sip:bob@192.168.1.2>;reg-id=1;+sip.instance="<urn:uuid:1>"' }],
  ["asks whether it may keep its way open (RFC 6223)", { Via: `${behindNat};keep` }],
] as const) {
  scenario(`a phone that ${who} is not asked whether it is there`, async ({ phone, pass }) => {
    const bob = await phone("bob")
    expect((await bob.registers(changes)).status).toBe(200)
    await pass(60_000)
    expect(bob.absorbed).toEqual([])
  })
}

scenario("a phone behind NAT is asked as long as its registration lasts, or until it takes it back", async ({ phone, pass }) => {
  const [bob, carol] = [await phone("bob"), await phone("carol")]
  expect((await bob.registers({ Via: behindNat, Expires: "60" })).status).toBe(200)
  expect((await carol.registers({ Via: behindNat })).status).toBe(200)
  for (let round = 0; round < 2; round++) {
    await pass(25_000)
    for (const asked of [bob, carol]) asked.answers(await asked.gets("OPTIONS"), 200)
  }
  expect((await carol.registers({ Via: behindNat.replace("nat", "again"), Expires: "0" })).status).toBe(200)
  await pass(100_000)
})

scenario("with natKeepAliveSeconds 0 nobody is asked", async ({ phone, pass }) => {
  const bob = await phone("bob")
  expect((await bob.registers({ Via: behindNat })).status).toBe(200)
  await pass(60_000)
}, { config: { registration: { natKeepAliveSeconds: 0 } } })

scenario("a phone that has moved to another peer is called there alone", async (scene) => {
  const { alice, bob } = await cast(scene)
  const moved = await scene.registered("bob, moved", { user: "bob" })
  // The old phone takes its contact back, at the peer that it knows.
  expect((await bob.registers({ Contact: `<${bob.contact}>;expires=0`, "Call-ID": "again" })).status).toBe(200)
  alice.calls("bob")
  moved.answers(await moved.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a location service that is away is a 503 with Retry-After", async (scene) => {
  const { alice } = await cast(scene)
  await scene.stage.servlet.leave()
  alice.calls("bob")
  expect(Number((await alice.gets(503)).headers.get("Retry-After"))).toBeGreaterThanOrEqual(5)
})

scenario("what a phone says of itself is known at every peer: parameters, q, Path", async (scene) => {
  const { stage, phone } = scene
  const second = await stage.addPeer()
  const parameters = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";methods="INVITE, MESSAGE";audio;x-key="a b;c"'
  const bob = await phone("bob", { peer: second, contactParameters: `${parameters};q=0.3` })
  expect((await bob.registers({ Path: "<sip:proxy.test;lr>", Supported: "path" })).status).toBe(200)
  // The same user asks at another peer.
  const other = await phone("other", { user: "bob" })
  const { headers } = await other.registers({ Contact: undefined, Supported: "path" })
  const [contact = ""] = headers.getAll("Contact")
  expect(contact.startsWith(`<${bob.contact}>`)).toBe(true)
  for (const parameter of [...parameters.slice(1).matchAll(/[^;"]+(?:="[^"]*")?/g)].map(([text]) => text)) expect(contact).toContain(parameter)
  expect(contact).toContain("q=0.3")
})

/** Route and Record-Route, loops and spirals, hops (RFC 3261 §16.3 to §16.6; RFC 5393; RFC 5658). */
import { expect } from "vitest"
import { formatHostPort } from "../../src/sip/transport/index.ts"
import type { Phone } from "./phone.ts"
import { scenario, type Scene } from "./scenario.ts"

async function aliceAndBob({ phone, registered }: Scene): Promise<[Phone, Phone]> {
  return [await phone("alice"), await registered("bob")]
}

/** Our own address as a Route. */
function ownRoute({ peer }: Scene, parameters = ";lr"): string {
  return `<sip:${formatHostPort(peer.addressFor("UDP"))}${parameters}>`
}

scenario("both sides get two Record-Routes, each with a token and lr", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  const routes = invite.headers.getAll("Record-Route")
  expect(routes).toHaveLength(2)
  for (const route of routes) expect(route).toMatch(/^<sip:d\.[\w-]+@127\.0\.0\.1:\d+;transport=udp;lr>$/)
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  expect(ok.headers.getAll("Record-Route")).toEqual(routes)
  alice.acks(ok)
  await bob.gets("ACK")
})

scenario("no Record-Route for what makes no dialog", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.asks("MESSAGE", "bob")
  const message = await bob.gets("MESSAGE")
  expect(message.headers.has("Record-Route")).toBe(false)
  bob.answers(message, 200)
  await alice.gets(200)
})

scenario("from UDP to TCP each side's Record-Route names its own transport", async ({ phone, registered }) => {
  const [alice, bob] = [await phone("alice"), await registered("bob", { protocol: "TCP" })]
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  const [toBob, toAlice] = invite.headers.getAll("Record-Route")
  expect(toBob).toContain(";transport=tcp")
  expect(toAlice).toContain(";transport=udp")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  bob.sends(bob.within(invite, "BYE"))
  alice.answers(await alice.gets("BYE"), 200)
  await bob.gets(200)
})

scenario("a phone that names us as its outbound proxy in a Route is served", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob", { Route: ownRoute(scene) })
  const invite = await bob.gets("INVITE")
  expect(invite.headers.has("Route")).toBe(false)
  bob.answers(invite, 486)
  await alice.gets(486)
})

scenario("a phone that names our domain in a Route is served, even twice", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob", { Route: ["<sip:example.org;lr>", ownRoute(scene)] })
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
})

scenario("a phone that names us a thousand times is served all the same", async (scene) => {
  const [alice, bob] = [await scene.phone("alice", { protocol: "TCP" }), await scene.registered("bob")]
  alice.asks("MESSAGE", "bob", { Route: Array.from({ length: 1000 }, () => "<sip:example.org;lr>").join(",") })
  const message = await bob.gets("MESSAGE")
  expect(message.headers.has("Route")).toBe(false)
  bob.answers(message, 200)
  await alice.gets(200)
})

scenario("a strict router before us is understood: our Record-Route as Request-URI, the target as the last Route", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  const bye = alice.within(ok, "BYE")
  const [first = "", ...rest] = bye.headers.getAll("Route")
  bye.headers.remove("Route")
  bye.headers.append("Route", [...rest, `<${bye.uri}>`].join(", "))
  bye.uri = first.slice(1, -1)
  alice.sends(bye)
  const arrived = await bob.gets("BYE")
  expect(arrived.uri).toBe(bob.contact)
  expect(arrived.headers.has("Route")).toBe(false)
  bob.answers(arrived, 200)
  await alice.gets(200)
})

scenario("a strict router behind us gets its own URI as Request-URI", async (scene) => {
  const [alice, router] = [await scene.phone("alice", { password: "secret" }), await scene.phone("router")]
  const uri = `sip:${formatHostPort(router.address)}`
  await alice.callsWithPassword("sip:carol@carrier.test", { Route: `<${uri}>` })
  const invite = await router.gets("INVITE")
  expect(invite.uri).toBe(uri)
  expect(invite.headers.getAll("Route")).toEqual(["<sip:carol@carrier.test>"])
  router.answers(invite, 486)
  await alice.gets(486)
}, { config: { users: [{ username: "alice", password: "secret" }] } })

scenario("maddr that is us means the host beside it, ours or another", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  const carrier = await scene.phone("carrier")
  const { host, port } = scene.peer.addressFor("UDP")
  alice.calls(`sip:bob@example.org:${port};maddr=${host};transport=udp`)
  bob.answers(await bob.gets("INVITE"), 486)
  await alice.gets(486)
  scene.dns.zone = { "_sip._udp.carrier.test": { SRV: [{ port: carrier.address.port, target: "host.test" }] }, "host.test": { A: ["127.0.0.1"] } }
  alice.calls(`sip:carol@carrier.test:${port};maddr=${host};transport=udp`)
  const invite = await carrier.gets("INVITE")
  expect(invite.uri).toBe("sip:carol@carrier.test")
  carrier.answers(invite, 486)
  await alice.gets(486)
}, { config: { calls: { relayFor: "everybody" } } })

scenario("a loop is found when the request comes back as it was", async (scene) => {
  const alice = await scene.phone("alice")
  // Bob's phone is the proxy itself: his own name again.
  const trickster = await scene.phone("trickster", { user: "bob" })
  expect((await trickster.registers({ Contact: `<sip:bob@${formatHostPort(scene.peer.addressFor("UDP"))}>` })).status).toBe(200)
  alice.calls("bob")
  // It returns to the proxy along the trickster's flow, or by the contact's own address; either way it does not turn for ever.
  await scene.stage.settle()
  for (const summary of [...trickster.inbox]) {
    const invite = await trickster.gets("INVITE")
    expect(summary).toContain("INVITE")
    trickster.answers(invite, 482)
  }
  await alice.gets(482)
})

scenario("a domain that is not ours and whose servers are we is a loop, found at once", async (scene) => {
  const alice = await scene.phone("alice")
  const { port } = scene.peer.addressFor("UDP")
  scene.dns.zone = { "_sip._udp.carrier.test": { SRV: [{ port, target: "host.test" }] }, "host.test": { A: ["127.0.0.1"] } }
  alice.calls("sip:carol@carrier.test")
  await alice.gets(482)
}, { config: { calls: { relayFor: "everybody" } } })

scenario("a request that a phone sends back to us unchanged is a loop", async (scene) => {
  const [alice, mirror] = [await scene.phone("alice"), await scene.registered("mirror")]
  alice.calls("mirror")
  const invite = await mirror.gets("INVITE")
  const back = invite.clone()
  back.uri = mirror.uri
  back.headers.prepend("Via", `SIP/2.0/UDP ${formatHostPort(mirror.address)};branch=z9hG4bKmirror`)
  mirror.sends(back.toString())
  await mirror.gets(482)
  mirror.answers(invite, 482)
  await alice.gets(482)
})

scenario("a request that comes back for somebody else is a spiral, and goes on", async (scene) => {
  const [alice, mirror, bob] = [await scene.phone("alice"), await scene.registered("mirror"), await scene.registered("bob")]
  alice.calls("mirror")
  const invite = await mirror.gets("INVITE")
  const back = invite.clone()
  back.uri = bob.uri
  back.headers.prepend("Via", `SIP/2.0/UDP ${formatHostPort(mirror.address)};branch=z9hG4bKspiral`)
  mirror.sends(back.toString())
  const spiral = await bob.gets("INVITE")
  expect(spiral.headers.getAll("Via")).toHaveLength(4)
  expect(spiral.maxForwards).toBe(68)
  bob.answers(spiral, 486)
  await mirror.gets(486)
  mirror.answers(invite, 486)
  await alice.gets(486)
  // The refusal of the mirror's copy is acknowledged by its transaction layer, which a script has not.
  mirror.sends(mirror.request("ACK", bob.uri, { Via: back.headers.get("Via"), From: back.headers.get("From"), To: `${back.headers.get("To")};tag=${bob.tag}`, "Call-ID": back.callId }).toString())
})

scenario("each hop counts, and a request without Max-Forwards gets 70", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  for (const [given, expected] of [["70", 69], ["1", 0], ["255", 254], [undefined, 70]] as const) {
    alice.asks("MESSAGE", "bob", { "Max-Forwards": given })
    const message = await bob.gets("MESSAGE")
    expect(message.maxForwards).toBe(expected)
    bob.answers(message, 200)
    await alice.gets(200)
  }
})

scenario("with no hops left a request goes no further", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  alice.calls("bob", { "Max-Forwards": "0" })
  await alice.gets(483)
})

scenario("OPTIONS with no hops left asks the proxy itself, and is answered", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  alice.asks("OPTIONS", "sip:example.org", { "Max-Forwards": "0" })
  await alice.gets(200)
})

scenario("an extension that the proxy should have and has not is named in a 420", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  alice.calls("bob", { "Proxy-Require": "sec-agree, x-unheard" })
  expect((await alice.gets(420)).headers.getAll("Unsupported")).toEqual(["sec-agree", "x-unheard"])
})

scenario("an extension that the phone should have is the phone's business", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob", { Require: "x-unheard" })
  bob.answers(await bob.gets("INVITE"), 420, { Unsupported: "x-unheard" })
  expect((await alice.gets(420)).headers.get("Unsupported")).toBe("x-unheard")
})

scenario("a Route token of somebody else's making is refused", async (scene) => {
  const [alice] = await aliceAndBob(scene)
  const host = formatHostPort(scene.peer.addressFor("UDP"))
  alice.calls("bob", { Route: `<sip:AAAAAAAAAAAAAAAAAAAAAAAA@${host};lr>` })
  await alice.gets(403)
})

scenario("a token of one dialog opens no other", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob")
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  const ok = await alice.gets(200)
  alice.acks(ok)
  await bob.gets("ACK")
  const stolen = alice.within(ok, "MESSAGE", { "Call-ID": "another" })
  stolen.uri = "sip:victim@127.0.0.1:9"
  alice.sends(stolen)
  await alice.gets(403)
})

scenario("a BYE finds a phone whose Contact is nonsense, along the flow", async (scene) => {
  const [alice, bob] = await aliceAndBob(scene)
  alice.calls("bob", { Contact: "<sip:alice@phone.invalid>" })
  const invite = await bob.gets("INVITE")
  bob.answers(invite, 200)
  alice.acks(await alice.gets(200))
  await bob.gets("ACK")
  bob.sends(bob.within(invite, "BYE"))
  const bye = await alice.gets("BYE")
  expect(bye.uri).toBe("sip:alice@phone.invalid")
  alice.answers(bye, 200)
  await bob.gets(200)
  expect(scene.dns.questions).toEqual([])
})

import { beforeEach, describe, expect, it } from "vitest"
import type { SipRequest, SipResponse } from "../../../../src/sip/message/index.ts"
import { domain, World } from "../../../support/sip-world.ts"
import type { Peer, Phone } from "../../../support/sip-world.ts"

let world: World
let one: Peer
let two: Peer

beforeEach(() => {
  world = new World()
  one = world.addPeer(1)
  two = world.addPeer(2)
})

/** Calls, rings, answers and acknowledges. */
async function callThrough(caller: Phone, callee: Phone): Promise<{ invite: SipRequest; ok: SipResponse; ack: SipRequest }> {
  caller.send(caller.request("INVITE", `sip:${callee.name}@${domain}`))
  await world.run()
  const invite = callee.takeRequest("INVITE")
  callee.reply(invite, 180)
  await world.run()
  expect(caller.takeResponse().status).toBe(180)
  callee.reply(invite, 200)
  await world.run()
  const ok = caller.takeResponse()
  expect(ok.status).toBe(200)
  caller.send(caller.inDialog("ACK", ok, 1))
  await world.run()
  return { invite, ok, ack: callee.takeRequest("ACK") }
}

describe.each(["UDP", "TCP"] as const)("a call between two phones on %s", (protocol) => {
  it.each([
    ["one peer", () => one],
    ["two peers", () => two],
  ])("at %s goes up and down", async (_, peerOfBob) => {
    const alice = world.addPhone("alice", "192.0.2.1", one, protocol)
    const bob = world.addPhone("bob", "192.0.2.2", peerOfBob(), protocol)
    expect((await bob.register()).status).toBe(200)
    const { invite, ok, ack } = await callThrough(alice, bob)
    expect(invite.uri).toBe(bob.contact)
    expect(invite.headers.has("Route")).toBe(false)
    expect(invite.maxForwards).toBe(peerOfBob() === one ? 69 : 68)
    expect(ack.uri).toBe(bob.contact)
    expect(ack.headers.has("Route")).toBe(false)

    bob.send(bob.inDialog("BYE", invite))
    await world.run()
    const bye = alice.takeRequest("BYE")
    expect(bye.uri).toBe(alice.contact)
    alice.reply(bye, 200)
    await world.run()
    expect(bob.takeResponse().status).toBe(200)

    alice.send(alice.inDialog("INFO", ok, 3))
    await world.run()
    bob.reply(bob.takeRequest("INFO"), 481)
    await world.run()
    expect(alice.takeResponse().status).toBe(481)
    expect([...alice.summary(), ...bob.summary()]).toEqual([])
  })
})

it("later requests find a phone whose contact is a lie, as behind NAT", async () => {
  const alice = world.addPhone("alice", "192.0.2.1", one)
  const bob = world.addPhone("bob", "192.0.2.2", two)
  const lie = { Contact: "<sip:me@10.99.99.99>" }
  await bob.register(lie)
  alice.send(alice.request("INVITE", `sip:bob@${domain}`, lie))
  await world.run()
  const invite = bob.takeRequest("INVITE")
  expect(invite.uri).toBe("sip:me@10.99.99.99")
  bob.reply(invite, 200)
  await world.run()
  alice.takeResponse()
  bob.send(bob.inDialog("BYE", invite))
  await world.run()
  expect(alice.takeRequest("BYE").uri).toBe("sip:me@10.99.99.99")
})

it("Record-Routes are two for each peer, one for each side", async () => {
  const alice = world.addPhone("alice", "192.0.2.1", one, "TCP")
  const bob = world.addPhone("bob", "192.0.2.2", two)
  await bob.register()
  const { invite } = await callThrough(alice, bob)
  const hosts = invite.headers.getAll("Record-Route").map((value) => value.slice(value.indexOf("@") + 1))
  expect(hosts).toEqual([
    "10.0.0.2:5060;transport=udp;lr>",
    "peer2.p2psip.invalid;transport=p2p;lr>",
    "peer1.p2psip.invalid;transport=p2p;lr>",
    "10.0.0.1:5060;transport=tcp;lr>",
  ])
})

it("methods, headers and bodies that nobody knows pass untouched", async () => {
  const alice = world.addPhone("alice", "192.0.2.1", one)
  const bob = world.addPhone("bob", "192.0.2.2", two)
  await bob.register()
  const request = alice.request("MYSTERY", `sip:bob@${domain}`, { "X-Odd": ["a,,b  c", 'd;"e'], "Content-Type": "x/y" })
  request.body = Uint8Array.of(0, 13, 10, 255)
  alice.send(request)
  await world.run()
  const received = bob.takeRequest("MYSTERY")
  expect(received.headers.getAll("X-Odd")).toEqual(["a,,b  c", 'd;"e'])
  expect([...received.body]).toEqual([0, 13, 10, 255])
  expect(received.headers.has("Record-Route")).toBe(false)
  bob.reply(received, 202)
  await world.run()
  expect(alice.takeResponse().status).toBe(202)
})

it("a strict router's request is put right again", async () => {
  const alice = world.addPhone("alice", "192.0.2.1", one)
  const bob = world.addPhone("bob", "192.0.2.2", one)
  await bob.register()
  const { ok } = await callThrough(alice, bob)
  const bye = alice.inDialog("BYE", ok)
  const [first, ...rest] = bye.headers.getAll("Route")
  bye.headers.remove("Route")
  for (const route of [...rest, `<${bye.uri}>`]) bye.headers.append("Route", route)
  bye.uri = (first ?? "").slice(1, -1)
  alice.send(bye)
  await world.run()
  expect(bob.takeRequest("BYE").uri).toBe(bob.contact)
})

describe("an OPTIONS", () => {
  it("to the proxy itself is answered by it", async () => {
    const alice = world.addPhone("alice", "192.0.2.1", one)
    for (const uri of [`sip:${domain}`, "sip:10.0.0.1", "sip:10.0.0.1:5060;transport=udp"]) {
      expect((await alice.ask(alice.request("OPTIONS", uri))).status).toBe(200)
    }
    expect((await alice.ask(alice.request("INVITE", `sip:${domain}`))).status).toBe(405)
  })

  it("to a user goes to the phone", async () => {
    const alice = world.addPhone("alice", "192.0.2.1", one)
    const bob = world.addPhone("bob", "192.0.2.2", two)
    await bob.register()
    alice.send(alice.request("OPTIONS", "sip:bob@10.0.0.1"))
    await world.run()
    bob.reply(bob.takeRequest("OPTIONS"), 200)
    await world.run()
    expect(alice.takeResponse().to.tag).toBe("bob")
  })
})

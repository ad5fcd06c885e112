import { beforeEach, describe, expect, it } from "vitest"
import { P2PSipError } from "../../../../src/errors.ts"
import { chooseChallenge, credentialsFor } from "../../../../src/security/digest-client.ts"
import type { SipRequest, SipResponse } from "../../../../src/sip/message/index.ts"
import { digestFor } from "../../../support/digest.ts"
import { domain, World } from "../../../support/sip-world.ts"
import type { HeaderChanges, Peer, Phone } from "../../../support/sip-world.ts"

let world: World
let one: Peer
let two: Peer
let alice: Phone

beforeEach(() => {
  world = new World()
  one = world.addPeer(1)
  two = world.addPeer(2)
  alice = world.addPhone("alice", "192.0.2.1", one)
})

const bobs = `sip:bob@${domain}`

/** What a request of alice gets, and the reason. */
async function answerTo(method: string, uri: string, changes: HeaderChanges = {}): Promise<[number, string]> {
  const { status, reason } = await alice.ask(alice.request(method, uri, changes))
  return [status, reason]
}

describe("a request is refused", () => {
  it.each<[string, string, HeaderChanges, number, string]>([
    ["another scheme", "im:bob@example.org", {}, 416, "Unsupported URI Scheme"],
    ["sips where there is no TLS", `sips:bob@${domain}`, {}, 416, "SIPS Needs TLS"],
    ["no hops left", bobs, { "Max-Forwards": "0" }, 483, "Too Many Hops"],
    ["an extension that the proxy does not have", bobs, { "Proxy-Require": "foo, bar" }, 420, "Bad Extension"],
    ["a malformed Max-Breadth", bobs, { "Max-Breadth": "many" }, 400, "Malformed Max-Breadth"],
    ["no breadth left", bobs, { "Max-Breadth": "0" }, 440, "Max-Breadth Exceeded"],
    ["a malformed Route", bobs, { Route: "<sip:x" }, 400, "Missing > in Route"],
    ["a malformed Request-URI", "sip:a@b@c", {}, 400, "Malformed URI: second @"],
    ["another domain", "sip:bob@example.com", {}, 403, "Not A Relay: Domain Not Served"],
    ["an address of its choosing", "sip:bob@192.0.2.99", {}, 403, "Not A Relay: Domain Not Served"],
    ["a Route of its choosing", bobs, { Route: "<sip:192.0.2.99;lr>" }, 403, "Not A Relay: Route To Others"],
    ["a Route of its choosing after ours", bobs, { Route: ["<sip:10.0.0.1;lr>", "<sip:192.0.2.99;lr>"] }, 403, "Not A Relay: Route To Others"],
    ["a Route token that we did not make", bobs, { Route: "<sip:AAAAAAAAAAAAAAAAAAAAAAAA@10.0.0.1;lr>" }, 403, "Invalid Route Token"],
    ["a user without bindings", bobs, {}, 480, "Temporarily Unavailable"],
  ])("for %s", async (_, uri, changes, status, reason) => {
    expect(await answerTo("INVITE", uri, changes)).toEqual([status, reason])
  })

  it("as REGISTER for another domain", async () => {
    expect(await answerTo("REGISTER", "sip:example.com")).toEqual([403, "Not A Relay: Domain Not Served"])
  })

  it("while the location service is away: 503 with Retry-After", async () => {
    world.location.failure = new P2PSipError("P2PSIP_TIMEOUT", "no answer")
    const response = await alice.ask(alice.request("INVITE", bobs))
    expect(response.status).toBe(503)
    expect(Number(response.headers.get("Retry-After"))).toBeGreaterThanOrEqual(5)
  })
})

describe("loops and spirals", () => {
  it("a loop is found when the request comes back as it was", async () => {
    // Bob's binding points back at the proxy, where it becomes the same address-of-record again.
    world.location.bind(bobs, { contact: "sip:bob@10.0.0.1:5060" })
    alice.send(alice.request("INVITE", bobs))
    await world.run(500)
    const rounds = world.network.sent.filter(({ text }) => text.startsWith("INVITE")).length
    expect(rounds).toBe(3)
    expect(alice.takeResponse().status).toBe(482)
  })

  it("a spiral is none: carol's calls go to bob", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", one)
    await bob.register()
    world.location.bind(`sip:carol@${domain}`, { contact: "sip:bob@10.0.0.1:5060" })
    alice.send(alice.request("INVITE", `sip:carol@${domain}`))
    await world.run(100)
    const invite = bob.takeRequest("INVITE")
    bob.reply(invite, 200)
    await world.run(100)
    const ok = alice.takeResponse()
    expect(ok.headers.getAll("Record-Route")).toHaveLength(4)
    alice.send(alice.inDialog("BYE", ok))
    await world.run(100)
    expect(bob.summary()).toContain("BYE")
  })

  it("each hop counts, and Max-Forwards is added where it is missing", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two)
    await bob.register()
    const request = alice.request("INVITE", bobs)
    request.headers.remove("Max-Forwards")
    alice.send(request)
    await world.run()
    expect(bob.takeRequest("INVITE").maxForwards).toBe(69)
    expect(await answerTo("INVITE", bobs, { "Max-Forwards": "1" })).toEqual([483, "Too Many Hops"])
  })
})

describe("no relay", () => {
  /** A call between alice and bob, whose Routes somebody may abuse. */
  async function call(): Promise<SipResponse> {
    const bob = world.addPhone("bob", "192.0.2.2", one)
    await bob.register()
    alice.send(alice.request("INVITE", bobs))
    await world.run()
    const invite = bob.takeRequest("INVITE")
    bob.reply(invite, 200)
    await world.run()
    return alice.takeResponse()
  }

  it("the Routes of a call are good for that call alone", async () => {
    const bye = alice.inDialog("BYE", await call())
    bye.headers.set("Call-ID", "another")
    expect((await alice.ask(bye)).status).toBe(403)
  })

  it("the Path token of a phone leads to that phone, whatever the Request-URI", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", one)
    await bob.register()
    const [binding] = await world.location.lookup(bobs)
    const path = (binding?.path[0] ?? "").replace("peer1.p2psip.invalid;transport=p2p", "10.0.0.1:5060")
    alice.send(alice.request("MESSAGE", "sip:victim@192.0.2.99", { Route: path }))
    await world.run()
    expect(bob.takeRequest("MESSAGE").uri).toBe("sip:victim@192.0.2.99")
    expect(world.network.sent.some(({ to }) => to.startsWith("192.0.2.99"))).toBe(false)
  })
})

it("a later request of a call finds a phone by its Contact when its connection has gone", async () => {
  const carol = world.addPhone("carol", "192.0.2.3", one, "TCP")
  const bob = world.addPhone("bob", "192.0.2.2", two)
  await bob.register()
  carol.send(carol.request("INVITE", bobs))
  await world.run()
  const invite = bob.takeRequest("INVITE")
  bob.reply(invite, 200)
  await world.run()
  one.tcp.flowTo(carol.transport.advertised).close()
  bob.send(bob.inDialog("BYE", invite))
  await world.run()
  expect(carol.takeRequest("BYE").uri).toBe(carol.contact)
})

describe("the edge proxy", () => {
  it("says 430 for a flow that has ended, and the caller hears 480", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two, "TCP")
    await bob.register({ Contact: "<sip:bob@webphone.invalid;transport=ws>" })
    two.tcp.flowTo(bob.transport.advertised).close()
    expect(await answerTo("INVITE", bobs)).toEqual([480, "Temporarily Unavailable"])
    expect(world.network.log.some((line) => line.includes("430"))).toBe(true)
  })

  it("is passed by: the phone is tried at its own address when its flow has ended", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two, "TCP")
    await bob.register()
    two.tcp.flowTo(bob.transport.advertised).close()
    alice.send(alice.request("INVITE", bobs))
    await world.run()
    bob.reply(bob.takeRequest("INVITE"), 200)
    await world.run()
    expect(alice.takeResponse().status).toBe(200)
  })

  it("is passed by when its peer is dead: at once if the overlay notices, else after two seconds of silence", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two)
    await bob.register()
    two.kill()
    alice.send(alice.request("INVITE", bobs))
    await world.run(1999)
    expect(bob.summary()).toEqual([])
    await world.run(2)
    bob.reply(bob.takeRequest("INVITE"), 486)
    await world.run()
    expect(alice.takeResponse().status).toBe(486)

    alice.send(alice.request("INVITE", bobs))
    await world.run(100)
    one.overlay.flowTo(two.overlay.advertised).close()
    await world.run()
    expect(bob.takeRequest("INVITE").uri).toBe(bob.contact)
  })

  it("is the only way when the options say so", async () => {
    const strict = world.addPeer(3, { directFallback: false })
    const carol = world.addPhone("carol", "192.0.2.3", strict)
    const bob = world.addPhone("bob", "192.0.2.2", two)
    await bob.register()
    two.kill()
    carol.send(carol.request("INVITE", bobs))
    await world.run(33_000)
    expect(bob.summary()).toEqual([])
    expect(carol.takeResponse().status).toBe(408)
  })

  it("is left alone by bindings that are malformed", async () => {
    for (const [index, path] of ["<sip:x", "sip:", "<tel:1>", "<sip:10.0.0.1:5060;lr>"].entries()) {
      world.location.bind(bobs, { contact: `sip:bob${index}@webphone.invalid`, path: [path] })
    }
    world.location.bind(bobs, { contact: "mailto:bob@example.org" })
    world.location.bind(bobs, { contact: "sip:bob@name.invalid" })
    expect(await answerTo("INVITE", bobs)).toEqual([480, "Temporarily Unavailable"])
  })

  it("gives a strict router what it wants", async () => {
    const router = world.addPhone("router", "192.0.2.9", one)
    world.location.bind(bobs, { contact: "sip:bob@192.0.2.2", path: ["<sip:192.0.2.9>"] })
    alice.send(alice.request("MESSAGE", bobs))
    await world.run()
    const request = router.takeRequest("MESSAGE")
    expect(request.uri).toBe("sip:192.0.2.9")
    expect(request.headers.getAll("Route")).toEqual(["<sip:bob@192.0.2.2>"])
  })
})

describe("with users", () => {
  const users = ["alice", "bob"].map((username) => ({ username, password: `secret of ${username}` }))

  beforeEach(async () => {
    const authenticator = digestFor(world.runtime, users)
    one = world.addPeer(4, { authenticator })
    two = world.addPeer(5, { authenticator })
    alice = world.addPhone("alice", "192.0.2.1", one)
    world.location.bind(bobs, { contact: "sip:bob@192.0.2.2" })
  })

  function withCredentials(response: SipResponse, request: SipRequest, username = "alice"): SipRequest {
    const challenge = chooseChallenge(response.headers.getAll("Proxy-Authenticate"))
    if (!challenge) throw new Error("no challenge")
    const again = alice.request(request.method, request.uri, { From: request.headers.get("From") ?? "" })
    const input = { username, password: `secret of ${username}`, method: request.method, uri: request.uri, nonceCount: 1, cnonce: "c" }
    again.headers.append("Proxy-Authorization", credentialsFor(challenge, input))
    return again
  }

  it("a caller shows who he is, and his call goes through", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two)
    const invite = alice.request("INVITE", bobs)
    const challenge = await alice.ask(invite)
    expect(challenge.status).toBe(407)
    alice.send(withCredentials(challenge, invite))
    await world.run()
    expect(bob.summary()).toEqual(["INVITE"])
  })

  it("nobody calls in another user's name", async () => {
    const invite = alice.request("INVITE", bobs, { From: `<sip:bob@${domain}>;tag=x` })
    const challenge = await alice.ask(invite)
    const answer = await alice.ask(withCredentials(challenge, invite))
    expect([answer.status, answer.reason]).toEqual([403, "From Is Not You"])
  })

  it("callers from elsewhere reach our users without credentials, and nobody else", async () => {
    const bob = world.addPhone("bob", "192.0.2.2", two)
    const from = { From: "<sip:mallory@example.com>;tag=x" }
    alice.send(alice.request("INVITE", bobs, from))
    await world.run()
    expect(bob.summary()).toEqual(["INVITE"])
    expect(await answerTo("INVITE", "sip:bob@192.0.2.99", from)).toEqual([403, "Not A Relay: Domain Not Served"])
    expect(await answerTo("INVITE", `sip:nobody@${domain}`, from)).toEqual([404, "Not Found"])
  })

  it("OPTIONS to the proxy needs no credentials", async () => {
    expect(await answerTo("OPTIONS", `sip:${domain}`)).toEqual([200, "OK"])
  })
})

import { beforeEach, describe, expect, it } from "vitest"
import { UserAgent } from "../../../../src/sip/agent/index.ts"
import type { AgentEvent, AgentOptions, Call } from "../../../../src/sip/agent/index.ts"
import { createResponse, parseMessage, type SipRequest } from "../../../../src/sip/message/index.ts"
import { digestFor } from "../../../support/digest.ts"
import { World } from "../../../support/sip-world.ts"
import type { Peer } from "../../../support/sip-world.ts"

let world: World
let peer: Peer

beforeEach(() => {
  world = new World()
  peer = world.addPeer(1)
})

/** An agent and what it has told. */
function addAgent(name: string, host: string, options: Partial<AgentOptions> & { peer?: Peer; protocol?: "UDP" | "TCP" } = {}) {
  const transport = world.network.add(options.protocol ?? "UDP", host)
  const proxy = (options.peer ?? peer).address
  const agent = new UserAgent({ runtime: world.runtime, transport }, { addressOfRecord: `sip:${name}@example.org`, proxy, ...options })
  const events: AgentEvent[] = []
  agent.onEvent((event) => void events.push(event))
  return { agent, transport, events, names: () => events.map(({ name }) => name) }
}

/** Lets the world go on until the promise has settled. */
async function settled<T>(promise: Promise<T>, ms = 100): Promise<T> {
  await world.run(ms)
  return promise
}

function incoming(events: readonly AgentEvent[]): Call {
  const event = events.find(({ name }) => name === "incoming")
  if (event?.name !== "incoming") throw new Error("nobody has called")
  return event.call
}

async function addPair(protocol: "UDP" | "TCP" = "UDP") {
  const alice = addAgent("alice", "192.0.2.1", { protocol })
  const bob = addAgent("bob", "192.0.2.2", { protocol })
  await settled(bob.agent.register())
  return { alice, bob }
}

describe("a registration", () => {
  it("is made, kept alive and taken back", async () => {
    const { agent, names } = addAgent("alice", "192.0.2.1")
    const outcome = await settled(agent.register({ expiresSeconds: 100 }))
    expect(outcome).toEqual({ kind: "registered", expiresSeconds: 100, contacts: ["<sip:alice@192.0.2.1:5060>;expires=100"] })
    await world.run(80_000)
    expect(names()).toEqual(["registered", "registered"])
    const gone = await settled(agent.unregister())
    expect(gone).toEqual({ kind: "registered", expiresSeconds: 0, contacts: [] })
    await world.run(200_000)
    expect(names()).toHaveLength(3)
  })

  it("takes the shortest time that the registrar allows", async () => {
    const { agent } = addAgent("alice", "192.0.2.1")
    expect(await settled(agent.register({ expiresSeconds: 10 }))).toMatchObject({ kind: "registered", expiresSeconds: 60 })
  })

  it("answers a challenge, and again with the same nonce later", async () => {
    const authenticator = digestFor(world.runtime, [{ username: "alice", password: "right" }], { realm: "x" })
    const guarded = world.addPeer(2, { authenticator })
    const right = addAgent("alice", "192.0.2.1", { peer: guarded, password: "right" })
    expect(await settled(right.agent.register({ expiresSeconds: 100 }))).toMatchObject({ kind: "registered" })
    world.network.sent.length = 0
    await world.run(80_000)
    expect(world.network.sent.map(({ text }) => text.slice(0, 11))).toEqual(["REGISTER si", "SIP/2.0 200"])
    const wrong = addAgent("alice", "192.0.2.3", { peer: guarded, password: "wrong" })
    expect(await settled(wrong.agent.register())).toEqual({ kind: "failed", status: 401, reason: "Unauthorized" })
    const without = addAgent("alice", "192.0.2.4", { peer: guarded })
    expect(await settled(without.agent.register())).toMatchObject({ kind: "failed", status: 401 })
  })

  it("that nobody answers fails after 32 s and is tried again", async () => {
    const { agent, names } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 } })
    const outcome = agent.register()
    await world.run(32_000)
    expect(await outcome).toEqual({ kind: "failed", status: 408, reason: "Request Timeout" })
    agent.useProxy(peer.address)
    await world.run(30_000)
    expect(names()).toEqual(["registrationFailed", "registered"])
  })

  it("is not waited for for ever when the agent is stopped", async () => {
    const { agent, names } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 } })
    const outcome = agent.register()
    await agent.stop()
    expect(await outcome).toMatchObject({ kind: "failed", status: 503 })
    await world.run(100_000)
    expect(names()).toEqual(["registrationFailed"])
  })

  it("that a registrar wants again at once is made once a second", async () => {
    const registrar = world.network.add("UDP", "192.0.2.99")
    await registrar.start()
    registrar.onMessage((bytes, flow) => flow.send(createResponse(parseMessage(bytes) as SipRequest, 503, undefined, { headers: [["Retry-After", "0"]] }).toBytes()))
    const { agent, names } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 } })
    void agent.register()
    await world.run(10_000)
    expect(names().length).toBeGreaterThan(5)
    expect(names().length).toBeLessThan(12)
  })

  it("stands beside contacts that nobody can read", async () => {
    const registrar = world.network.add("UDP", "192.0.2.99")
    await registrar.start()
    registrar.onMessage((bytes, flow) => {
      const headers: [string, string][] = [["Contact", "<nonsense>"], ["Contact", "<sip:alice@192.0.2.1:5060>;expires=100"]]
      flow.send(createResponse(parseMessage(bytes) as SipRequest, 200, undefined, { headers }).toBytes())
    })
    const { agent } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 } })
    expect(await settled(agent.register())).toMatchObject({ kind: "registered", expiresSeconds: 100 })
  })
})

describe.each(["UDP", "TCP"] as const)("a call on %s", (protocol) => {
  it("is answered, and ended by the callee", async () => {
    const { alice, bob } = await addPair(protocol)
    const call = alice.agent.call("sip:bob@example.org")
    await world.run()
    const other = incoming(bob.events)
    expect(other.remote.uri).toBe("sip:alice@example.org")
    other.ring()
    await world.run()
    expect(call.state).toBe("ringing")
    other.answer()
    expect(await settled(call.outcome)).toEqual({ kind: "established" })
    expect(alice.agent.calls).toEqual([call])
    other.hangUp()
    await settled(call.ended)
    expect(alice.names()).toEqual(["ringing", "established", "ended"])
    expect(bob.names()).toEqual(["registered", "incoming", "ringing", "established", "ended"])
    expect([...alice.agent.calls, ...bob.agent.calls]).toEqual([])
  })

  it("is refused", async () => {
    const { alice, bob } = await addPair(protocol)
    const call = alice.agent.call("sip:bob@example.org")
    await world.run()
    incoming(bob.events).reject(603)
    expect(await settled(call.outcome)).toEqual({ kind: "failed", status: 603, reason: "Decline" })
  })

  it("is cancelled", async () => {
    const { alice, bob } = await addPair(protocol)
    const call = alice.agent.call("sip:bob@example.org")
    await world.run()
    incoming(bob.events).ring()
    await world.run()
    call.hangUp()
    expect(await settled(call.outcome)).toEqual({ kind: "failed", status: 487, reason: "Request Terminated" })
    expect(bob.names()).toEqual(["registered", "incoming", "ringing", "failed"])
  })

  it("that is answered while it is cancelled is ended", async () => {
    const { alice, bob } = await addPair(protocol)
    const call = alice.agent.call("sip:bob@example.org")
    await world.run()
    incoming(bob.events).answer()
    call.hangUp()
    await settled(call.ended)
    expect(bob.names().at(-1)).toBe("ended")
  })
})

it("a 200 is repeated until its ACK comes, and a call without one is ended", async () => {
  const { alice, bob } = await addPair()
  world.network.options = { loses: (text) => text.startsWith("ACK") }
  const call = alice.agent.call("sip:bob@example.org")
  await world.run()
  incoming(bob.events).answer()
  await world.run(33_000)
  expect(world.network.sent.filter(({ from, text }) => from === "192.0.2.2:5060" && text.startsWith("SIP/2.0 200")).length).toBeGreaterThan(5)
  expect(call.state).toBe("ended")
  expect(bob.events.at(-1)).toMatchObject({ name: "ended", by: "local" })
})

it.each([
  ["Contact", "<nonsense"],
  ["Contact", "<sip:bob@>"],
  ["Record-Route", "<sip:@proxy.example;lr>"],
  ["Record-Route", Array.from({ length: 400 }, () => "<sip:a;lr>").join(", ")],
])("an answer whose %s nobody can use is a call that failed (%#)", async (name, value) => {
  const callee = world.network.add("UDP", "192.0.2.99")
  await callee.start()
  callee.onMessage((bytes, flow) => {
    flow.send(createResponse(parseMessage(bytes) as SipRequest, 200, undefined, { toTag: "odd", headers: [[name, value]] }).toBytes())
  })
  const { agent, names } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 } })
  expect(await settled(agent.call("sip:bob@example.org").outcome)).toMatchObject({ kind: "failed", status: 502 })
  expect(names()).toEqual(["failed"])
  expect(agent.calls).toEqual([])
})

it("of two answers to a forked call the first is kept", async () => {
  const { alice, bob } = await addPair()
  const second = addAgent("bob", "192.0.2.3")
  await settled(second.agent.register())
  const call = alice.agent.call("sip:bob@example.org")
  await world.run()
  incoming(bob.events).answer()
  incoming(second.events).answer()
  await settled(call.outcome)
  expect(call.state).toBe("established")
  expect([bob.agent.calls.length, second.agent.calls.length].sort()).toEqual([0, 1])
})

it("a message gets its answer, a challenge in between", async () => {
  const authenticator = digestFor(world.runtime, ["alice", "bob"].map((username) => ({ username, password: "secret" })), { realm: "x" })
  const guarded = world.addPeer(2, { authenticator })
  const alice = addAgent("alice", "192.0.2.1", { peer: guarded, password: "secret" })
  const bob = addAgent("bob", "192.0.2.2", { peer: guarded, password: "secret" })
  await settled(bob.agent.register())
  const body = { type: "text/plain", bytes: Buffer.from("hello") }
  const response = await settled(alice.agent.request("MESSAGE", "sip:bob@example.org", body))
  expect(response.status).toBe(200)
  const [, event] = bob.events
  expect(event?.name === "request" && Buffer.from(event.request.body).toString()).toBe("hello")
})

it.each(["a message", "a call"])("%s is given up where each challenge calls the one before stale", async (what) => {
  const proxy = world.network.add("UDP", "192.0.2.99")
  await proxy.start()
  let asked = 0
  proxy.onMessage((bytes, flow) => {
    const request = parseMessage(bytes) as SipRequest
    // What goes on for ever would keep the test from its end.
    if (request.method === "ACK" || ++asked > 20) return
    const headers: [string, string][] = [["Proxy-Authenticate", `Digest realm="x", nonce="${asked}", stale=true`]]
    flow.send(createResponse(request, 407, undefined, { toTag: "p", headers }).toBytes())
  })
  const { agent } = addAgent("alice", "192.0.2.1", { proxy: { host: "192.0.2.99", port: 5060 }, password: "secret" })
  const uri = "sip:bob@example.org"
  const answer = await settled<object>(what === "a call" ? agent.call(uri).outcome : agent.request("MESSAGE", uri))
  expect(answer).toMatchObject({ status: 407 })
  expect(asked).toBeLessThan(20)
})

it("no call outlives the agent", async () => {
  const { alice, bob } = await addPair()
  await settled(alice.agent.register())
  const established = alice.agent.call("sip:bob@example.org")
  await world.run()
  incoming(bob.events).answer()
  await settled(established.outcome)
  const calling = bob.agent.call("sip:alice@example.org")
  await world.run()
  const ringing = incoming(alice.events)
  await Promise.all([alice.agent.stop(), bob.agent.stop()])
  for (const call of [established, incoming(bob.events), calling, ringing]) await settled(call.ended)
  expect([...alice.agent.calls, ...bob.agent.calls]).toEqual([])
})

it("requests that fit no call are refused", async () => {
  const { alice, bob } = await addPair()
  expect((await settled(alice.agent.request("REFER", "sip:bob@example.org"))).status).toBe(405)
  const stranger = world.addPhone("carol", "192.0.2.5", peer)
  const bye = await stranger.ask(stranger.request("BYE", "sip:bob@example.org", { To: "<sip:bob@example.org>;tag=none" }))
  expect(bye.status).toBe(481)
  expect(bob.names()).toEqual(["registered"])
})

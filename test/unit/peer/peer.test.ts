import { createSocket } from "node:dgram"
import { afterEach, describe, expect, test } from "vitest"
import { createPeer, type Peer } from "../../../src/peer/peer.ts"
import type { PeerConfigInput } from "../../../src/peer/config.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics, RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { UserAgent } from "../../../src/sip/agent/index.ts"
import { TcpTransport, UdpTransport } from "../../../src/sip/transport/index.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(input: PeerConfigInput = {}): Promise<Peer> {
  const metrics = new RegistryMetrics()
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
  const config = { backend: "memory", domains: ["example.org"], sip: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], ...input }
  const peer = await createPeer(config, { runtime, metrics })
  ends.push(() => peer.stop())
  await peer.start()
  return peer
}

async function createPhone(name: string, peer: Peer, protocol: "udp" | "tcp", password?: string): Promise<UserAgent> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const transport = protocol === "udp" ? new UdpTransport({ runtime }, { port: 0 }) : new TcpTransport({ runtime }, { port: 0 })
  const listener = peer.addresses.sip.find((text) => text.startsWith(protocol)) ?? ""
  const proxy = { host: "127.0.0.1", port: Number(listener.slice(listener.lastIndexOf(":") + 1)) }
  const agent = new UserAgent({ runtime, transport }, {
    addressOfRecord: `sip:${name}@example.org`, proxy, ...(password === undefined ? {} : { password }),
  })
  await agent.start()
  ends.push(() => agent.stop())
  agent.onEvent((event) => {
    if (event.name === "incoming") event.call.answer()
  })
  return agent
}

/** The challenges in the answer to a REGISTER without credentials. */
async function challengesTo(port: number): Promise<string[]> {
  const socket = createSocket("udp4")
  const answer = new Promise<string>((resolve) => socket.once("message", (bytes) => resolve(bytes.toString("latin1"))))
  const lines = [
    "REGISTER sip:example.org SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport", "Max-Forwards: 70", "From: <sip:alice@example.org>;tag=1",
    "To: <sip:alice@example.org>", "Call-ID: 1", "CSeq: 1 REGISTER", "Contact: <sip:alice@127.0.0.1:9>", "Content-Length: 0", "", "",
  ]
  socket.send(lines.join("\r\n"), port, "127.0.0.1")
  try {
    return (await answer).split("\r\n").filter((line) => line.startsWith("WWW-Authenticate"))
  } finally {
    socket.close()
  }
}

describe("a peer serves phones:", () => {
  test.each([["udp", "tcp"], ["tcp", "udp"]] as const)("one on %s calls one on %s", async (from, to) => {
    const peer = await start()
    const [alice, bob] = [await createPhone("alice", peer, from), await createPhone("bob", peer, to)]
    expect(await bob.register()).toMatchObject({ kind: "registered" })
    const call = alice.call("sip:bob@example.org")
    expect(await call.outcome).toEqual({ kind: "established" })
    call.hangUp()
    await call.ended
    expect(peer.status().servlet.records.owned).toBe(1)
    expect(await bob.unregister()).toMatchObject({ kind: "registered", contacts: [] })
    expect(await alice.call("sip:bob@example.org").outcome).toMatchObject({ kind: "failed", status: 480 })
  })

  test("with users, a phone needs its own password", async () => {
    const peer = await start({ users: [{ username: "alice", password: "right" }] })
    expect(await (await createPhone("alice", peer, "udp", "right")).register()).toMatchObject({ kind: "registered" })
    expect(await (await createPhone("alice", peer, "udp", "wrong")).register()).toMatchObject({ kind: "failed", status: 401 })
    expect(await (await createPhone("bob", peer, "udp", "right")).register()).toMatchObject({ kind: "failed", status: 401 })
  })

  test("for phones that know one challenge only, the algorithms can be chosen", async () => {
    const peer = await start({ users: [{ username: "alice", password: "right" }], digestAlgorithms: ["MD5"] })
    const { port } = new URL(`http://${peer.addresses.sip[0]?.slice("udp:".length)}`)
    const challenges = await challengesTo(Number(port))
    expect(challenges).toHaveLength(1)
    expect(challenges[0]).toMatch(/^WWW-Authenticate: Digest .*algorithm=MD5/)
    expect(await (await createPhone("alice", peer, "udp", "right")).register()).toMatchObject({ kind: "registered" })
  })
})

describe("three peers on Chord:", () => {
  test("a phone of one is called through another, also after the third has left", async () => {
    const one = await start({ backend: "chord" })
    const two = await start({ backend: "chord", bootstrap: one.addresses.listen })
    const third = await start({ backend: "chord", bootstrap: one.addresses.listen })
    const [alice, bob] = [await createPhone("alice", one, "udp"), await createPhone("bob", two, "tcp")]
    expect(await bob.register()).toMatchObject({ kind: "registered" })
    await third.leave()
    const call = alice.call("sip:bob@example.org")
    expect(await call.outcome).toEqual({ kind: "established" })
    call.hangUp()
    await call.ended
    const held = [one, two].map((peer) => peer.status().servlet.records)
    expect(held.reduce((sum, { owned }) => sum + owned, 0)).toBe(1)
    expect(held.reduce((sum, { copies }) => sum + copies, 0)).toBe(1)
  })
})

describe("life:", () => {
  test("ready once started, no longer when it has left", async () => {
    const peer = await start()
    expect(await peer.ready()).toMatchObject({ ready: true })
    await peer.leave()
    expect(await peer.ready()).toMatchObject({ ready: false, reason: "this peer is stopped" })
    await peer.ended
    await peer.leave()
  })

  test("a start that fails closes what was open", async () => {
    const first = await start()
    const [udp = ""] = first.addresses.sip
    const metrics = new RegistryMetrics()
    const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
    const second = await createPeer({ backend: "memory", sip: ["tcp:127.0.0.1:0", udp], http: "127.0.0.1:0" }, { runtime, metrics })
    await expect(second.start()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
    await second.ended
    expect(second.status().state).toBe("stopped")
  })

  test.each(["stop", "leave"] as const)("nothing is opened any more where it is told to %s while it starts", async (how) => {
    const metrics = new RegistryMetrics()
    const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
    const peer = await createPeer({ backend: "memory", sip: ["tcp:127.0.0.1:0"] }, { runtime, metrics })
    const started = peer.start()
    await Promise.all([peer[how](), expect(started).rejects.toMatchObject({ code: "P2PSIP_NOT_OPEN" })])
    // A port that was never bound.
    expect(peer.status()).toMatchObject({ state: "stopped", sip: ["tcp:127.0.0.1"] })
  })

  test("wrong options of the backend are named", async () => {
    await expect(createPeer({ backend: "memory", backendOptions: { maxKeys: 0 } })).rejects.toThrow(/^backendOptions\.maxKeys: expected .*found 0 \(for backend memory\)$/)
    await expect(createPeer({ backend: "memory", replication: 3 })).rejects.toThrow(/^backendOptions\.replication: expected an option that the backend knows, found one that is not \(for backend memory\)$/)
    await expect(createPeer({ backend: "no-such-package" })).rejects.toMatchObject({ code: "P2PSIP_NO_BACKEND" })
  })
})

test("a peer with other domains is named in the log", async () => {
  const one = await start({ backend: "chord" })
  const metrics = new RegistryMetrics()
  const warned = Promise.withResolvers<object>()
  const log = { ...silentLogger, warn: (fields: object) => warned.resolve(fields) }
  const config = { backend: "chord", domains: ["example.net"], sip: [], bootstrap: one.addresses.listen }
  const other = await createPeer(config, { runtime: new NodeRuntime({}, { log, metrics }), metrics })
  ends.push(() => other.stop())
  await other.start()
  expect(await warned.promise).toEqual({ peer: one.addresses.peerId, differs: ["domains"] })
})

describe("HTTP:", () => {
  async function startWithHttp(): Promise<{ peer: Peer; url: string }> {
    const peer = await start({ http: "127.0.0.1:0" })
    return { peer, url: peer.addresses.http ?? "" }
  }

  test("health, readiness, status, metrics", async () => {
    const { peer, url } = await startWithHttp()
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ alive: true })
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ready: true })
    expect(await (await fetch(`${url}/status`)).json()).toMatchObject({ peerId: peer.addresses.peerId, state: "running", servlet: { backend: "memory" } })
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^p2psip_records_owned 1$/m)
  })

  test("a registration is shown with what it says", async () => {
    const { peer, url } = await startWithHttp()
    const alice = await createPhone("alice", peer, "udp")
    await alice.register()
    const { values } = await (await fetch(`${url}/api/get?key=sip:alice@example.org`)).json() as { values: object[] }
    expect(values).toMatchObject([{ encoding: "base64", binding: { contact: expect.stringMatching(/^sip:alice@127/) as string, q: 1, heldBy: peer.addresses.peerId } }])
  })

  test("put, get, lookup, remove, leave", async () => {
    const { peer, url } = await startWithHttp()
    const post = async (path: string, body: object): Promise<unknown> =>
      (await fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json()
    expect(await post("/api/put", { key: "k", value: "v", ttlSeconds: 60 })).toMatchObject({ values: [{ value: "v", encoding: "utf8", ttlSeconds: 60 }] })
    const { values } = await post("/api/put", { key: "k", value: "AP8=", encoding: "base64" }) as { values: { value: string; valueHash: string }[] }
    const binary = values.find(({ value }) => value === "AP8=")
    expect(binary).toMatchObject({ encoding: "base64" })
    expect(await post("/api/remove", { key: "k", valueHash: binary?.valueHash })).toMatchObject({ values: [{ value: "v" }] })
    const lookup = await (await fetch(`${url}/api/lookup?key=k`)).text()
    expect(lookup.trim().split("\n").map((line) => JSON.parse(line) as unknown).at(-1)).toMatchObject({ name: "done", values: [{ value: "v" }] })
    expect(await post("/api/remove", { key: "k" })).toEqual({ values: [] })
    expect(await (await fetch(`${url}/api/get?key=k`)).json()).toEqual({ values: [] })
    expect(await post("/api/put", { key: "k", value: 1 })).toEqual({ error: { code: "HTTP", message: "value: expected a text" } })
    expect(await post("/api/put", { key: "k", value: "v", ttlSeconds: -1 })).toMatchObject({ error: { code: "P2PSIP_BAD_ARGUMENT" } })
    expect(await post("/api/leave", {})).toEqual({ leaving: true })
    await peer.ended
  })
})

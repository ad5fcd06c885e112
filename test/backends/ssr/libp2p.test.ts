/** Peers of a mesh whose links are connections over libp2p: real sockets, keys and peer ids beneath, addresses of the mesh above. */
import { afterEach, beforeEach, expect, test } from "vitest"
import { createPeer, type Peer } from "../../../src/peer/peer.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics, RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import type { NetworkStatus, NetworkTrace } from "../../../src/servlet/index.ts"
import type { Call } from "../../../src/sip/agent/index.ts"
import { UserAgent } from "../../../src/sip/agent/index.ts"
import { UdpTransport } from "../../../src/sip/transport/index.ts"

const ends: (() => Promise<void>)[] = []
const peers: Peer[] = []

/** Four in a row: each knows the one before it, and no other. */
beforeEach(async () => {
  for (let count = 0; count < 4; count++) {
    const metrics = new RegistryMetrics()
    const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
    const bootstrap = peers.at(-1)?.addresses.listen ?? []
    const config = { backend: "ssr", backendOptions: { wiredLinks: 1 }, domains: ["example.org"], sip: ["udp:127.0.0.1:0"], http: "127.0.0.1:0", bootstrap }
    const peer = await createPeer(config, { runtime, metrics })
    ends.push(() => peer.stop())
    await peer.start()
    peers.push(peer)
  }
}, 120_000)

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  peers.length = 0
})

function peerAt(place: number): Peer {
  const peer = peers.at(place)
  if (peer === undefined) throw new Error(`expected a peer at ${place}`)
  return peer
}

async function ask<Answer>(peer: Peer, what: string): Promise<Answer> {
  const response = await fetch(`${peer.addresses.http}/api/${what}`)
  return (await response.json()) as Answer
}

async function phoneAt(peer: Peer, user: string): Promise<UserAgent> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const port = Number(peer.addresses.sip[0]?.split(":").at(-1))
  const phone = new UserAgent(
    { runtime, transport: new UdpTransport({ runtime }, { port: 0 }) },
    { addressOfRecord: `sip:${user}@example.org`, proxy: { host: "127.0.0.1", port } },
  )
  await phone.start()
  ends.push(() => phone.stop())
  return phone
}

test("what one stores all find, also when that one has left", async () => {
  await peerAt(0).servlet.put("key", "value")
  for (const peer of peers) expect(await peer.servlet.get("key")).toHaveLength(1)
  await peerAt(0).leave()
  for (const peer of peers.slice(1)) expect(await peer.servlet.get("key")).toHaveLength(1)
}, 120_000)

test("a packet finds its way from the last to the first, over neighbours by wire", async () => {
  const [first, last] = [await ask<NetworkStatus>(peerAt(0), "mesh"), await ask<NetworkStatus>(peerAt(-1), "mesh")]
  const trace = await ask<NetworkTrace>(peerAt(-1), `mesh/trace?to=${first.peerId}`)
  expect(trace).toMatchObject({ peerId: first.peerId, isExact: true })
  expect([trace.hops[0], trace.hops.at(-1)]).toEqual([last.peerId, first.peerId])
  expect(new Set(last.neighbours.map(({ on }) => on))).toEqual(new Set(["wire"]))
  expect(last.neighbours.map(({ peerId }) => peerId)).toContain(trace.hops[1])
}, 120_000)

test("a phone at the first calls one at the last", async () => {
  const [alice, bob] = [await phoneAt(peerAt(-1), "alice"), await phoneAt(peerAt(0), "bob")]
  expect(await alice.register()).toMatchObject({ kind: "registered" })
  const incoming = new Promise<Call>((resolve) => {
    alice.onEvent((event) => {
      if (event.name === "incoming") resolve(event.call)
    })
  })
  const call = bob.call("sip:alice@example.org")
  const taken = await incoming
  taken.answer()
  expect(await call.outcome).toEqual({ kind: "established" })
  call.hangUp()
  await taken.ended
  expect(taken.state).toBe("ended")
}, 120_000)

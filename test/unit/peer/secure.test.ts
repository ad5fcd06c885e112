/** Phones on TLS, WS and WSS at real peers. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { PeerConfigInput } from "../../../src/peer/config.ts"
import { createPeer, type Peer } from "../../../src/peer/peer.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics, RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { UserAgent } from "../../../src/sip/agent/index.ts"
import {
  Certificates,
  TcpTransport,
  TlsTransport,
  UdpTransport,
  WssTransport,
  WsTransport,
  type Transport,
} from "../../../src/sip/transport/index.ts"
import { TestAuthority, type PemFiles } from "../../support/certificates.ts"

let authority: TestAuthority
let pem: PemFiles
let certificates: Certificates
beforeAll(async () => {
  authority = await TestAuthority.create()
  pem = await authority.issue("peer", [{ type: "dns", value: "example.org" }])
  certificates = new Certificates({ runtime: clientRuntime() }, { ...pem, ca: authority.ca })
  await certificates.start()
})
afterAll(() => {
  certificates.stop()
  authority.remove()
})

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const clientRuntime = () => new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })

type Protocol = "udp" | "tcp" | "tls" | "ws" | "wss"
const listeners = (["udp", "tcp", "tls", "ws", "wss"] as const).map((protocol) => `${protocol}:127.0.0.1:0`)

async function start(input: PeerConfigInput = {}): Promise<Peer> {
  const metrics = new RegistryMetrics()
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
  const config = { backend: "memory", domains: ["example.org"], sip: listeners, tls: pem, ...input }
  const peer = await createPeer(config, { runtime, metrics })
  ends.push(() => peer.stop())
  await peer.start()
  return peer
}

function clientTransport(protocol: Protocol): Transport {
  const components = { runtime: clientRuntime(), certificates }
  switch (protocol) {
    case "udp":
      return new UdpTransport(components, { port: 0 })
    case "tcp":
      return new TcpTransport(components, { port: 0 })
    case "tls":
      return new TlsTransport(components, { listens: false })
    case "ws":
      return new WsTransport(components, { listens: false })
    case "wss":
      return new WssTransport(components, { listens: false })
  }
}

async function phone(name: string, peer: Peer, protocol: Protocol, scheme = "sip"): Promise<UserAgent> {
  const listener = peer.addresses.sip.find((text) => text.startsWith(`${protocol}:`)) ?? ""
  const port = Number(listener.slice(listener.lastIndexOf(":") + 1))
  const agent = new UserAgent(
    { runtime: clientRuntime(), transport: clientTransport(protocol) },
    { addressOfRecord: `${scheme}:${name}@example.org`, proxy: { host: "127.0.0.1", port, serverName: "example.org" } },
  )
  await agent.start()
  ends.push(() => agent.stop())
  agent.onEvent((event) => {
    if (event.name === "incoming") event.call.answer()
  })
  return agent
}

/** Alice calls, and hangs up. */
async function talk(alice: UserAgent, bob: UserAgent, to = bob.addressOfRecord): Promise<void> {
  expect((await bob.register()).kind).toBe("registered")
  const call = alice.call(to)
  expect(await call.outcome).toEqual({ kind: "established" })
  const [answered] = bob.calls
  call.hangUp()
  await answered?.ended
  expect(bob.calls).toEqual([])
}

/** Alice calls, Bob hangs up. */
async function talkUntilBobHangsUp(alice: UserAgent, bob: UserAgent): Promise<void> {
  await bob.register()
  const call = alice.call(bob.addressOfRecord)
  expect(await call.outcome).toEqual({ kind: "established" })
  bob.calls[0]?.hangUp()
  await call.ended
}

const pairs = [["tls", "udp"], ["ws", "udp"], ["wss", "tcp"], ["ws", "ws"], ["tls", "wss"]] as const

describe.each(pairs)("a phone on %s and one on %s", (one, other) => {
  test("call each other, and either hangs up", async () => {
    const peer = await start()
    const [alice, bob] = [await phone("alice", peer, one), await phone("bob", peer, other)]
    await talk(alice, bob)
    await talk(bob, alice)
    await talkUntilBobHangsUp(alice, bob)
    await talkUntilBobHangsUp(bob, alice)
  })
})

test.each([["ws", "udp"], ["tls", "wss"]] as const)("a phone on %s at one peer and one on %s at another call each other", async (one, other) => {
  const first = await start({ backend: "chord" })
  const second = await start({ backend: "chord", bootstrap: first.addresses.listen })
  const [alice, bob] = [await phone("alice", first, one), await phone("bob", second, other)]
  await talk(alice, bob)
  await talk(bob, alice)
  await talkUntilBobHangsUp(alice, bob)
  await talkUntilBobHangsUp(bob, alice)
})

describe("sips (RFC 5630)", () => {
  test("a call between phones on TLS and WSS at two peers", async () => {
    const first = await start({ backend: "chord" })
    const second = await start({ backend: "chord", bootstrap: first.addresses.listen })
    const [alice, bob] = [await phone("alice", first, "tls", "sips"), await phone("bob", second, "wss", "sips")]
    await talk(alice, bob)
    await talk(bob, alice)
  })

  test("a phone with a sips contact is called by sip as well", async () => {
    const peer = await start()
    const [alice, bob] = [await phone("alice", peer, "udp"), await phone("bob", peer, "tls", "sips")]
    await talk(alice, bob, "sip:bob@example.org")
  })

  test("a phone without a sips contact is not called by sips", async () => {
    const peer = await start()
    const [alice, bob] = [await phone("alice", peer, "tls", "sips"), await phone("bob", peer, "tls")]
    await bob.register()
    expect(await alice.call("sips:bob@example.org").outcome).toMatchObject({ kind: "failed", status: 480 })
  })

  test("no sips over UDP", async () => {
    const peer = await start()
    const alice = await phone("alice", peer, "udp")
    expect(await alice.call("sips:bob@example.org").outcome).toMatchObject({ kind: "failed", status: 403 })
  })
})

describe("configuration", () => {
  test("tls and wss without a certificate are refused", async () => {
    await expect(start({ tls: undefined, sip: ["udp:127.0.0.1:0", "wss:127.0.0.1:0"] })).rejects.toThrow(
      "tls: expected a certificate and its key (--tls-certificate, --tls-key), found none, and the listener wss:127.0.0.1:0",
    )
  })

  test("a file that is not there, and a key of another certificate, are named", async () => {
    await expect(start({ tls: { ...pem, certificate: "/nowhere.pem" } })).rejects.toThrow(
      "tls.certificate: expected a readable PEM file at /nowhere.pem, found ENOENT",
    )
    const other = await authority.issue("other", [])
    await expect(start({ tls: { ...pem, key: other.key } })).rejects.toThrow(/^tls: expected a PEM certificate in .*, found /)
  })

  test("the certificate can be renewed while calls go on", async () => {
    const own = await authority.issue("own", [{ type: "dns", value: "example.org" }])
    const peer = await start({ tls: own })
    const [alice, bob] = [await phone("alice", peer, "tls"), await phone("bob", peer, "wss")]
    await bob.register()
    const call = alice.call(bob.addressOfRecord)
    expect(await call.outcome).toEqual({ kind: "established" })
    await authority.issue("own", [{ type: "dns", value: "example.net" }])
    await peer.reloadCertificates()
    const [answered] = bob.calls
    call.hangUp()
    await answered?.ended
    // Who comes now sees the new one, which is for somebody else.
    const carol = await phone("carol", peer, "tls")
    expect(await carol.register()).toMatchObject({ kind: "failed", status: 503 })
  })
})

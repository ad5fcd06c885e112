/** JsSIP, unmodified, as a phone of real peers: its signalling is that of a browser, its media is not there. */
import JsSIP from "jssip"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import type { PeerConfigInput } from "../../../src/peer/config.ts"
import { createPeer, type Peer } from "../../../src/peer/peer.ts"
import { silentLogger } from "../../../src/runtime/log.ts"
import { noMetrics, RegistryMetrics } from "../../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../../src/runtime/node.ts"
import { UserAgent } from "../../../src/sip/agent/index.ts"
import { UdpTransport } from "../../../src/sip/transport/index.ts"
import { pretendToBeABrowser, silence } from "../../support/fake-browser.ts"

beforeAll(pretendToBeABrowser)

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** The parts of a JsSIP call that this test uses; its own types need a browser's. */
interface Session {
  once(name: string, listener: (event: { cause?: string; originator?: string }) => void): void
  answer(options: object): void
  terminate(): void
}

type Ua = InstanceType<typeof JsSIP.UA>

async function start(input: PeerConfigInput = {}): Promise<Peer> {
  const metrics = new RegistryMetrics()
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics })
  const config = { backend: "memory", domains: ["example.org"], sip: ["udp:127.0.0.1:0", "ws:127.0.0.1:0"], ...input }
  const peer = await createPeer(config, { runtime, metrics })
  ends.push(() => peer.stop())
  await peer.start()
  return peer
}

const portOf = (peer: Peer, protocol: string): number => {
  const listener = peer.addresses.sip.find((text) => text.startsWith(`${protocol}:`)) ?? ""
  return Number(listener.slice(listener.lastIndexOf(":") + 1))
}

/** JsSIP, connected and registered. */
async function browser(name: string, peer: Peer, password = "any"): Promise<Ua> {
  const socket = new JsSIP.WebSocketInterface(`ws://127.0.0.1:${portOf(peer, "ws")}`)
  const ua = new JsSIP.UA({ sockets: [socket], uri: `sip:${name}@example.org`, password, session_timers: false })
  ends.push(() => ua.stop())
  const outcome = new Promise<string>((resolve) => {
    ua.once("registered", () => resolve("registered"))
    ua.once("registrationFailed", ({ cause }) => resolve(String(cause)))
  })
  ua.start()
  expect(await outcome).toBe("registered")
  return ua
}

async function udpPhone(name: string, peer: Peer): Promise<UserAgent> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const agent = new UserAgent(
    { runtime, transport: new UdpTransport({ runtime }, { port: 0 }) },
    { addressOfRecord: `sip:${name}@example.org`, proxy: { host: "127.0.0.1", port: portOf(peer, "udp") } },
  )
  await agent.start()
  ends.push(() => agent.stop())
  expect((await agent.register()).kind).toBe("registered")
  return agent
}

const once = (session: Session, name: string) => new Promise<{ cause?: string; originator?: string }>((resolve) => session.once(name, resolve))

/** Bob answers whoever calls; the result is his side of the first call. */
const answered = (ua: Ua): Promise<Session> =>
  new Promise((resolve) => {
    ua.once("newRTCSession", (event: unknown) => {
      const { session } = event as { session: Session }
      session.answer({ mediaStream: silence })
      resolve(session)
    })
  })

const callFrom = (ua: Ua, to: string): Session => ua.call(to, { mediaStream: silence })

test("it registers, and unregisters", async () => {
  const peer = await start()
  const ua = await browser("alice", peer)
  // Its binding, and the secret of the GRUUs that it has asked for.
  expect(peer.status().servlet.records.owned).toBe(2)
  const gone = new Promise((resolve) => ua.once("unregistered", resolve))
  ua.unregister()
  await gone
  const bob = await udpPhone("bob", peer)
  expect(await bob.call("sip:alice@example.org").outcome).toMatchObject({ kind: "failed", status: 480 })
})

test("it authenticates", async () => {
  const peer = await start({ users: [{ username: "alice", password: "right" }] })
  await browser("alice", peer, "right")
})

describe.each([["one peer", 1], ["two peers", 2]])("with %s between,", (_name, peers) => {
  async function startPeers(): Promise<readonly [Peer, Peer]> {
    const first = await start({ backend: "chord" })
    return [first, peers === 1 ? first : await start({ backend: "chord", bootstrap: first.addresses.listen })]
  }

  test("it calls a UDP phone, and either hangs up", async () => {
    const [here, there] = await startPeers()
    const [alice, bob] = [await browser("alice", here), await udpPhone("bob", there)]
    bob.onEvent((event) => {
      if (event.name === "incoming") event.call.answer()
    })
    const first = callFrom(alice, "sip:bob@example.org")
    await once(first, "confirmed")
    const [atBob] = bob.calls
    first.terminate()
    await atBob?.ended
    const second = callFrom(alice, "sip:bob@example.org")
    const ended = once(second, "ended")
    await once(second, "confirmed")
    bob.calls[0]?.hangUp()
    expect(await ended).toMatchObject({ originator: "remote" })
  })

  test("a UDP phone calls it, and either hangs up", async () => {
    const [here, there] = await startPeers()
    const [alice, bob] = [await browser("alice", here), await udpPhone("bob", there)]
    const first = answered(alice)
    const call = bob.call("sip:alice@example.org")
    expect(await call.outcome).toEqual({ kind: "established" })
    const ended = once(await first, "ended")
    call.hangUp()
    await ended
    const second = answered(alice)
    const again = bob.call("sip:alice@example.org")
    expect(await again.outcome).toEqual({ kind: "established" })
    const session = await second
    session.terminate()
    await again.ended
  })

  test("one browser calls another, which refuses, or is cancelled", async () => {
    const [here, there] = await startPeers()
    const [alice, bob] = [await browser("alice", here), await browser("bob", there)]
    bob.once("newRTCSession", (event: unknown) => (event as { session: Session }).session.terminate())
    const refused = callFrom(alice, "sip:bob@example.org")
    expect(await once(refused, "failed")).toMatchObject({ originator: "remote", cause: "Unavailable" })
    const atBob = new Promise<Session>((resolve) => {
      bob.once("newRTCSession", (event: unknown) => resolve((event as { session: Session }).session))
    })
    const cancelled = callFrom(alice, "sip:bob@example.org")
    const failed = once(await atBob, "failed")
    await once(cancelled, "progress")
    cancelled.terminate()
    expect(await failed).toMatchObject({ originator: "remote", cause: "Canceled" })
  })
})

test("a peer that goes away is noticed, and the phone registers again at the next", async () => {
  const first = await start({ backend: "chord" })
  const second = await start({ backend: "chord", bootstrap: first.addresses.listen })
  const sockets = [first, second].map((peer, index) => ({
    socket: new JsSIP.WebSocketInterface(`ws://127.0.0.1:${portOf(peer, "ws")}`),
    weight: 2 - index,
  }))
  const ua = new JsSIP.UA({ sockets, uri: "sip:alice@example.org", connection_recovery_min_interval: 1, connection_recovery_max_interval: 1 })
  ends.push(() => ua.stop())
  let registered = new Promise((resolve) => ua.once("registered", resolve))
  ua.start()
  await registered
  registered = new Promise((resolve) => ua.once("registered", resolve))
  await first.leave()
  await registered
  const atAlice = answered(ua)
  const bob = await udpPhone("bob", second)
  expect(await bob.call("sip:alice@example.org").outcome).toEqual({ kind: "established" })
  await atAlice
})

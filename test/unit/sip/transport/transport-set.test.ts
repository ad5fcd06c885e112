import { describe, expect, test } from "vitest"
import { SipUri } from "../../../../src/sip/message/index.ts"
import { hostOfPeer } from "../../../../src/sip/transport/overlay-host.ts"
import { TransportSet } from "../../../../src/sip/transport/transport-set.ts"
import type { Flow } from "../../../../src/sip/transport/transport.ts"
import { UdpTransport } from "../../../../src/sip/transport/udp.ts"
import { ManualRuntime } from "../../../support/manual-runtime.ts"
import { MemoryNetwork } from "../../../support/memory-transport.ts"
import { SocketRuntime } from "../../../support/socket-runtime.ts"

const self = hostOfPeer("self")
const other = hostOfPeer("other")

function makeSet() {
  const runtime = new ManualRuntime()
  const network = new MemoryNetwork(runtime)
  const udp = network.add("UDP", "192.0.2.1")
  const tcp = network.add("TCP", "192.0.2.1", 5070)
  const udp6 = network.add("UDP", "2001:db8::1")
  const p2p = network.add("P2P", self)
  return { runtime, network, udp, tcp, udp6, p2p, set: new TransportSet({ runtime, transports: [udp, tcp, udp6, p2p] }) }
}

describe("next hops", () => {
  test.each([
    ["sip:192.0.2.9", { protocol: "UDP", host: "192.0.2.9", port: 5060 }],
    ["sip:bob@192.0.2.9:6000;transport=TCP", { protocol: "TCP", host: "192.0.2.9", port: 6000 }],
    ["sip:[2001:db8::9]", { protocol: "UDP", host: "2001:db8::9", port: 5060 }],
    ["sip:localhost:5061", { protocol: "UDP", host: "127.0.0.1", port: 5061 }],
    ["sip:bob@example.com;maddr=192.0.2.7", { protocol: "UDP", host: "192.0.2.7", port: 5060 }],
    [`sip:token@${other};transport=p2p;lr`, { protocol: "P2P", host: other, port: 0 }],
    [`sip:token@${other}`, { protocol: "P2P", host: other, port: 0 }],
  ])("%s", async (uri, target) => {
    const { set } = makeSet()
    const targets = await set.targetsOf(SipUri.parse(uri))
    expect(targets).toEqual([target])
    expect(targets.map((found) => set.flowTo(found)?.transport.protocol)).toEqual([target.protocol])
  })

  test.each([
    "sip:example.com",
    "sips:192.0.2.9",
    "sip:192.0.2.9;transport=sctp",
    "sip:192.0.2.9;transport=p2p",
    "sip:[2001:db8::9];transport=tcp",
    `sip:${other};transport=udp`,
  ])("%s has none here", async (uri) => {
    expect(await makeSet().set.targetsOf(SipUri.parse(uri))).toEqual([])
  })

  test("the flow's transport is of the target's address family", () => {
    const { set, udp, udp6 } = makeSet()
    expect(set.flowTo({ protocol: "UDP", host: "192.0.2.9", port: 5060 })?.transport).toBe(udp)
    expect(set.flowTo({ protocol: "UDP", host: "2001:db8::9", port: 5060 })?.transport).toBe(udp6)
  })
})

test("this element knows itself by every address it listens at", () => {
  const { set } = makeSet()
  const isSelf = (uri: string) => set.isSelfUri(SipUri.parse(uri))
  expect(["sip:192.0.2.1", "sip:x@192.0.2.1:5070", "sip:[2001:db8::1]", `sip:${self}`, `sip:${self.toUpperCase()}`].map(isSelf)).toEqual(
    Array(5).fill(true),
  )
  expect(["sip:192.0.2.1:5071", "sip:192.0.2.2", `sip:${other}`, "sip:localhost", "sip:example.com"].map(isSelf)).toEqual(Array(5).fill(false))
  expect(set.isSelf("192.0.2.1", 5070, "TCP")).toBe(true)
  expect(set.isSelf("192.0.2.1", 5070, "UDP")).toBe(false)
})

test("a wildcard is every address of this machine", async () => {
  const runtime = new SocketRuntime()
  const udp = new UdpTransport({ runtime }, { host: "0.0.0.0", port: 0, advertise: { host: "203.0.113.5", port: 5060 } })
  const set = new TransportSet({ runtime, transports: [udp] })
  await set.start()
  expect(set.isSelf("127.0.0.1", udp.bound.port)).toBe(true)
  expect(set.isSelf("localhost", udp.bound.port)).toBe(true)
  expect(set.isSelf("203.0.113.5")).toBe(true)
  expect(set.isSelf("203.0.113.5", udp.bound.port)).toBe(udp.bound.port === 5060)
  await set.stop()
})

test("a token leads back to its flow while that is open; afterwards it says so", () => {
  const { set, tcp } = makeSet()
  const flow = tcp.flowTo({ host: "192.0.2.9", port: 40_000 })
  const token = set.tokenOf(flow)
  expect(set.flowOfToken(token)).toBe(flow)
  flow.close()
  expect(set.flowOfToken(token)).toBe("gone")
  expect(set.flowOfToken("garbage")).toBe("forged")
  const anotherSet = new TransportSet({ runtime: new ManualRuntime(2), transports: [tcp] })
  expect(anotherSet.flowOfToken(token)).toBe("forged")
})

test("where one transport cannot start, the others are stopped again", async () => {
  const runtime = new SocketRuntime()
  const first = new UdpTransport({ runtime }, { port: 0 })
  await first.start()
  const second = new UdpTransport({ runtime }, { port: 0 })
  const clash = new UdpTransport({ runtime }, { port: first.bound.port })
  const set = new TransportSet({ runtime, transports: [second, clash] })
  await expect(set.start()).rejects.toMatchObject({ code: "P2PSIP_PORT_IN_USE" })
  const flow: Flow | undefined = second.flowTo({ host: "127.0.0.1", port: 9 })
  expect(flow).toBe(undefined)
  await first.stop()
})

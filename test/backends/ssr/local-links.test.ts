/** Neighbours on network interfaces: who becomes one, who stays one, and what hostile datagrams do to that. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Beacon } from "../../../backends/ssr/beacon.ts"
import { encodeBeacon, encodePacketPiece } from "../../../backends/ssr/beacon.ts"
import type { Address } from "../../../backends/ssr/address.ts"
import { peerIdOf } from "../../../backends/ssr/address.ts"
import { channels } from "../../../src/link/link.ts"
import type { TestNode } from "./ether.ts"
import { TestEthers, TestNetwork } from "./ether.ts"

const beaconMs = 500
const silenceMs = 3.5 * beaconMs

function neighboursOf({ links }: TestNode): Address[] {
  return [...links.neighbours()].sort((a, b) => a - b)
}

function begin(...nodes: readonly TestNode[]): void {
  for (const { link } of nodes) link.enter([])
}

/** Nodes 1 to `count` on one network, after they have found each other. */
async function village(count: number, seed = 1): Promise<{ world: TestEthers; network: TestNetwork; nodes: TestNode[] }> {
  const world = new TestEthers(seed)
  const network = new TestNetwork()
  const nodes = Array.from({ length: count }, (_, at) => world.node(at + 1, { eth0: network }))
  begin(...nodes)
  await world.simulation.run(3 * beaconMs)
  return { world, network, nodes }
}

/** What a stranger at another place says. */
function stranger(network: TestNetwork, { runtime }: TestNode, from = "place of a stranger"): (datagram: Uint8Array, to?: string) => void {
  network.plug({ place: from, receive: () => undefined })
  return (datagram, to) => network.carry(runtime, from, to, datagram)
}

const someBeacon: Beacon = { address: 77, epoch: 5, sequence: 1, intervalMs: beaconMs, heard: [] }

describe("neighbours", () => {
  test("are all that hear each other on one network, within three beacons", async () => {
    const { nodes } = await village(5)
    expect(nodes.map(neighboursOf)).toEqual([[2, 3, 4, 5], [1, 3, 4, 5], [1, 2, 4, 5], [1, 2, 3, 5], [1, 2, 3, 4]])
  })

  test("a node that is heard but does not hear is none", async () => {
    const world = new TestEthers(1)
    const network = new TestNetwork()
    network.loss = (_from, to) => (to === "place of 1" ? 1 : 0)
    const nodes = [1, 2].map((address) => world.node(address, { eth0: network }))
    begin(...nodes)
    await world.simulation.run(20 * beaconMs)
    expect(nodes.map(neighboursOf)).toEqual([[], []])
  })

  test("a network that loses a tenth of all datagrams still makes them, one that loses nine in ten does not", async () => {
    for (const [loss, isLink] of [[0.1, true], [0.9, false]] as const) {
      const world = new TestEthers(3)
      const network = new TestNetwork()
      network.loss = () => loss
      const nodes = [1, 2].map((address) => world.node(address, { eth0: network }))
      begin(...nodes)
      await world.simulation.run(100 * beaconMs)
      expect(nodes.map(({ links }) => links.isNeighbour(1) || links.isNeighbour(2))).toEqual([isLink, isLink])
    }
  })

  test("one that dies is none after three beacons and a half; one that leaves, at once", async () => {
    const { world, network, nodes } = await village(3)
    network.unplug("place of 2")
    await world.simulation.run(silenceMs + beaconMs)
    expect(neighboursOf(nodes[0] as TestNode)).toEqual([3])
    nodes[2]?.link.exit()
    await world.simulation.run(10)
    expect(neighboursOf(nodes[0] as TestNode)).toEqual([])
  })

  test("one that has left and comes back is heard again", async () => {
    const { world, nodes } = await village(2)
    const [first, second] = nodes as [TestNode, TestNode]
    second.link.exit()
    await world.simulation.run(10 * beaconMs)
    begin(second)
    await world.simulation.run(4 * beaconMs)
    expect([first, second].map(neighboursOf)).toEqual([[2], [1]])
  })

  test("two networks between the same nodes are one neighbour, until both are gone", async () => {
    const world = new TestEthers(1)
    const [wire, air] = [new TestNetwork(), new TestNetwork()]
    const nodes = [1, 2].map((address) => world.node(address, { eth0: wire, wlan0: air }))
    const [first] = nodes as [TestNode, TestNode]
    begin(...nodes)
    await world.simulation.run(3 * beaconMs)
    expect(first.links.describe().map(({ on, isUp }) => [on, isUp])).toEqual([["eth0", true], ["wlan0", true]])
    wire.loss = () => 1
    await world.simulation.run(silenceMs + beaconMs)
    expect(neighboursOf(first)).toEqual([2])
    air.loss = () => 1
    await world.simulation.run(silenceMs + beaconMs)
    expect(neighboursOf(first)).toEqual([])
  })

  test("cost more where more gets lost", async () => {
    const world = new TestEthers(4)
    const network = new TestNetwork()
    network.loss = (from, to) => ([from, to].includes("place of 3") ? 0.2 : 0)
    const nodes = [1, 2, 3].map((address) => world.node(address, { eth0: network }))
    begin(...nodes)
    await world.simulation.run(60 * beaconMs)
    const costs = new Map(nodes[0]?.links.describe().map(({ peerId, cost }) => [peerId, cost]))
    expect(costs.get(peerIdOf(2))).toBeCloseTo(1)
    expect(costs.get(peerIdOf(3))).toBeGreaterThan(1.2)
  })
})

describe("packets", () => {
  test("of any length come through as they were, those that are too long for a datagram in pieces", async () => {
    const { world, nodes } = await village(2)
    const [one, two] = nodes as [TestNode, TestNode]
    const came: Uint8Array[] = []
    two.link.onFrame(channels.sip, (from, frame) => {
      expect(from).toBe(peerIdOf(1))
      came.push(Uint8Array.from(frame))
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(3000), fc.integer({ min: 60_000, max: two.link.maxFrameBytes })), fc.nat(255), async (length, fill) => {
        came.length = 0
        const frame = new Uint8Array(length).fill(fill)
        expect(one.link.send(two.link.self.peerId, channels.sip, frame)).toBe(true)
        await world.simulation.run(10)
        expect(came).toEqual([frame])
      }),
      { numRuns: 20 },
    )
  })

  test("longer than a datagram go over a link in pieces; a piece that is lost is the whole packet", async () => {
    const { world, network, nodes } = await village(2)
    const [one, two] = nodes as [TestNode, TestNode]
    const came: Uint8Array[] = []
    two.links.onPacket((from, packet) => void came.push(Uint8Array.of(from, packet.length & 0xff)))
    one.links.send(2, new Uint8Array(5000))
    await world.simulation.run(10)
    expect(came).toHaveLength(1)
    let datagrams = 0
    network.loss = () => (datagrams++ === 2 ? 1 : 0)
    one.links.send(2, new Uint8Array(5000))
    await world.simulation.run(10)
    network.loss = () => 0
    one.links.send(2, new Uint8Array(7))
    await world.simulation.run(10)
    expect(came).toEqual([Uint8Array.of(1, 5000 & 0xff), Uint8Array.of(1, 7)])
  })
})

describe("hostile datagrams", () => {
  test("no bytes whatever make a neighbour, or break one", async () => {
    const { world, network, nodes } = await village(2)
    const say = stranger(network, nodes[0] as TestNode)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(undefined, 0xb1, 0xb2), fc.uint8Array({ maxLength: 60 }), async (kind, rest) => {
        say(kind === undefined ? rest : Uint8Array.of(kind, ...rest))
        await world.simulation.run(20)
      }),
      { numRuns: 100 },
    )
    expect(nodes.map(neighboursOf)).toEqual([[2], [1]])
  })

  test("packets from strangers, and in another's name, are dropped and counted", async () => {
    const { world, network, nodes } = await village(3)
    const came: Address[] = []
    nodes[0]?.links.onPacket((from) => void came.push(from))
    const piece = { address: 2, epoch: 1, sequence: 1, index: 0, count: 1, bytes: new Uint8Array(30) }
    stranger(network, nodes[0] as TestNode)(encodePacketPiece(piece), "place of 1")
    // Node 3 says that it is node 2.
    nodes[2]?.ether.send("eth0", "place of 1", encodePacketPiece(piece))
    await world.simulation.run(10)
    expect(came).toEqual([])
    expect(world.drops()).toMatchObject({ "not a neighbour": 1, forged: 1 })
  })

  test("who takes the address of a neighbour, or of this node, is not heard", async () => {
    const { world, network, nodes } = await village(2)
    const say = stranger(network, nodes[0] as TestNode)
    for (const address of [1, 2]) say(encodeBeacon({ ...someBeacon, address, intervalMs: 0xffff }))
    await world.simulation.run(2 * beaconMs)
    expect(nodes.map(neighboursOf)).toEqual([[2], [1]])
    expect(world.drops()).toMatchObject({ "own address": 2, "duplicate address": 2 })
  })

  test("a beacon that is said again is worth nothing", async () => {
    const { world, network, nodes } = await village(1)
    const say = stranger(network, nodes[0] as TestNode)
    for (let count = 0; count < 30; count++) say(encodeBeacon({ ...someBeacon, heard: [{ address: 1, quality: 1 }] }))
    await world.simulation.run(10)
    expect(neighboursOf(nodes[0] as TestNode)).toEqual([])
    expect(world.drops()).toMatchObject({ "old beacon": 29 })
  })

  test("strangers without number neither fill the table nor drive out a neighbour", async () => {
    const { world, network, nodes } = await village(2)
    const first = nodes[0] as TestNode
    for (let count = 0; count < 1000; count++) {
      stranger(network, first, `place ${count}`)(encodeBeacon({ ...someBeacon, address: 1000 + count }), "place of 1")
      if (count % 50 === 0) await world.simulation.run(100)
    }
    expect(first.links.describe().length).toBeLessThanOrEqual(64)
    expect(neighboursOf(first)).toEqual([2])
    expect(world.drops()["rate"]).toBeGreaterThan(100)
  })

  test("a neighbour that sends more than it may is not heard for the rest of the second", async () => {
    const { world, nodes } = await village(2)
    let came = 0
    nodes[1]?.links.onPacket(() => void came++)
    for (let count = 0; count < 20_000; count++) nodes[0]?.links.send(2, new Uint8Array(10))
    await world.simulation.run(10)
    expect(came).toBeGreaterThan(4900)
    expect(came).toBeLessThan(5200)
    expect(world.drops()["rate"]).toBe(20_000 - came)
  })
})

/** The mesh as a whole: from any connected start one ring, and packets that find their way. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Address } from "../../../backends/ssr/address.ts"
import { clockwise, ringSize } from "../../../backends/ssr/address.ts"
import type { PacketType } from "../../../backends/ssr/packet.ts"
import { encodePacket, packetTypes, payloadTypes, writeAddress } from "../../../backends/ssr/packet.ts"
import { ByteWriter } from "../../../src/codec.ts"
import { TestMesh } from "./mesh.ts"

describe("the ring", () => {
  test.each(["linearization", "isprp"] as const)("from any connected graph every node finds its neighbours, by %s", async (ring) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 24 }), fc.integer({ min: 1, max: 3 }), async (seed, count, degree) => {
        const mesh = new TestMesh(seed, { ring })
        mesh.addConnected(count, degree)
        await mesh.simulation.run(20_000)
        expect(mesh.misplaced()).toEqual([])
      }),
      // Three in a row: the one in the middle is a neighbour of another on one side only, and knows a better one for the other.
      { numRuns: 40, examples: [[1153366739, 3, 1]] },
    )
  })

  test.each(["linearization", "isprp"] as const)("two interleaved rings that a single link joins become one, by %s", async (ring) => {
    const mesh = new TestMesh(1, { ring })
    const [even, odd] = [[20, 40, 60, 80], [10, 30, 50, 70]]
    for (const ring of [even, odd]) ring.forEach((address, at) => mesh.medium.link(address, ring[(at + 1) % ring.length] as number))
    for (const address of [...even, ...odd]) mesh.add(address)
    await mesh.simulation.run(10_000)
    expect(mesh.misplaced()).toHaveLength(8)
    mesh.medium.link(20, 70)
    await mesh.simulation.run(10_000)
    expect(mesh.misplaced()).toEqual([])
  })

  test("no two nodes ever take the same keys for theirs, however many come side by side", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 12 }), fc.integer({ min: 1, max: 12 }), async (seed, count, coming) => {
        const mesh = new TestMesh(seed)
        const addresses = mesh.addConnected(count, 3)
        await mesh.simulation.run(10_000)
        const members = new Set(addresses)
        for (const address of addresses) mesh.nodes.get(address)?.serve()
        await mesh.simulation.run(1_000)
        const newcomers = Array.from({ length: coming }, () => Math.floor(mesh.simulation.random.float() * ringSize))
        for (const address of newcomers) for (const other of mesh.simulation.random.sample([...addresses, ...newcomers], 2)) mesh.medium.link(address, other)
        for (const address of newcomers) mesh.medium.link(address, mesh.simulation.random.pick(addresses) ?? address)
        for (const address of newcomers) mesh.add(address)
        for (let now = 0; now < 10_000; now += 10) {
          await mesh.simulation.run(10)
          for (const [address, node] of mesh.nodes) {
            const { left, right, given } = node.places
            if (members.has(address) || left === undefined || right === undefined || given === undefined) continue
            members.add(address)
            node.serve()
          }
          for (const address of members) {
            const end = mesh.nodes.get(address)?.tenure?.end ?? address
            const inside = [...members].filter((other) => other !== address && clockwise(address, other) < clockwise(address, end))
            expect(inside).toEqual([])
          }
        }
        expect(members.size).toBe(mesh.nodes.size)
      }),
      { numRuns: 20 },
    )
  }, 60_000)

  describe.each(["linearization", "isprp"] as const)("by %s, who has nobody in sight", (ring) => {
    /** Three in a row that all answer for keys; the one in the middle has the others for its neighbours. */
    async function row() {
      const mesh = new TestMesh(7, { ring })
      mesh.medium.link(10, 20)
      mesh.medium.link(20, 30)
      for (const address of [10, 20, 30]) mesh.add(address)
      await mesh.simulation.run(10_000)
      for (const node of mesh.nodes.values()) node.serve()
      await mesh.simulation.run(1_000)
      return { mesh, tenureOf: (address: Address) => mesh.nodes.get(address)?.tenure }
    }

    test("keeps to its keys for a while: its links may all have gone at one time", async () => {
      const { mesh, tenureOf } = await row()
      expect(tenureOf(20)?.end).toBe(30)
      mesh.medium.unlink(20, 30)
      mesh.medium.unlink(10, 20)
      await mesh.simulation.run(2_000)
      expect(tenureOf(20)?.end).toBe(30)
      mesh.medium.link(20, 30)
      mesh.medium.link(10, 20)
      await mesh.simulation.run(10_000)
      expect([10, 20, 30].map((address) => tenureOf(address)?.end)).toEqual([20, 30, 10])
    })

    test("has everything after that", async () => {
      const { mesh, tenureOf } = await row()
      mesh.crash(10)
      mesh.crash(30)
      await mesh.simulation.run(10_000)
      expect(tenureOf(20)?.end).toBe(20)
    })

    test("has everything at once when the only other one says farewell", async () => {
      const { mesh, tenureOf } = await row()
      mesh.crash(30)
      await mesh.simulation.run(40_000)
      expect(tenureOf(20)?.end).toBe(10)
      mesh.nodes.get(10)?.sayFarewell()
      await mesh.simulation.run(100)
      expect(tenureOf(20)?.end).toBe(20)
    })
  })

  test.each(["linearization", "isprp"] as const)("who begins anew in the same process holds nobody to what was agreed before, by %s", async (ring) => {
    const mesh = new TestMesh(6, { ring })
    const [address] = mesh.addConnected(8, 3)
    const node = mesh.nodes.get(address as Address)
    await mesh.simulation.run(10_000)
    expect(node?.places.right).toBeDefined()
    node?.stop()
    expect(node?.places).toEqual({})
    node?.start()
    await mesh.simulation.run(10_000)
    expect(mesh.misplaced()).toEqual([])
  })

  test.each(["linearization", "isprp"] as const)("a tenth of the nodes dies at once; the others close the gaps, by %s", async (ring) => {
    const mesh = new TestMesh(2, { ring })
    const addresses = mesh.addConnected(60, 4)
    await mesh.simulation.run(10_000)
    for (const address of addresses.slice(0, 6)) mesh.crash(address)
    await mesh.simulation.run(60_000)
    expect(mesh.misplaced()).toEqual([])
    const left = [...mesh.nodes.keys()]
    expect(await mesh.lose(left.slice(0, 8), left)).toBe(0)
  })

  test.each(["linearization", "isprp"] as const)("links come and go while nodes move; afterwards all is as it should be, by %s", async (ring) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const mesh = new TestMesh(seed, { ring })
        const addresses = mesh.addConnected(16, 3)
        const { random } = mesh.simulation
        for (let change = 0; change < 20; change++) {
          const [a = 0, b = 0] = random.sample(addresses, 2)
          if (random.float() < 0.5) mesh.medium.link(a, b)
          else if ([...mesh.medium.neighboursOf(a)].length > 1 && [...mesh.medium.neighboursOf(b)].length > 1) mesh.medium.unlink(a, b)
          await mesh.simulation.run(500)
        }
        // Whatever came apart is joined again.
        addresses.forEach((address, at) => mesh.medium.link(address, addresses[(at + 1) % addresses.length] as number))
        await mesh.simulation.run(60_000)
        expect(mesh.misplaced()).toEqual([])
        await mesh.lose(addresses, addresses)
        expect(await mesh.lose(addresses, addresses)).toBe(0)
      }),
      { numRuns: 15 },
    )
  })
})

describe("packets", () => {
  test("do not go round between one that knows of a death and one that does not", async () => {
    const mesh = new TestMesh(5)
    const [source, middle, informed, dead, believer] = [10, 20, 30, 40, 39]
    for (const other of [source, informed, believer]) mesh.medium.link(middle, other)
    mesh.medium.link(informed, dead)
    for (const address of [source, middle, informed, dead, believer]) mesh.add(address)
    await mesh.simulation.run(10_000)
    await mesh.lose([source, believer], [dead])
    mesh.crash(dead)
    let sent = 0
    mesh.onSend = (packet) => void (sent += packet[0] === packetTypes.connect ? 1 : 0)
    mesh.nodes.get(source)?.send(dead, Buffer.from("anybody there?"))
    await mesh.simulation.run(400)
    expect(sent).toBeGreaterThan(3)
    expect(sent).toBeLessThan(15)
  })

  test("find every node from every node, as soon as the ring stands", async () => {
    const mesh = new TestMesh(3)
    const addresses = mesh.addConnected(40)
    await mesh.simulation.run(10_000)
    expect(await mesh.lose(addresses, addresses)).toBe(0)
  })

  test("for any address go to the one node that answers for it", async () => {
    const mesh = new TestMesh(4)
    const addresses = mesh.addConnected(20)
    await mesh.simulation.run(10_000)
    for (let key = 1; key < 30; key++) {
      const target = key * 9_000_000_000_000
      mesh.arrivals.length = 0
      for (const node of mesh.nodes.values()) node.sendToClosest(target, Buffer.from("key"))
      await mesh.simulation.run(2_000)
      const owner = addresses.reduce((best, address) => (clockwise(address, target) < clockwise(best, target) ? address : best))
      expect(mesh.arrivals.map(({ at }) => at)).toEqual(addresses.map(() => owner))
    }
  })

  test("for a node that is not there are answered: unreachable", async () => {
    const mesh = new TestMesh(5)
    const [first] = mesh.addConnected(10)
    await mesh.simulation.run(10_000)
    mesh.nodes.get(first as number)?.send(12_345, Buffer.from("anyone?"))
    await mesh.simulation.run(2_000)
    expect(mesh.arrivals).toEqual([])
    expect(mesh.unreachable).toEqual([12_345])
  })

  test("go round a link that has just broken", async () => {
    const mesh = new TestMesh(6)
    const ring = [10, 20, 30, 40, 50, 60]
    ring.forEach((address, at) => mesh.medium.link(address, ring[(at + 1) % ring.length] as number))
    for (const address of ring) mesh.add(address)
    await mesh.simulation.run(10_000)
    expect(await mesh.lose([10], [30])).toBe(0)
    mesh.medium.unlink(20, 30)
    await mesh.simulation.run(20_000)
    expect(await mesh.lose([10], [30])).toBe(0)
  })

  test("with a route that leads in a circle, or does not lead here, are dropped", async () => {
    const mesh = new TestMesh(7)
    mesh.medium.link(1, 2)
    mesh.add(2)
    const { runtime } = mesh.simulation.addPeer("liar")
    const liar = mesh.medium.attach(runtime, 1)
    for (const bytes of ["03", "0e0000000300000000000100000000000200000000000101", "03ffff", "ff00"]) liar.send(2, Buffer.from(bytes, "hex"))
    await mesh.simulation.run(1_000)
    expect(mesh.arrivals).toEqual([])
    expect(mesh.simulation.metrics.count('p2psip_ssr_dropped_packets_total{reason="malformed"}')).toBe(4)
  })

  test("that tell a node of its own links are not believed", async () => {
    const mesh = new TestMesh(8)
    mesh.medium.link(1, 2)
    mesh.medium.link(2, 3)
    for (const address of [2, 3]) mesh.add(address)
    const { runtime } = mesh.simulation.addPeer("liar")
    const liar = mesh.medium.attach(runtime, 1)
    await mesh.simulation.run(1_000)
    const lies: [PacketType, Address[]][] = [[packetTypes.linkBroken, [2, 3]], [packetTypes.linkBroken, [3, 2]], [packetTypes.unreachable, [3]]]
    for (const [type, about] of lies) {
      const writer = new ByteWriter(12)
      for (const address of about) writeAddress(writer, address)
      liar.send(2, encodePacket({ type, stub: [], route: [1, 2], hop: 0, destination: 2, payloadType: payloadTypes.none, payload: writer.finish() }))
      await mesh.simulation.run(2)
      expect(mesh.nodes.get(2)?.cache.hopsTo(3)).toBe(1)
    }
    expect(mesh.unreachable).toEqual([])
  })
})

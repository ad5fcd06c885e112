/** Packets that hostile nodes write: none makes a node remember more than it should, take a stranger for a neighbour, or fail. */
import fc from "fast-check"
import { expect, test } from "vitest"
import type { Address } from "../../../backends/ssr/address.ts"
import { Agreements } from "../../../backends/ssr/agreements.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import type { Packet, PacketType } from "../../../backends/ssr/packet.ts"
import { encodePacket, originFlag, packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import { Reassembly } from "../../../backends/ssr/reassembly.ts"
import { encodeUpdate } from "../../../backends/ssr/ring-messages.ts"
import { TestMesh } from "./mesh.ts"

const [hostile, victim, friend] = [10, 20, 30] as const
const strangers = (count: number, first = 1_000): Address[] => Array.from({ length: count }, (_, at) => first + at)
const something: Packet = {
  type: packetTypes.connect, stub: [], route: [hostile, victim], hop: 0, destination: victim, payloadType: payloadTypes.none, payload: new Uint8Array(0),
}

/** Two honest nodes with a link, and one whose packets are written here. */
async function besides(): Promise<{ mesh: TestMesh; say: (packet: Packet) => Promise<void> }> {
  const mesh = new TestMesh(1)
  const { runtime } = mesh.simulation.addPeer("hostile")
  const neighbourhood = mesh.medium.attach(runtime, hostile)
  mesh.medium.link(hostile, victim)
  mesh.medium.link(victim, friend)
  for (const address of [victim, friend]) mesh.add(address)
  await mesh.simulation.run(5_000)
  return {
    mesh,
    say: async (packet) => {
      neighbourhood.send(victim, encodePacket(packet))
      await mesh.simulation.run(5)
    },
  }
}

test("no packets whatever make a link where there is none", async () => {
  const node = fc.constantFrom<Address>(hostile, victim, friend, 0, 5, 40, 1_000, 281_474_976_710_655)
  const route = fc.uniqueArray(node, { minLength: 1, maxLength: 8 })
  const address = Buffer.from("00000000001e", "hex")
  const payload = fc.oneof(
    route.map((way) => encodeUpdate({ kind: "candidate", route: way })), fc.constant(encodeUpdate({ kind: "farewell" })),
    fc.constantFrom(address, Buffer.concat([address, address])), fc.uint8Array({ maxLength: 40 }),
  )
  const packet = fc.record({
    type: fc.constantFrom<PacketType>(...Object.values(packetTypes)), stub: fc.uniqueArray(node, { maxLength: 3 }), route, hop: fc.nat(8), destination: node,
    payloadType: fc.oneof(fc.constantFrom(...Object.values(payloadTypes)), fc.nat(2 ** 32 - 1 - originFlag)), origin: node, payload,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(packet, fc.constantFrom("by stub", "by route", "as it is")), { minLength: 1, maxLength: 12 }), async (packets) => {
      const { mesh, say } = await besides()
      for (const [one, how] of packets) {
        const others = one.route.filter((address) => address !== hostile && address !== victim)
        if (how === "as it is") await say(one)
        else if (how === "by stub") await say({ ...one, stub: [victim], route: [...others, victim], hop: others.length })
        else await say({ ...one, stub: [], route: [...others, hostile, victim], hop: others.length })
      }
      const ways = mesh.nodes.get(victim)?.cache.ways() ?? []
      expect([hostile, friend]).toEqual(expect.arrayContaining(ways.filter(({ hops }) => hops === 1).map(({ to }) => to)))
    }),
    { numRuns: 100 },
  )
})

test("a stub route that ends elsewhere than on the source route makes no neighbours", async () => {
  const { mesh, say } = await besides()
  for (const stranger of strangers(600)) await say({ ...something, stub: [victim], route: [stranger, stranger + 10_000], hop: 1 })
  const ways = mesh.nodes.get(victim)?.cache.ways() ?? []
  expect(ways.filter(({ hops }) => hops === 1).map(({ to }) => to)).toEqual([friend])
  expect(ways.length).toBeLessThanOrEqual(ssrSettings().maxRoutes)
})

test("a source route by which no neighbour can have brought a packet makes none", async () => {
  const { mesh, say } = await besides()
  for (const stranger of strangers(600)) await say({ ...something, stub: [victim], route: [stranger, victim], hop: 1 })
  const ways = mesh.nodes.get(victim)?.cache.ways() ?? []
  expect(ways.filter(({ hops }) => hops === 1).map(({ to }) => to).sort()).toEqual([hostile, friend])
})

test("nor does the way to a candidate", async () => {
  const { mesh, say } = await besides()
  for (const stranger of strangers(600)) {
    await say({ ...something, type: packetTypes.update, payload: encodeUpdate({ kind: "candidate", route: [victim, stranger, friend] }) })
  }
  const ways = mesh.nodes.get(victim)?.cache.ways() ?? []
  expect(ways.filter(({ hops }) => hops === 1).map(({ to }) => to).sort()).toEqual([hostile, friend])
  expect(ways.length).toBeLessThanOrEqual(ssrSettings().maxRoutes)
})

test("a payload type beyond all that there are ends no process where the route is at its longest", async () => {
  const { mesh, say } = await besides()
  const route = [...strangers(253), hostile, victim]
  await say({ ...something, route, hop: 253, destination: friend, payloadType: 0xffff_ffff })
  expect(await mesh.lose([friend], [victim])).toBe(0)
})

test("a packet that names hundreds of nodes does not have hundreds of announcements follow it", async () => {
  const mesh = new TestMesh(1)
  const liar = mesh.medium.attach(mesh.simulation.addPeer("hostile").runtime, 450_000)
  const [first, last] = [400_000, 500_000]
  for (const other of [450_000, first]) mesh.medium.link(other, last)
  for (const address of [first, last]) mesh.add(address)
  await mesh.simulation.run(5_000)
  let announced = 0
  mesh.onSend = (packet) => void (announced += packet[0] === packetTypes.newNodeAnnounce ? 1 : 0)
  liar.send(last, encodePacket({ ...something, route: [...strangers(250), 450_000, last], hop: 250, destination: last }))
  await mesh.simulation.run(5)
  expect(announced).toBeGreaterThan(0)
  expect(announced).toBeLessThan(10)
})

test("nodes that come up ever nearer are not remembered each", () => {
  const agreements = new Agreements({ now: () => 0 })
  const asked = strangers(10_000)
  for (const address of asked) agreements.ask(address)
  expect(asked.filter((address) => agreements.isAsked(address)).length).toBeLessThan(1_000)
  expect(agreements.isAsked(asked.at(-1) as Address)).toBe(true)
})

test("frames of which always a piece is missing take a bounded part of the memory, whoever they name as their sender", () => {
  const reassembly = new Reassembly()
  const bytes = new Uint8Array(60_000)
  const senders = strangers(1_000)
  for (const source of senders) for (let index = 1; index < 3; index++) reassembly.add(source, { epoch: 1, sequence: 1, index, count: 3, bytes })
  // Whose first pieces are still there completes its frame.
  const kept = senders.toReversed().filter((source) => reassembly.add(source, { epoch: 1, sequence: 1, index: 0, count: 3, bytes }) !== undefined)
  expect(kept.length * 3 * bytes.length).toBeLessThan(32 * 1024 * 1024)
  expect(kept[0]).toBe(senders.at(-1))
})

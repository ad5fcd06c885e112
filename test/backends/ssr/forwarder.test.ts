/** What becomes of a packet whose way, as others chose it, is not the best or is none. */
import { expect, test } from "vitest"
import { ByteReader } from "../../../src/codec.ts"
import { addressBytes } from "../../../backends/ssr/address.ts"
import type { Neighbourhood } from "../../../backends/ssr/neighbourhood.ts"
import type { Packet } from "../../../backends/ssr/packet.ts"
import { decodePacket, encodePacket, maxRouteLength, packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import { TestMesh } from "./mesh.ts"

const [writer, middle, first, second] = [10, 20, 30, 40] as const

/** Three nodes with links to the one in the middle; the fourth is written here. */
async function around(): Promise<{ mesh: TestMesh; hand: Neighbourhood }> {
  const mesh = new TestMesh(1)
  for (const other of [writer, first, second]) mesh.medium.link(middle, other)
  const hand = mesh.medium.attach(mesh.simulation.addPeer("hand").runtime, writer)
  for (const address of [middle, first, second]) mesh.add(address)
  await mesh.simulation.run(5_000)
  return { mesh, hand }
}

function packet(way: Pick<Packet, "stub" | "route" | "hop" | "destination">): Uint8Array {
  return encodePacket({ type: packetTypes.connect, payloadType: payloadTypes.application, payload: Buffer.from("hello"), ...way })
}

test("who knows the way to a packet's destination sends it there, wherever its route leads", async () => {
  const { mesh, hand } = await around()
  let packets = 0
  mesh.onSend = (frame) => void (packets += Buffer.from(frame).includes("hello") ? 1 : 0)
  hand.send(middle, packet({ stub: [], route: [writer, middle, first], hop: 0, destination: second }))
  await mesh.simulation.run(100)
  expect(mesh.arrivals).toEqual([{ at: second, source: writer, text: "hello", isExact: true }])
  expect(packets).toBe(2)
})

test("who sends a packet elsewhere than its route leads tells a trace", async () => {
  const { mesh, hand } = await around()
  let answer = Buffer.alloc(0)
  hand.onPacket((_neighbour, frame) => void (answer = Buffer.from(frame)))
  const question = Buffer.from([0, 0, 0, 0, 1])
  const way = { stub: [], route: [writer, middle, first], hop: 0, destination: second }
  hand.send(middle, encodePacket({ type: packetTypes.closest, payloadType: payloadTypes.trace, payload: question, ...way }))
  await mesh.simulation.run(100)
  expect(answer.subarray(-addressBytes).readUIntBE(0, addressBytes)).toBe(middle)
})

test("a long route that has forgotten the packet's source begins there again where a node knows the way", async () => {
  const { mesh, hand } = await around()
  const strangers = Array.from({ length: maxRouteLength / 2 }, (_, at) => 1_000 + at)
  const route = [...strangers, writer, middle, second]
  let last: Uint8Array = new Uint8Array(0)
  mesh.onSend = (frame) => void (last = Buffer.from(frame).includes("hello") ? frame : last)
  hand.send(middle, encodePacket({
    type: packetTypes.connect, stub: [], route, hop: strangers.length, destination: second,
    payloadType: payloadTypes.application, origin: first, payload: Buffer.from("hello"),
  }))
  await mesh.simulation.run(100)
  expect(mesh.arrivals).toEqual([{ at: second, source: first, text: "hello", isExact: true }])
  const { route: travelled, origin } = decodePacket(new ByteReader(last), second)
  expect({ travelled, origin }).toEqual({ travelled: [first, middle, second], origin: undefined })
})

test("a packet whose stub route is broken goes on from where it is, in the name of who sent it", async () => {
  const { mesh, hand } = await around()
  const nobody = 99
  hand.send(middle, packet({ stub: [middle, nobody], route: [writer, nobody, first], hop: 1, destination: first }))
  await mesh.simulation.run(100)
  expect(mesh.arrivals).toEqual([{ at: first, source: writer, text: "hello", isExact: true }])
})

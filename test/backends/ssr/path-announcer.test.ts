/** Who is told the way that data has come. */
import { expect, test } from "vitest"
import type { Address } from "../../../backends/ssr/address.ts"
import { GraphMedium } from "../../../backends/ssr/graph-medium.ts"
import type { Packet, PacketType } from "../../../backends/ssr/packet.ts"
import { maxRouteLength, packetTypes, payloadTypes } from "../../../backends/ssr/packet.ts"
import { PathAnnouncer } from "../../../backends/ssr/path-announcer.ts"
import { Simulation } from "../../../src/sim/index.ts"

const here = 9

/** A node that tells others, and whom it has told. */
function listening(): { readonly simulation: Simulation; readonly told: Address[]; readonly arrive: (source: Address, route: readonly Address[], type?: PacketType) => void } {
  const simulation = new Simulation({ seed: 1 })
  const { runtime } = simulation.addPeer("one")
  const told: Address[] = []
  const announcer = new PathAnnouncer({ runtime, neighbourhood: new GraphMedium().attach(runtime, here), send: (to) => told.push(to) })
  const arrive = (source: Address, route: readonly Address[], type: PacketType = packetTypes.connect): void => {
    const way: Pick<Packet, "stub" | "route" | "hop"> = { stub: [], route, hop: route.length - 1 }
    const origin = source === route[0] ? {} : { origin: source }
    announcer.onArrival({ type, destination: here, payloadType: payloadTypes.application, payload: new Uint8Array(0), ...way, ...origin })
  }
  return { simulation, told, arrive }
}

test("the source of data learns the way, once in a while; and where the way is longer than a route the node where that begins", async () => {
  const { simulation, told, arrive } = listening()
  arrive(1, [1, 2, here])
  arrive(1, [1, 3, here])
  arrive(2, [2, here])
  expect(told).toEqual([1])
  arrive(4, [5, 6, here])
  expect(told).toEqual([1, 4, 5])
  await simulation.run(10_000)
  arrive(1, [1, 2, here])
  expect(told).toEqual([1, 4, 5, 1])
})

test("a node that is told of a way too long for a route tells back who is near it, once", () => {
  const { told, arrive } = listening()
  const long = [...Array.from({ length: maxRouteLength / 2 }, (_, at) => 1_000 + at), here]
  arrive(4, long, packetTypes.pathAnnounce)
  arrive(4, long, packetTypes.pathAnnounce)
  expect(told).toEqual([4, 1_000])
  // Stranded on the way.
  arrive(5, [6, 7, here], packetTypes.pathAnnounce)
  arrive(1, [1, 2, here], packetTypes.pathAnnounce)
  expect(told).toEqual([4, 1_000])
})

/** Who is told the way that data has come. */
import { expect, test } from "vitest"
import type { Address } from "../../../backends/ssr/address.ts"
import { GraphMedium } from "../../../backends/ssr/graph-medium.ts"
import { PathAnnouncer } from "../../../backends/ssr/path-announcer.ts"
import { Simulation } from "../../../src/sim/index.ts"

test("the source of data learns the way, once in a while; and where the way is longer than a route the node where that begins", async () => {
  const simulation = new Simulation({ seed: 1 })
  const { runtime } = simulation.addPeer("one")
  const told: Address[] = []
  const announcer = new PathAnnouncer({ runtime, neighbourhood: new GraphMedium().attach(runtime, 9), send: (to) => told.push(to) })
  announcer.onData(1, [1, 2, 9])
  announcer.onData(1, [1, 3, 9])
  announcer.onData(2, [2, 9])
  expect(told).toEqual([1])
  announcer.onData(4, [5, 6, 9])
  expect(told).toEqual([1, 4, 5])
  await simulation.run(10_000)
  announcer.onData(1, [1, 2, 9])
  expect(told).toEqual([1, 4, 5, 1])
})

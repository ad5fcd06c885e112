/** The mesh as a Link, where nodes are simulated; real interfaces are in `libp2p.test.ts` and `test/mesh`. */
import { expect, test } from "vitest"
import { GraphMedium } from "../../../backends/ssr/graph-medium.ts"
import { MeshLink } from "../../../backends/ssr/mesh-link.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import { channels } from "../../../src/link/link.ts"
import { Simulation } from "../../../src/sim/index.ts"

const wires = {
  addresses: [], isLossy: false, usualPacketBytes: 1200, listenMs: 0,
  describe: () => [], open: () => Promise.resolve(), close: () => Promise.resolve(), start: () => undefined, stop: () => undefined,
}

test.each(["overlay", "sip", "media"] as const)("a receiver of %s that throws stops neither the node nor the next frame", async (name) => {
  const simulation = new Simulation({ seed: 1 })
  const medium = new GraphMedium()
  medium.link(1, 2)
  const [one, two] = [1, 2].map((address) => {
    const { runtime } = simulation.addPeer(`node ${address}`)
    const link = new MeshLink({ runtime, mesh: Object.assign(medium.attach(runtime, address), wires) }, ssrSettings({}))
    link.enter([])
    return link
  }) as [MeshLink, MeshLink]
  await simulation.run(5_000)
  const received: string[] = []
  two.onFrame(channels[name], (_from, frame) => {
    received.push(Buffer.from(frame).toString())
    if (received.length === 1) throw new Error("a defect")
  })
  for (const text of ["first", "second"]) one.send(two.self.peerId, channels[name], Buffer.from(text))
  await simulation.run(1_000)
  expect(received).toEqual(["first", "second"])
})

/** How members come and go. */
import { expect, test } from "vitest"
import { createLink } from "../../../backends/ssr/index.ts"
import type { MeshLink } from "../../../backends/ssr/mesh-link.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import { SsrRouting } from "../../../backends/ssr/routing.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Simulation } from "../../../src/sim/index.ts"
import { TestEthers, TestNetwork } from "./ether.ts"

/** Members without the storage above them, each of which enters by the first. */
class Ring {
  readonly simulation = new Simulation({ seed: 1, latency: 20 })
  readonly links: MeshLink[] = []
  #contacts: readonly Member[] = []

  join(name: string, signal = new AbortController().signal): { readonly link: MeshLink; readonly joined: Promise<void> } {
    const { runtime, link: beneath } = this.simulation.addPeer(name)
    const link = createLink({ runtime, name, beneath: () => beneath })
    void link.start()
    const joined = new SsrRouting({ runtime, link }, ssrSettings()).join(this.#contacts, signal)
    if (this.#contacts.length === 0) this.#contacts = [memberOf(beneath.self)]
    this.links.push(link)
    return { link, joined }
  }

  /** Those that have a node for their neighbour. */
  beside({ node }: MeshLink): MeshLink[] {
    return this.links.filter(({ node: { places } }) => places.left === node.address || places.right === node.address)
  }
}

test("who gives up joining says farewell to those that wait for it to answer for keys", async () => {
  const ring = new Ring()
  for (const name of ["a", "b", "c", "d"]) {
    ring.join(name)
    await ring.simulation.run(10_000)
  }
  const controller = new AbortController()
  const { link, joined } = ring.join("e", controller.signal)
  const outcome = joined.catch((error: unknown) => error)
  while (ring.beside(link).length === 0) await ring.simulation.run(10)
  expect(link.node.tenure).toBeUndefined()
  controller.abort(new Error("called off"))
  await ring.simulation.run(500)
  expect(await outcome).toEqual(new Error("called off"))
  expect(ring.beside(link)).toEqual([])
})

test("a node whose neighbour cannot speak for three seconds does not begin with a mesh of its own", async () => {
  const ethers = new TestEthers(1)
  const [cable, plugged] = [new TestNetwork(), new TestNetwork()]
  const [first, second, late] = [ethers.node(1, { cable }), ethers.node(2, { cable }), ethers.node(3, { plugged })]
  const join = ({ runtime, link }: typeof late): Promise<void> => new SsrRouting({ runtime, link }, ssrSettings()).join([], new AbortController().signal)
  const begun = [join(first), join(second)]
  await ethers.simulation.run(30_000)
  await Promise.all(begun)
  let isIn = false
  void join(late).then(() => (isIn = true))
  await ethers.simulation.run(3_000)
  second.ether.plug("plugged", plugged)
  while (!isIn) await ethers.simulation.run(10)
  // Otherwise it would answer for all keys there are.
  expect(late.link.node.tenure).toEqual({ end: 1, limit: 1 })
})

/** Neighbours by wire: a few links each, and meshes that come apart and meet again, however many links are in use. */
import { describe, expect, test } from "vitest"
import { MeshLink } from "../../../backends/ssr/mesh-link.ts"
import type { HelloKind } from "../../../backends/ssr/hello.ts"
import { encodeHello, helloKinds } from "../../../backends/ssr/hello.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import { Wired } from "../../../backends/ssr/wired.ts"
import { channels } from "../../../src/link/link.ts"
import { Simulation } from "../../../src/sim/index.ts"
import type { SimPeer } from "../../../src/sim/sim-peer.ts"
import { simAddress } from "../../../src/sim/sim-link.ts"

/** Peers by twos, one for each half: a mesh that may be cut. */
class WiredMesh {
  readonly simulation: Simulation
  readonly links: MeshLink[] = []
  readonly wires: Wired[] = []
  readonly names: string[] = []
  /** Hellos of those who find no way to somebody. */
  searches = 0
  readonly #wiredLinks: number

  constructor(seed: number, wiredLinks: number) {
    this.simulation = new Simulation({ seed, latency: 20 })
    this.#wiredLinks = wiredLinks
  }

  get half(): string[] {
    return this.names.filter((_, at) => at % 2 === 0)
  }

  async grow(count: number): Promise<void> {
    const { random } = this.simulation
    while (this.names.length < count) {
      this.#add(`n${this.names.length}`, random.sample(this.names, 3))
      await this.simulation.run(200)
    }
  }

  /** How many links each has. */
  degrees(): number[] {
    return this.wires.map((wired) => [...wired.neighbours()].length)
  }

  /** Those whose neighbours on the ring are not what they should be. */
  misplaced(): number {
    const ring = this.links.map(({ node }) => node).sort((a, b) => a.address - b.address)
    return ring.filter(({ places }, at) => places.left !== ring.at(at - 1)?.address || places.right !== ring[(at + 1) % ring.length]?.address).length
  }

  #add(name: string, contacts: readonly string[]): void {
    const { runtime, link: beneath } = this.simulation.addPeer(name)
    const settings = ssrSettings({ wiredLinks: this.#wiredLinks })
    const send = beneath.send.bind(beneath)
    beneath.send = (to, channel, frame) => {
      if (channel === channels.overlay && frame[0] === helloKinds.seek) this.searches++
      return send(to, channel, frame)
    }
    const wired = new Wired({ runtime, link: beneath }, settings)
    const link = new MeshLink({ runtime, mesh: wired }, settings)
    this.names.push(name)
    this.wires.push(wired)
    this.links.push(link)
    void link.start()
    link.enter(contacts.map(simAddress))
  }
}

test.each([[1, 5], [2, 9], [4, 17]])("who looks for %i links, %i of them in either mesh: all their links are in use, and they become one when they meet again", async (wiredLinks, half) => {
  const mesh = new WiredMesh(half, wiredLinks)
  await mesh.grow(2 * half)
  await mesh.simulation.run(30_000)
  mesh.simulation.network.partition([mesh.half])
  await mesh.simulation.run(900_000)
  // Nobody looks for more, nor grants any to those who have some.
  expect(mesh.degrees()).toEqual(mesh.names.map(() => 4 * wiredLinks))
  expect(mesh.misplaced()).toBeGreaterThan(0)
  mesh.simulation.network.heal()
  await mesh.simulation.run(30_000)
  expect(mesh.misplaced()).toBe(0)
  expect(mesh.searches).toBeGreaterThan(0)
  expect(Math.max(...mesh.degrees())).toBeLessThanOrEqual(9 * wiredLinks)
  await mesh.simulation.run(300_000)
  const { searches } = mesh
  await mesh.simulation.run(60_000)
  expect(mesh.searches).toBe(searches)
}, 300_000)

test("two meshes so large that each has forgotten the other's peers for its own become one when they meet again", async () => {
  const mesh = new WiredMesh(1, 4)
  await mesh.grow(160)
  await mesh.simulation.run(60_000)
  mesh.simulation.network.partition([mesh.half])
  await mesh.simulation.run(120_000)
  expect(mesh.misplaced()).toBeGreaterThan(0)
  mesh.simulation.network.heal()
  await mesh.simulation.run(30_000)
  expect(mesh.misplaced()).toBe(0)
}, 300_000)

test("links are granted, not taken: who says yes without having been asked has none", async () => {
  const simulation = new Simulation({ seed: 2, latency: 20 })
  const [one, other] = ["one", "other"].map((name) => simulation.addPeer(name))
  if (one === undefined || other === undefined) return expect.unreachable()
  const wired = new Wired({ runtime: one.runtime, link: one.link }, ssrSettings())
  await Promise.all([wired.open(), other.link.start()])
  wired.start([])
  const say = async (kind: HelloKind): Promise<void> => {
    other.link.send(one.link.self.peerId, channels.overlay, encodeHello({ kind, addresses: [], others: [] }))
    await simulation.run(1_000)
  }
  other.link.learn(one.link.self)
  await say(helloKinds.yes)
  expect([...wired.neighbours()]).toEqual([])
  await say(helloKinds.ask)
  expect([...wired.neighbours()]).toHaveLength(1)
})

test("a neighbour's word that another one is silent is looked into, not believed; a stranger's is nothing", async () => {
  const simulation = new Simulation({ seed: 3, latency: 20 })
  const [one, liar, victim] = ["one", "liar", "victim"].map((name) => simulation.addPeer(name))
  if (one === undefined || liar === undefined || victim === undefined) return expect.unreachable()
  const wired = new Wired({ runtime: one.runtime, link: one.link }, ssrSettings())
  await Promise.all([wired.open(), liar.link.start(), victim.link.start()])
  wired.start([])
  let asked = 0
  let answers = true
  victim.link.onFrame(channels.overlay, (_from, frame) => {
    if (frame[0] !== helloKinds.ask) return
    asked++
    if (answers) hello(victim, helloKinds.yes)
  })
  const hello = (peer: SimPeer, kind: HelloKind, others: readonly SimPeer[] = []): void => {
    peer.link.learn(one.link.self)
    peer.link.send(one.link.self.peerId, channels.overlay, encodeHello({ kind, addresses: [], others: others.map(({ link }) => link.self) }))
  }
  hello(victim, helloKinds.ask)
  await simulation.run(1_000)
  for (let times = 0; times < 100; times++) hello(liar, helloKinds.silent, [victim])
  await simulation.run(1_000)
  expect(asked).toBe(0)
  hello(liar, helloKinds.ask)
  await simulation.run(100)
  for (let times = 0; times < 100; times++) hello(liar, helloKinds.silent, [victim])
  await simulation.run(4_000)
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(5)
  expect([...wired.neighbours()]).toHaveLength(2)
  answers = false
  hello(liar, helloKinds.silent, [victim])
  await simulation.run(4_000)
  expect([...wired.neighbours()]).toHaveLength(1)
})

test("a neighbour that dies without breaking its connection is missed within twenty seconds, though nobody sends anything", async () => {
  const simulation = new Simulation({ seed: 4, latency: 20 })
  const [one, other] = ["one", "other"].map((name) => simulation.addPeer(name))
  if (one === undefined || other === undefined) return expect.unreachable()
  const wires = [one, other].map(({ runtime, link }) => new Wired({ runtime, link }, ssrSettings()))
  await Promise.all(wires.map((wired) => wired.open()))
  wires[0]?.start([])
  wires[1]?.start([one.link.self])
  await simulation.run(60_000)
  expect([...(wires[0]?.neighbours() ?? [])]).toHaveLength(1)
  simulation.network.partition([["other"]])
  await simulation.run(20_000)
  expect([...(wires[0]?.neighbours() ?? [])]).toEqual([])
})

describe("a neighbour to which packets go, and from which nothing comes", () => {
  async function pair() {
    const simulation = new Simulation({ seed: 5, latency: 20 })
    const wires = ["one", "other"].map((name) => {
      const { runtime, link } = simulation.addPeer(name)
      return { wired: new Wired({ runtime, link }, ssrSettings()), self: link.self }
    })
    const [one, other] = wires
    if (one === undefined || other === undefined) throw new Error("two wires")
    await Promise.all(wires.map(({ wired }) => wired.open()))
    one.wired.start([])
    other.wired.start([one.self])
    await simulation.run(5_000)
    /** Sends a packet every 100 ms, whether there is a link or not. */
    const talk = async (forMs: number): Promise<void> => {
      for (let passedMs = 0; passedMs < forMs; passedMs += 100) {
        one.wired.send(other.wired.self, Uint8Array.of(1))
        await simulation.run(100)
      }
    }
    const isNeighbour = (): boolean => one.wired.isNeighbour(other.wired.self) && [...one.wired.neighbours()].length === 1
    return { simulation, talk, isNeighbour }
  }

  test("stays one, if it answers when it is asked", async () => {
    const { talk, isNeighbour } = await pair()
    await talk(30_000)
    expect(isNeighbour()).toBe(true)
  })

  test("is none after a second and a half, if it does not; and one again as soon as it is heard", async () => {
    const { simulation, talk, isNeighbour } = await pair()
    simulation.network.partition([["other"]])
    await talk(1_700)
    expect(isNeighbour()).toBe(false)
    simulation.network.heal()
    await talk(3_000)
    expect(isNeighbour()).toBe(true)
  })

  test("has more time if its connection broke: another one has to be made", async () => {
    const { simulation, talk, isNeighbour } = await pair()
    simulation.network.resetConnections(1)
    simulation.network.partition([["other"]])
    await talk(2_500)
    expect(isNeighbour()).toBe(true)
    await talk(2_500)
    expect(isNeighbour()).toBe(false)
  })
})

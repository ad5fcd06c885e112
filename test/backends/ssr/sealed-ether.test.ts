/** The secret of a mesh: who knows it is heard, who does not is not. */
import { expect, test } from "vitest"
import type { Beacon } from "../../../backends/ssr/beacon.ts"
import { encodeBeacon } from "../../../backends/ssr/beacon.ts"
import { interfacesSchema } from "../../../backends/ssr/interfaces.ts"
import { LocalLinks } from "../../../backends/ssr/local-links.ts"
import { SealedEther, tagBytes } from "../../../backends/ssr/sealed-ether.ts"
import { TestEther, TestEthers, TestNetwork } from "./ether.ts"

const beaconMs = 500

/** Nodes on one network, one for each secret; undefined: none. */
async function nodesWith(secrets: readonly (string | undefined)[]): Promise<{ world: TestEthers; network: TestNetwork; links: LocalLinks[] }> {
  const world = new TestEthers(1)
  const network = new TestNetwork()
  const links = secrets.map((secret, at) => {
    const { runtime } = world.simulation.addPeer(`node ${at + 1}`)
    const open = new TestEther(runtime, `place of ${at + 1}`)
    open.plug("eth0", network)
    const ether = secret === undefined ? open : new SealedEther({ ether: open, metrics: runtime.metrics }, secret)
    return new LocalLinks({ runtime, ether, address: at + 1 }, { beaconMs, maxNeighbours: 64, maxDatagramsPerSecond: 5000 })
  })
  for (const link of links) link.start()
  await world.simulation.run(4 * beaconMs)
  return { world, network, links }
}

test("neighbours are those with the same secret", async () => {
  const secret = "correct horse battery"
  const { world, links } = await nodesWith([secret, secret, "correct horse batterz", undefined, undefined])
  expect(links.map((link) => [...link.neighbours()])).toEqual([[2], [1], [], [5], [4]])
  expect(world.drops()["no secret"]).toBeGreaterThan(0)
})

test("packets between them arrive as they were sent", async () => {
  const { world, links } = await nodesWith(["correct horse battery", "correct horse battery"])
  const arrived: string[] = []
  links[1]?.onPacket((neighbour, packet) => arrived.push(`${neighbour} ${Buffer.from(packet).toString()}`))
  expect(links[0]?.send(2, Buffer.from("hello"))).toBe(true)
  expect(links[0]?.send(2, Buffer.alloc(3_000, "x"))).toBe(true)
  await world.simulation.run(100)
  expect(arrived).toEqual(["1 hello", `1 ${"x".repeat(3_000)}`])
})

test("whatever a stranger says, changed, cut or without a tag, makes it no neighbour", async () => {
  const { world, network, links } = await nodesWith(["correct horse battery"])
  const { runtime } = world.simulation.addPeer("stranger")
  const said: Uint8Array[] = []
  network.plug({ place: "stranger", receive: (_from, datagram) => said.push(Uint8Array.from(datagram)) })
  await world.simulation.run(2 * beaconMs)
  const beacon: Beacon = { address: 77, epoch: 5, sequence: 1, intervalMs: beaconMs, heard: [{ address: 1, quality: 1 }] }
  const true1 = said[0] as Uint8Array
  const changed = Uint8Array.from(true1)
  changed[3] = 0xff ^ (changed[3] ?? 0)
  const guessed = Buffer.concat([encodeBeacon(beacon), Buffer.alloc(tagBytes)])
  for (const datagram of [encodeBeacon(beacon), guessed, changed, true1.subarray(0, 20), new Uint8Array(0), new Uint8Array(tagBytes)]) {
    for (let times = 0; times < 3; times++) network.carry(runtime, "stranger", undefined, datagram)
  }
  await world.simulation.run(2 * beaconMs)
  expect([...(links[0]?.describe() ?? [])]).toEqual([])
  expect(world.drops()).toEqual({ "no secret": 18 })
})

test("a secret of less than 16 characters is refused", () => {
  expect(interfacesSchema.safeParse({ interfaces: ["lo"], secret: "too short" }).success).toBe(false)
  expect(interfacesSchema.safeParse({ interfaces: ["lo"], secret: "long enough a secret" }).success).toBe(true)
})

/** What the npm package `kademlia-dht` does wrong, and what therefore must not happen here. */
import { describe, expect, test } from "vitest"
import { ContactTable } from "../../../backends/kademlia/contact-table.ts"
import { createBackend } from "../../../backends/kademlia/index.ts"
import { LookupList, PackageRoutingTable, contactOf, packageId, packageIdBytes } from "../../../backends/kademlia/kademlia-dht.ts"
import type { KademliaRouting } from "../../../backends/kademlia/routing.ts"
import { Shortlist } from "../../../backends/kademlia/shortlist.ts"
import { commonPrefixBits } from "../../../backends/kademlia/xor.ts"
import { idBytes } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { memberOf } from "./arbitraries.ts"
import type { RoutingPeer } from "../routing-overlay.ts"
import { withoutTable } from "../routing-overlay.ts"
import { KademliaOverlay } from "./kademlia-overlay.ts"
import { simulatedNetwork } from "../networks.ts"

type Peer = RoutingPeer<KademliaRouting>

const self = "0".repeat(40)

const near = (count: number): Member[] => Array.from({ length: count }, (_, at) => memberOf(`00${at.toString(16)}`.padEnd(40, "1")))
const far = (count: number): Member[] => Array.from({ length: count }, (_, at) => memberOf(`8${at.toString(16)}`.padEnd(40, "1")))
const sharedBits = ({ routing }: Peer, id: string): number => commonPrefixBits(routing.self.id, id)
const idsOf = (all: Iterable<Member>): string[] => [...all].map(({ id }) => id).sort()

describe("eviction", () => {
  const day = 86_400_000
  const quiet = { ...withoutTable, k: 8, maxExchangeMs: day, minExchangeMs: day, refreshMs: day }

  /** A peer whose farthest bucket is full of contacts that have been silent for minutes; they come with their order unknown. */
  async function fullBucket(seed: number) {
    const overlay = new KademliaOverlay({ seed, kademlia: quiet })
    await overlay.grow(60)
    const peer = overlay.get("p0")
    const contacts = (): string[] => {
      const { contacts: all = [] } = peer.routing.describe().neighbours
      return all.filter(({ id = "" }) => sharedBits(peer, id) === 0).map(({ peerId }) => peerId).sort()
    }
    const lookUp = async (asker: Peer, key: string): Promise<void> => {
      // To be told of a silent peer makes it look who is there.
      asker.routing.nextHop(key, new Set(["nobody"]))
      await overlay.simulation.run(120_000)
    }
    await lookUp(peer, peer.routing.self.id.replace(/^./, (digit) => (parseInt(digit, 16) ^ 8).toString(16)))
    return { overlay, peer, contacts, lookUp }
  }

  /** Peers of its farthest bucket join, and ask it something. */
  async function flood({ overlay, peer, lookUp }: Awaited<ReturnType<typeof fullBucket>>): Promise<Peer[]> {
    const heard: Peer[] = []
    for (let at = 0; heard.length < 6; at++) {
      const newcomer = await overlay.join(`n${at}`, "p0")
      if (sharedBits(peer, newcomer.routing.self.id) > 0) continue
      heard.push(newcomer)
      await lookUp(newcomer, peer.routing.self.id)
    }
    return heard
  }

  test("contacts stay when they answer their pings, and newcomers wait", async () => {
    const scene = await fullBucket(1)
    const before = scene.contacts()
    expect(before).toHaveLength(8)
    await flood(scene)
    expect(scene.contacts()).toEqual(before)
  })

  test("contacts go when they do not answer, and those that waited take their places", async () => {
    const scene = await fullBucket(2)
    const before = scene.contacts()
    expect(before).toHaveLength(8)
    const newcomers = await flood(scene)
    const dead = before.slice(0, 3)
    for (const name of dead) scene.overlay.crash(name)
    for (let round = 0; round < 3; round++) for (const newcomer of newcomers) await scene.lookUp(newcomer, scene.peer.routing.self.id)
    const after = scene.contacts()
    expect(after.filter((name) => dead.includes(name))).toEqual([])
    expect(after).toEqual(expect.arrayContaining(before.slice(3)))
    expect(after).toHaveLength(8)
  })
})

describe("the tree of buckets", () => {
  test("in the package, a contact is dropped without a word when its bucket stays full after a split", () => {
    const table = new PackageRoutingTable(packageId(self), 3)
    for (const member of near(3)) table.store(contactOf(member))
    const [, , , dropped] = near(4) as [Member, Member, Member, Member]
    expect(table.store(contactOf(dropped))).toBeNull()
    expect(table.find(packageId(dropped.id), 8).map(({ endpoint }) => endpoint.id)).not.toContain(dropped.id)
  })

  test("here, no contact is dropped while its bucket has room", () => {
    const all = [...near(3), memberOf("4".padEnd(40, "1")), memberOf("2".padEnd(40, "1"))]
    const table = new ContactTable(self, 3)
    for (const member of all) table.heard(member, 0)
    expect(idsOf(table.closest(self, 20))).toEqual(idsOf(all))
  })

  test("in the package, near contacts keep far ones out; here they do not", () => {
    const table = new PackageRoutingTable(packageId(self), 3)
    for (const member of near(3)) table.store(contactOf(member))
    const [newcomer] = far(1) as [Member]
    expect(table.store(contactOf(newcomer))).not.toBeNull()

    const here = new ContactTable(self, 3)
    for (const member of [...near(3), ...far(3)]) here.heard(member, 0)
    expect(idsOf(here.closest(self, 20))).toEqual(idsOf([...near(3), ...far(3)]))
  })

  test("ids are as long as ours, and in the same order of bits", () => {
    expect(packageIdBytes).toBe(idBytes)
    expect(packageId("8123456789abcdef".padEnd(40, "0")).toString()).toBe("8123456789abcdef".padEnd(40, "0"))
  })
})

describe("the list of a look-up", () => {
  const [a, b] = far(2) as [Member, Member]

  test("in the package, a contact that failed is handed out again when somebody names it", () => {
    const list = new LookupList(packageId(self), 3)
    list.insert(contactOf(a))
    list.next()
    list.remove(contactOf(a))
    list.insert(contactOf(a))
    expect(list.next()?.endpoint).toBe(a)
  })

  test("here it is not", () => {
    const list = new Shortlist(self, 3)
    list.add([a])
    list.next()
    list.fail(a)
    list.add([a, b])
    expect([list.next(), list.next()]).toEqual([b, undefined])
    expect(list.members).toEqual([b])
  })
})

describe("keys and peers may have any name", () => {
  const names = ["hasOwnProperty", "__proto__", "constructor", "toString", ""]

  test.each(names.slice(0, 4))("a value under the key %j is stored, read and removed", async (name) => {
    const network = await simulatedNetwork(createBackend, 1)
    const [one, other] = [await network.create(), await network.create()]
    await network.run(one.join([]))
    await network.run(other.join(network.bootstrap()))
    await network.run(one.put(name, "value"))
    const values = await network.run(other.get(name))
    expect(values.map(({ value }) => Buffer.from(value).toString())).toEqual(["value"])
    for (const { valueHash } of values) await network.run(other.remove(name, valueHash))
    expect(await network.run(one.get(name))).toEqual([])
  })

  test("peers of such names are contacts like others", () => {
    const table = new ContactTable(self, 3)
    const all = names.map((peerId, at) => ({ id: `${at + 1}`.padEnd(40, "1"), peerId, addresses: [] }))
    for (const member of all) table.heard(member, 0)
    for (const member of all) expect(table.get(member.peerId, member.id)).toBe(member)
    const list = new Shortlist(self, 8)
    list.add(all)
    expect(idsOf(list.members)).toEqual(idsOf(all))
    for (const member of all) table.remove(member)
    expect(table.size).toBe(0)
  })
})

describe("what is stored", () => {
  async function threePeers() {
    const network = await simulatedNetwork(createBackend, 3)
    const servlets = []
    for (let at = 0; at < 3; at++) {
      const servlet = await network.create()
      await network.run(servlet.join(network.bootstrap()))
      servlets.push(servlet)
    }
    const [one, other, third] = servlets
    if (one === undefined || other === undefined || third === undefined) throw new Error("three peers were made")
    return { network, one, other, third }
  }

  test("expires", async () => {
    const { network, one, other } = await threePeers()
    await network.run(one.put("key", "value", { ttlSeconds: 2 }))
    await network.advance(1_000)
    expect(await network.run(other.get("key"))).toHaveLength(1)
    await network.advance(1_500)
    expect(await network.run(other.get("key"))).toEqual([])
  })

  test("comes to newer, closer peers, and outlives those who had it first", async () => {
    const { network, one, other, third } = await threePeers()
    const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`)
    for (const key of keys) await network.run(one.put(key, "value"))
    const newcomers = []
    for (let at = 0; at < 3; at++) {
      const newcomer = await network.create()
      await network.run(newcomer.join(network.bootstrap()))
      newcomers.push(newcomer)
    }
    for (const old of [one, other, third]) await network.run(old.leave())
    const [reader] = newcomers
    for (const key of keys) expect(await network.run(reader?.get(key) ?? Promise.resolve([]))).toHaveLength(1)
  })
})

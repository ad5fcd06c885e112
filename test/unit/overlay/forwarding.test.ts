import { describe, expect, it } from "vitest"
import { idOfKey, isBetween, isBetweenOrAt } from "../../../src/overlay/id.ts"
import type { Id } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import type { OverlayOptions, RoutingFactory } from "../../../src/overlay/index.ts"
import type { LookupEvent } from "../../../src/servlet/index.ts"
import { OverlayWorld } from "../../support/overlay-world.ts"
import type { WorldPeer } from "../../support/overlay-world.ts"
import { Directory, StaticRouting } from "../../support/static-routing.ts"

/** Peers that see no farther than the next two clockwise, so that an operation has to pass many. */
class NarrowRouting extends StaticRouting {
  override nextHop(key: Id, excluded: ReadonlySet<string> = new Set()): Member | undefined {
    if (this.isResponsible(key)) return undefined
    const [self, ...others] = this.replicaSet(this.self.id, 3)
    if (self?.peerId !== this.self.peerId) return undefined
    const owner = others.findIndex(({ id }) => isBetweenOrAt(self.id, key, id))
    const best = owner >= 0 ? others.slice(owner) : others.filter(({ id }) => isBetween(self.id, id, key)).toReversed()
    return [...best, ...others].find(({ peerId }) => !excluded.has(peerId))
  }
}

class NarrowDirectory extends Directory {
  override readonly create: RoutingFactory = ({ runtime, self }) => new NarrowRouting(this, runtime, self)
}

/** Peers in the order of the ring, and a key whose owner is the one before the first: the farthest of all. */
async function ringOf(count: number, options: OverlayOptions = {}): Promise<{ world: OverlayWorld; ring: WorldPeer[]; key: string }> {
  const world = new OverlayWorld({ strayIntervalMs: 3_600_000, repairIntervalMs: 3_600_000, ...options }, { latency: 10 }, new NarrowDirectory())
  await world.joinMany(count)
  const placeOf = ({ servlet }: WorldPeer): Id => servlet.status().self?.id ?? ""
  const ring = world.peers.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
  const [before, last] = ring.slice(-2)
  if (before === undefined || last === undefined) throw new Error("expected two peers or more")
  const key = Array.from({ length: 10_000 }, (_, i) => `key${i}`).find((text) => isBetweenOrAt(placeOf(before), idOfKey(Buffer.from(text)), placeOf(last)))
  return { world, ring, key: key ?? "" }
}

const first = ([peer]: readonly WorldPeer[]): WorldPeer => {
  if (peer === undefined) throw new Error("no peers")
  return peer
}

const counted = (world: OverlayWorld, name: string): number => world.simulation.metrics.count(`p2psip_overlay_${name}_total`)
const hopsOf = (world: OverlayWorld): number => world.simulation.metrics.histograms.get("p2psip_overlay_hops")?.sum ?? 0

describe("an operation", () => {
  it("is passed on from peer to peer to the owner of its key, who is as far as it is iteratively", async () => {
    const far = { recursive: 0, iterative: 0 }
    for (const routing of ["recursive", "iterative"] as const) {
      const { world, ring, key } = await ringOf(9, { routing })
      const before = hopsOf(world)
      await world.run(first(ring).servlet.put(key, "value"))
      far[routing] = hopsOf(world) - before
      expect(counted(world, "forwarded")).toBe(routing === "recursive" ? far.recursive - 1 : 0)
      expect(await world.run(first(ring.slice(4)).servlet.get(key))).toHaveLength(1)
      expect(world.errors).toEqual([])
    }
    expect(far.recursive).toBe(4)
    expect(far.iterative).toBe(far.recursive)
  })

  it("gets to an owner whom the asker cannot reach, and the answer back", async () => {
    for (const routing of ["recursive", "iterative"] as const) {
      const { world, ring, key } = await ringOf(9, { routing, operationTimeoutMs: 5_000 })
      const [asker, owner] = [first(ring), first(ring.slice(-1))]
      for (const [from, to] of [[asker, owner], [owner, asker]] as const) world.simulation.network.block(from.name, to.name)
      const put = world.run(asker.servlet.put(key, "value"))
      if (routing === "recursive") await put
      else await expect(put).rejects.toMatchObject({ code: "P2PSIP_TIMEOUT" })
    }
  })

  it("is passed on by each peer once at the most, however many frames are lost", async () => {
    const { world, ring, key } = await ringOf(12, { operationTimeoutMs: 30_000 })
    await world.run(first(ring).servlet.put(key, "value"))
    world.simulation.network.conditions.lossRate = 0.3
    const before = counted(world, "forwarded")
    const askers = ring.slice(0, 6)
    await world.run(Promise.allSettled(askers.map(({ servlet }) => servlet.get(key))))
    expect(counted(world, "forwarded") - before).toBeLessThanOrEqual(askers.length * ring.length)
  })

  it("goes round a dead peer on its way as soon as the peer beside it notices", async () => {
    const { world, ring, key } = await ringOf(9)
    await world.run(first(ring).servlet.put(key, "value"))
    const middle = first(ring.slice(4))
    // It is gone, and nobody was told.
    middle.process.crash()
    const startedAt = world.simulation.now
    expect(await world.run(first(ring).servlet.get(key))).toHaveLength(1)
    expect(world.simulation.now - startedAt).toBeLessThan(1_500)
    expect(counted(world, "silent_hops")).toBe(1)
    expect(counted(world, "late_answers")).toBe(0)
  })

  it("is looked for by the asker itself when the answer does not come", async () => {
    const { world, ring, key } = await ringOf(9)
    await world.run(first(ring).servlet.put(key, "value"))
    const hop = first(ring.slice(2))
    // It acknowledges what is sent to it, and then nothing of it arrives any more.
    const { network } = world.simulation
    const get = first(ring).servlet.get(key)
    await world.pass(25)
    for (const other of ring) if (other !== hop) network.block(hop.name, other.name)
    expect(await world.run(get)).toHaveLength(1)
  })

  it("is not carried round in a circle", async () => {
    const { world, ring } = await ringOf(4)
    const [one, two, three, four] = ring.map(({ servlet }) => servlet.routing)
    if (one === undefined || two === undefined || three === undefined || four === undefined) throw new Error("no routing")
    // Nobody finds itself responsible, and everybody names the next one.
    for (const [routing, next] of [[one, two], [two, three], [three, four], [four, two]] as const) {
      routing.isResponsible = () => false
      routing.nextHop = (_key, excluded) => (excluded?.has(next.self.peerId) === true ? undefined : next.self)
    }
    const before = world.simulation.network.traffic.counts()[0].reduce((sum, frames) => sum + frames)
    await expect(world.run(first(ring).servlet.get("key"))).rejects.toMatchObject({ code: "P2PSIP_TIMEOUT" })
    const after = world.simulation.network.traffic.counts()[0].reduce((sum, frames) => sum + frames)
    expect(after - before).toBeLessThan(1_000)
    expect(world.errors).toEqual([])
  })

  it("is answered by a redirection where too many are under way, and still gets through", async () => {
    const { world, ring, key } = await ringOf(9, { forwarding: { maxPerPeer: 1 } })
    await world.run(first(ring).servlet.put(key, "value"))
    const gets = await world.run(Promise.all(Array.from({ length: 20 }, () => first(ring).servlet.get(key))))
    expect(gets.every((values) => values.length === 1)).toBe(true)
    expect(world.simulation.metrics.count('p2psip_overlay_not_forwarded_total{reason="too many"}')).toBeGreaterThan(0)
  })
})

describe("a look-up", () => {
  it("names those that it has passed, and the owner", async () => {
    const found: Partial<Record<"recursive" | "iterative", (string | undefined)[]>> = {}
    for (const routing of ["recursive", "iterative"] as const) {
      const { world, ring, key } = await ringOf(9, { routing })
      const events = await world.run(eventsOf(first(ring), key))
      const hops = events.filter((event) => event.name === "hop").map((event) => event.peer.peerId)
      const done = events.find((event) => event.name === "done")
      expect(done?.owner.peerId).toBe(first(ring.slice(-1)).name)
      expect(done?.hops).toBe(hops.length)
      expect(hops.at(-1)).toBe(done?.owner.peerId)
      found[routing] = hops
    }
    expect(found.recursive).toEqual(found.iterative)
  })
})

async function eventsOf(peer: WorldPeer, key: string): Promise<LookupEvent[]> {
  const events: LookupEvent[] = []
  for await (const event of peer.servlet.lookup(key)) events.push(event)
  return events
}

import { describe, expect, it } from "vitest"
import { OverlayWorld } from "../../support/overlay-world.ts"
import { Workload } from "../../support/overlay-workload.ts"

const seeds = [1, 2]

async function worldOf(peers: number, seed: number): Promise<OverlayWorld> {
  const world = new OverlayWorld({ repairIntervalMs: 5_000 }, { seed, latency: 15, network: { jitter: 0.5 } })
  await world.joinMany(peers)
  return world
}

/** Ends the writing, gives repair a moment, and looks at everything from everywhere. */
async function expectNothingLost(world: OverlayWorld, ...workloads: Workload[]): Promise<void> {
  for (const workload of workloads) await workload.stop()
  expect(await defectsOf(workloads)).toEqual([])
  await world.pass(30_000)
  expect(await defectsOf(workloads)).toEqual([])
  for (const workload of workloads) {
    expect(workload.wrongReads).toEqual([])
    expect(workload.reads).toBeGreaterThan(50)
    expect(workload.acknowledged).toBeGreaterThan(50)
  }
  expect(world.errors).toEqual([])
}

async function defectsOf(workloads: readonly Workload[]): Promise<string[]> {
  const defects = []
  for (const workload of workloads) defects.push(...(await workload.findDefects()))
  return defects
}

describe.each(seeds)("nothing acknowledged is lost and nothing removed comes back, seed %i", (seed) => {
  it("while peers join", async () => {
    const world = await worldOf(3, seed)
    const workload = new Workload(world, { keys: 40 })
    workload.start()
    await world.pass(3_000)
    await world.joinMany(4)
    await world.pass(3_000)
    await expectNothingLost(world, workload)
    expect(workload.failures).toEqual([])
  })

  it("while peers leave", async () => {
    const world = await worldOf(7, seed)
    const workload = new Workload(world, { keys: 40 })
    workload.start()
    await world.pass(3_000)
    for (let left = 5; left > 0; left--) {
      const peer = world.peers[seed % world.peers.length]
      if (peer !== undefined) await world.leave(peer)
    }
    await world.pass(1_000)
    await expectNothingLost(world, workload)
  })

  it("when peers are killed one by one", async () => {
    const world = await worldOf(6, seed)
    const workload = new Workload(world, { keys: 40 })
    workload.start()
    for (let left = 3; left > 0; left--) {
      await world.pass(12_000)
      const peer = world.peers[(seed + left) % world.peers.length]
      if (peer !== undefined) world.crash(peer)
    }
    await world.pass(8_000)
    await expectNothingLost(world, workload)
  })

  it("when the owner is killed right after it acknowledged", async () => {
    const world = await worldOf(5, seed)
    for (let round = 0; round < 20; round++) {
      const key = `key${round}`
      const [one] = world.peers
      if (one === undefined) throw new Error("no peers")
      const events = await world.run(Array.fromAsync(one.servlet.lookup(key)))
      const done = events.at(-1)
      const owner = world.peers.find((peer) => done?.name === "done" && peer.name === done.owner.peerId)
      if (owner === undefined || owner === one) continue
      await world.run(one.servlet.put(key, "value", { valueHash: "slot" }))
      world.crash(owner)
      for (const peer of world.peers) expect(await world.run(peer.servlet.get(key))).toHaveLength(1)
      await world.join()
      await world.pass(10_000)
    }
    expect(world.errors).toEqual([])
  })

  it("with writes and removals on both sides of a partition", async () => {
    const world = await worldOf(8, seed)
    const side = world.peers.slice(0, 4)
    const other = world.peers.slice(4)
    const here = new Workload(world, { keys: 40, prefix: "here", from: () => side })
    const there = new Workload(world, { keys: 40, prefix: "there", from: () => other })
    here.start()
    there.start()
    await world.pass(5_000)
    world.partition(side)
    await world.pass(15_000)
    world.heal()
    here.lenientUntil = there.lenientUntil = world.simulation.now + 500
    await world.pass(5_000)
    await here.stop()
    await there.stop()
    await world.pass(10_000)
    await expectNothingLost(world, here, there)
  })

  it("under steady churn: joins, departures and deaths", async () => {
    const world = await worldOf(8, seed)
    const workload = new Workload(world, { keys: 40 })
    workload.start()
    for (let round = 0; round < 6; round++) {
      await world.join()
      await world.pass(4_000)
      const peer = world.peers[Math.floor(world.simulation.random.float() * world.peers.length)]
      if (peer === undefined) continue
      if (round % 2 === 0) world.crash(peer)
      else await world.leave(peer)
      await world.pass(8_000)
    }
    await expectNothingLost(world, workload)
  })
})

describe("a key is found from the first moment on", () => {
  it("though the records of its new owner's share take long to arrive", async () => {
    const world = await worldOf(4, 5)
    const keys = Array.from({ length: 3_000 }, (_, i) => `key${i}`)
    const [one] = world.peers
    if (one === undefined) throw new Error("no peers")
    await world.run(Promise.all(keys.map((key) => one.servlet.put(key, "x".repeat(50), { valueHash: "slot" }))))
    world.simulation.network.conditions.uploadBytesPerSecond = 50_000
    const expectAll = async (): Promise<void> => {
      const sample = keys.filter(() => world.simulation.random.float() < 0.05)
      const found = await world.run(Promise.all(sample.map((key) => one.servlet.get(key))))
      expect(sample.filter((_key, index) => found[index]?.length !== 1)).toEqual([])
    }
    const joining = Promise.all([world.join(), world.join()])
    for (let look = 0; look < 15; look++) {
      await expectAll()
      await world.pass(200)
    }
    await joining
    const victim = world.peers.at(1)
    if (victim !== undefined) world.crash(victim)
    for (let look = 0; look < 15; look++) {
      await expectAll()
      await world.pass(200)
    }
    expect(world.errors).toEqual([])
  })
})

describe("what a partition has kept apart for longer than records linger", () => {
  it.each(["removed", "shortened"])("a value that was %s on one side does not come back", async (how) => {
    const world = await worldOf(6, 4)
    const [one] = world.peers
    if (one === undefined) throw new Error("no peers")
    const keys = Array.from({ length: 30 }, (_, i) => `key${i}`)
    const change = (key: string): Promise<unknown> =>
      how === "removed" ? one.servlet.remove(key, "slot") : one.servlet.put(key, "value", { valueHash: "slot", ttlSeconds: 2 })
    for (const cutOff of world.peers.slice(3)) {
      for (const key of keys) await world.run(one.servlet.put(key, "value", { valueHash: "slot", ttlSeconds: 3600 }))
      await world.pass(2_000)
      world.partition([cutOff])
      await world.pass(5_000)
      for (const key of keys) await world.run(change(key))
      await world.pass(120_000)
      world.heal()
      for (const delayMs of [500, 20_000]) {
        await world.pass(delayMs)
        for (const peer of world.peers) {
          for (const key of keys) expect(await world.run(peer.servlet.get(key)), `${key} at ${peer.name}`).toEqual([])
        }
      }
    }
    expect(world.errors).toEqual([])
  })
})

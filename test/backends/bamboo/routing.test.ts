import { describe, expect, test } from "vitest"
import { BambooOverlay, withoutTable } from "./bamboo-overlay.ts"

/** Every peer finds the one owner of each of `count` random keys, the closest peer. Returns the mean number of hops. */
function expectAgreement(overlay: BambooOverlay, count: number): number {
  let hops = 0
  for (let each = 0; each < count; each++) {
    const key = overlay.randomKey()
    const [closest] = overlay.closestTo(key)
    expect(overlay.ownersOf(key)).toEqual([closest])
    const found = overlay.trace(overlay.randomPeer(), key)
    expect(found.owner).toBe(closest)
    hops += found.hops
  }
  return hops / count
}

function expectReplicas(overlay: BambooOverlay, count: number): void {
  for (let each = 0; each < count; each++) {
    const key = overlay.randomKey()
    const [owner = "", ...others] = overlay.closestTo(key).slice(0, 3)
    const { routing } = overlay.get(owner)
    expect(routing.replicaSet(key, 3).map(({ peerId }) => peerId)).toEqual([owner, ...others])
    expect(routing.replicas(3).map(({ peerId }) => peerId)).toEqual(expect.arrayContaining(others))
    expect(routing.neighbours().map(({ peerId }) => peerId)).toEqual(expect.arrayContaining(others))
  }
}

describe("joining", () => {
  test("alone: a founder answers for everything", async () => {
    const overlay = new BambooOverlay({ seed: 1 })
    const { routing } = await overlay.join("p0")
    expect(routing.isResponsible(overlay.randomKey())).toBe(true)
    expect(routing.nextHop(overlay.randomKey())).toBeUndefined()
    expect(routing.neighbours()).toEqual([])
  })

  test.each([
    [2, 2],
    [3, 5],
    [4, 50],
  ])("one after another (seed %i): %i peers have perfect leaf sets soon after", async (seed, count) => {
    const overlay = new BambooOverlay({ seed })
    await overlay.grow(count)
    expect(await overlay.settle(5_000)).toBeLessThan(2_000)
    expectAgreement(overlay, 100)
    expectReplicas(overlay, 100)
  })

  test.each([5, 6, 7])("all at once through one peer (seed %i)", async (seed) => {
    const overlay = new BambooOverlay({ seed })
    await overlay.join("p0")
    const names = Array.from({ length: 60 }, (_, at) => `p${at + 1}`)
    for (const name of names) await overlay.start(name)
    const signal = new AbortController().signal
    const joins = names.map((name) => overlay.get(name).routing.join([overlay.get("p0").routing.self], signal))
    await overlay.simulation.wait(Promise.all(joins), 60_000)
    await overlay.settle(10_000)
    expectAgreement(overlay, 100)
  })

  test("never makes two peers answer for one key", async () => {
    const overlay = new BambooOverlay({ seed: 8, network: { jitter: 0.5 } })
    await overlay.grow(5)
    const keys = Array.from({ length: 40 }, () => overlay.randomKey())
    overlay.simulation.onEvent(() => {
      for (const key of keys) {
        const owners = overlay.ownersOf(key)
        if (owners.length > 1) throw new Error(`${key} has the owners ${owners.join()} at ${overlay.simulation.now}`)
      }
    })
    const names = Array.from({ length: 30 }, (_, at) => `q${at}`)
    for (const name of names) await overlay.start(name)
    const signal = new AbortController().signal
    const joins = names.map((name, at) => overlay.get(name).routing.join([overlay.get(`p${at % 5}`).routing.self], signal))
    await overlay.simulation.wait(Promise.all(joins), 60_000)
    await overlay.settle(10_000)
  })

  test("fails with a clear error where nobody answers", async () => {
    const overlay = new BambooOverlay({ seed: 9 })
    await expect(overlay.join("p1", "nobody")).rejects.toMatchObject({ code: "P2PSIP_BOOTSTRAP_FAILED" })
    expect(overlay.get("p1").routing.isResponsible(overlay.randomKey())).toBe(false)
  })

  test("waits for a contact that is about to become a member", async () => {
    const overlay = new BambooOverlay({ seed: 10 })
    const first = await overlay.start("p0")
    overlay.simulation.after(700, () => void first.routing.join([], new AbortController().signal))
    await overlay.join("p1", "p0")
    await overlay.settle(2_000)
  })
})

describe("a look-up", () => {
  test("takes one hop while everybody is known", async () => {
    const overlay = new BambooOverlay({ seed: 11 })
    await overlay.grow(100)
    await overlay.simulation.run(20_000)
    expect(expectAgreement(overlay, 500)).toBeLessThanOrEqual(1)
  })

  test("takes at most log16 N + 1 hops by prefixes alone, once the tables have filled", async () => {
    const overlay = new BambooOverlay({ seed: 12, bamboo: withoutTable })
    await overlay.grow(128)
    await overlay.settle(10_000)
    await overlay.simulation.run(60_000)
    expect(expectAgreement(overlay, 500)).toBeLessThanOrEqual(Math.log2(128) / 4 + 1)
  })

  test("takes at most log16 N + 1 hops among a thousand peers that start together", async () => {
    const overlay = new BambooOverlay({ seed: 24, bamboo: withoutTable })
    await overlay.form(1000)
    expect(overlay.defects()).toEqual([])
    expect(expectAgreement(overlay, 500)).toBeLessThanOrEqual(Math.log2(1000) / 4 + 1)
  })
})

describe("a crash", () => {
  test.each([
    [13, 1, "tells its neighbours by a reset connection", 3_000],
    [14, 0, "is silent", 12_000],
  ])("(seed %i, resets %f) that %s: its neighbours take over in time", async (seed, resetOnCrash, _, limitMs) => {
    const overlay = new BambooOverlay({ seed, latency: 1, network: { resetOnCrash } })
    await overlay.grow(20)
    await overlay.settle(5_000)
    await overlay.simulation.run(10_000)
    const victim = overlay.randomPeer()
    const key = victim.routing.self.id
    overlay.crash(victim.name)
    await overlay.simulation.runUntil(() => overlay.ownersOf(key).length === 1, limitMs, 10)
    await overlay.settle(limitMs)
    expectAgreement(overlay, 50)
  })

  test.each([15, 16])("of several neighbours at once (seed %i) leaves one overlay", async (seed) => {
    const overlay = new BambooOverlay({ seed })
    await overlay.grow(50)
    await overlay.settle(5_000)
    const order = overlay.order
    const at = overlay.simulation.random.uint32() % order.length
    for (let step = 0; step < 6; step++) overlay.crash(order[(at + step) % order.length]?.name ?? "")
    await overlay.settle(20_000)
    expectAgreement(overlay, 100)
  })

  test("of half of the peers at once leaves one overlay", async () => {
    const overlay = new BambooOverlay({ seed: 17 })
    await overlay.grow(60)
    await overlay.simulation.run(10_000)
    for (let count = 0; count < 30; count++) overlay.crash(overlay.randomPeer().name)
    await overlay.settle(60_000)
    expectAgreement(overlay, 100)
  })

  test("of a peer that comes back at once with the same identity is healed", async () => {
    const overlay = new BambooOverlay({ seed: 18 })
    await overlay.grow(20)
    await overlay.settle(5_000)
    overlay.crash("p7")
    await overlay.join("p7", "p3")
    await overlay.settle(5_000)
    expectAgreement(overlay, 100)
  })

  test("of all but one leaves one that answers for everything", async () => {
    const overlay = new BambooOverlay({ seed: 19 })
    await overlay.grow(5)
    await overlay.settle(5_000)
    for (const name of ["p0", "p1", "p2", "p3"]) overlay.crash(name)
    await overlay.settle(30_000)
    expectAgreement(overlay, 10)
  })
})

describe("leaving", () => {
  test("hands the range over at once", async () => {
    const overlay = new BambooOverlay({ seed: 20 })
    await overlay.grow(20)
    await overlay.settle(5_000)
    const { id } = overlay.get("p5").routing.self
    await overlay.leave("p5")
    expect(overlay.ownersOf(id)).toHaveLength(1)
    expect(await overlay.settle(5_000)).toBeLessThan(1_000)
    expectAgreement(overlay, 50)
  })

  test("of all, one after another, ends with nobody", async () => {
    const overlay = new BambooOverlay({ seed: 21 })
    await overlay.grow(12)
    while (overlay.peers.size > 1) {
      await overlay.leave(overlay.randomPeer().name)
      await overlay.settle(3_000)
      expectAgreement(overlay, 5)
    }
  })
})

describe("two overlays", () => {
  test("of a network that was cut become one after it has healed", async () => {
    const overlay = new BambooOverlay({ seed: 22, network: { breakAfterMs: 2_000 } })
    await overlay.grow(24)
    await overlay.settle(5_000)
    const half = overlay.order.filter((_, at) => at % 2 === 0)
    for (const { process } of half) process.link.host.group = 1
    await overlay.simulation.run(60_000)
    expect(overlay.defects()).not.toEqual([])
    for (const { process } of half) process.link.host.group = 0
    await overlay.settle(120_000)
    expectAgreement(overlay, 100)
  })
})

describe("maintenance", () => {
  test("costs little while nothing changes", async () => {
    const overlay = new BambooOverlay({ seed: 23 })
    await overlay.grow(50)
    await overlay.simulation.run(120_000)
    const before = overlay.simulation.network.bytesSent
    await overlay.simulation.run(60_000)
    expect((overlay.simulation.network.bytesSent - before) / 50 / 60).toBeLessThan(250)
  })
})

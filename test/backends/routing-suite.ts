/** What every backend's key-based routing must do, in the simulator; each adds what is its own. */
import { describe, expect, test } from "vitest"
import type { KeyBasedRouting } from "../../src/overlay/key-based-routing.ts"
import type { SimulationOptions } from "../../src/sim/index.ts"
import type { RoutingOverlay } from "./routing-overlay.ts"

export interface RoutingSuite {
  readonly create: (options: SimulationOptions) => RoutingOverlay<KeyBasedRouting>
  /** What a peer may send while nothing changes among 50. */
  readonly maxBytesPerSecond: number
}

/** Runs the suite. */
export function describeRouting({ create, maxBytesPerSecond }: RoutingSuite): void {
  describeJoining(create)
  describeCrashes(create)
  describeLeaving(create)

  describe("two overlays", () => {
    test("of a network that was cut become one after it has healed", async () => {
      const overlay = create({ seed: 22, network: { breakAfterMs: 2_000 } })
      await overlay.grow(24)
      await overlay.settle(5_000)
      const half = overlay.order.filter((_, at) => at % 2 === 0)
      overlay.simulation.network.partition([half.map(({ name }) => name)])
      await overlay.simulation.run(60_000)
      expect(overlay.defects()).not.toEqual([])
      overlay.simulation.network.heal()
      await overlay.settle(120_000)
      overlay.expectAgreement(100)
    })
  })

  describe("while nothing changes", () => {
    test.each([
      [10, 20],
      [11, 100],
    ])("a look-up takes one hop where everybody is known (seed %i): %i peers", async (seed, count) => {
      const overlay = create({ seed })
      await overlay.grow(count)
      await overlay.simulation.run(20_000)
      expect(overlay.expectAgreement(500)).toBeLessThanOrEqual(1)
    })

    test("maintenance costs little", async () => {
      const overlay = create({ seed: 23 })
      await overlay.grow(50)
      await overlay.simulation.run(120_000)
      const before = overlay.simulation.network.bytesSent
      await overlay.simulation.run(60_000)
      expect((overlay.simulation.network.bytesSent - before) / 50 / 60).toBeLessThan(maxBytesPerSecond)
    })
  })
}

function describeJoining(create: RoutingSuite["create"]): void {
  describe("joining", () => {
    test("alone: a founder answers for everything", async () => {
      const overlay = create({ seed: 1 })
      const { routing } = await overlay.join("p0")
      expect(routing.isResponsible(overlay.randomKey())).toBe(true)
      expect(routing.nextHop(overlay.randomKey())).toBeUndefined()
      expect(routing.neighbours()).toEqual([])
    })

    test.each([
      [2, 2],
      [3, 5],
      [4, 50],
    ])("one after another (seed %i): %i peers are a perfect overlay soon after", async (seed, count) => {
      const overlay = create({ seed })
      await overlay.grow(count)
      expect(await overlay.settle(5_000)).toBeLessThan(2_000)
      overlay.expectAgreement(100)
      overlay.expectReplicas(100)
    })

    test.each([5, 6, 7])("all at once through one peer (seed %i)", async (seed) => {
      const overlay = create({ seed })
      await overlay.join("p0")
      await overlay.joinAtOnce(Array.from({ length: 60 }, (_, at) => `p${at + 1}`), () => "p0")
      await overlay.settle(10_000)
      // Neighbours are known at once; whoever is far, a moment later.
      await overlay.simulation.run(2_000)
      overlay.expectAgreement(100)
    })

    test("never makes two peers answer for one key", async () => {
      const overlay = create({ seed: 8, network: { jitter: 0.5 } })
      await overlay.grow(5)
      overlay.forbidTwoOwners(40)
      await overlay.joinAtOnce(Array.from({ length: 30 }, (_, at) => `q${at}`), (at) => `p${at % 5}`)
      await overlay.settle(10_000)
    })

    test("fails with a clear error where nobody answers", async () => {
      const overlay = create({ seed: 9 })
      await expect(overlay.join("p1", "nobody")).rejects.toMatchObject({ code: "P2PSIP_BOOTSTRAP_FAILED" })
      expect(overlay.get("p1").routing.isResponsible(overlay.randomKey())).toBe(false)
    })

    test("waits for a contact that is about to become a member", async () => {
      const overlay = create({ seed: 10 })
      const first = await overlay.start("p0")
      overlay.simulation.after(700, () => void first.routing.join([], new AbortController().signal))
      await overlay.join("p1", "p0")
      await overlay.settle(2_000)
    })
  })
}

function describeCrashes(create: RoutingSuite["create"]): void {
  describe("a crash", () => {
    test.each([
      [13, 1, "tells its neighbours by a reset connection", 3_000],
      [14, 0, "is silent", 12_000],
    ])("(seed %i, resets %f) that %s: its neighbours take over in time", async (seed, resetOnCrash, _, limitMs) => {
      const overlay = create({ seed, latency: 1, network: { resetOnCrash } })
      await overlay.grow(20)
      await overlay.settle(5_000)
      await overlay.simulation.run(10_000)
      const victim = overlay.randomPeer()
      const key = victim.routing.self.id
      overlay.crash(victim.name)
      await overlay.simulation.runUntil(() => overlay.ownersOf(key).length === 1, limitMs, 10)
      await overlay.settle(limitMs)
      overlay.expectAgreement(50)
    })

    test.each([25, 26, 27])("never makes two peers answer for one key (seed %i)", async (seed) => {
      const overlay = create({ seed, network: { jitter: 0.5, resetOnCrash: seed % 2 } })
      await overlay.grow(60)
      await overlay.settle(5_000)
      await overlay.simulation.run(10_000)
      overlay.forbidTwoOwners(40)
      for (let each = 0; each < 4; each++) {
        overlay.crash(overlay.randomPeer().name)
        await overlay.simulation.run(500)
        await overlay.leave(overlay.randomPeer().name)
      }
      await overlay.simulation.run(20_000)
    })

    test.each([15, 16])("of several neighbours at once (seed %i) leaves one overlay", async (seed) => {
      const overlay = create({ seed })
      await overlay.grow(50)
      await overlay.settle(5_000)
      const order = overlay.order
      const at = overlay.simulation.random.uint32() % order.length
      for (let step = 0; step < 6; step++) overlay.crash(order[(at + step) % order.length]?.name ?? "")
      await overlay.settle(20_000)
      overlay.expectAgreement(100)
    })

    test("of half of the peers at once leaves one overlay", async () => {
      const overlay = create({ seed: 17 })
      await overlay.grow(60)
      await overlay.simulation.run(10_000)
      for (let count = 0; count < 30; count++) overlay.crash(overlay.randomPeer().name)
      await overlay.settle(60_000)
      overlay.expectAgreement(100)
    })

    test("of a peer that comes back at once with the same identity is healed", async () => {
      const overlay = create({ seed: 18 })
      await overlay.grow(20)
      await overlay.settle(5_000)
      overlay.crash("p7")
      await overlay.join("p7", "p3")
      await overlay.settle(5_000)
      overlay.expectAgreement(100)
    })

    test("of all but one leaves one that answers for everything", async () => {
      const overlay = create({ seed: 19 })
      await overlay.grow(5)
      await overlay.settle(5_000)
      for (const name of ["p0", "p1", "p2", "p3"]) overlay.crash(name)
      await overlay.settle(30_000)
      overlay.expectAgreement(10)
    })
  })
}

function describeLeaving(create: RoutingSuite["create"]): void {
  describe("leaving", () => {
    test("hands the range over at once", async () => {
      const overlay = create({ seed: 20 })
      await overlay.grow(20)
      await overlay.settle(5_000)
      const { id } = overlay.get("p5").routing.self
      await overlay.leave("p5")
      expect(overlay.ownersOf(id)).toHaveLength(1)
      expect(await overlay.settle(5_000)).toBeLessThan(1_000)
      overlay.expectAgreement(50)
    })

    test("of all, one after another, ends with nobody", async () => {
      const overlay = create({ seed: 21 })
      await overlay.grow(12)
      while (overlay.peers.size > 1) {
        await overlay.leave(overlay.randomPeer().name)
        await overlay.settle(3_000)
        overlay.expectAgreement(5)
      }
    })
  })
}

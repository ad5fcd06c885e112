import { describe, expect, test } from "vitest"
import type { KademliaOptions } from "../../../backends/kademlia/options.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import type { LatencyModel } from "../../../src/sim/index.ts"
import { withoutTable } from "../routing-overlay.ts"
import { describeRouting } from "../routing-suite.ts"
import { KademliaOverlay } from "./kademlia-overlay.ts"

describeRouting({ create: (options) => new KademliaOverlay(options), maxBytesPerSecond: 60 })

describe("with lists of siblings that a few peers fill", () => {
  const kademlia: KademliaOptions = { k: 8, siblings: 8, membership: { maxMembers: 1 } }

  test.each([31, 32, 33])("no two peers ever answer for one key while others join, leave and die (seed %i)", async (seed) => {
    const overlay = new KademliaOverlay({ seed, latency: unevenLatency, kademlia })
    await overlay.grow(12)
    overlay.forbidTwoOwners(40)
    const signal = new AbortController().signal
    for (let round = 0; round < 6; round++) {
      const joins = [0, 1, 2].map(async (at) => {
        const { routing } = await overlay.start(`q${3 * round + at}`)
        await routing.join([overlay.get("p0").routing.self], signal)
        routing.completed()
      })
      await overlay.leave(`p${2 * round + 1}`)
      await overlay.simulation.wait(Promise.all(joins), 60_000)
    }
    overlay.simulation.onEvent(undefined)
    overlay.crash("p2")
    overlay.crash("q4")
    await overlay.settle(60_000)
    overlay.expectAgreement(100)
  })
})

/** From 5 to 95 ms, another for each pair. */
const unevenLatency: LatencyModel = {
  name: "uneven",
  addHost: () => undefined,
  oneWayMs: (from, to) => 5 + ((Math.min(from, to) * 31 + Math.max(from, to) * 17) % 90),
}

describe("joining", () => {
  test.each([8, 9, 10])("never makes two peers answer for one key (seed %i)", async (seed) => {
    const overlay = new KademliaOverlay({ seed, latency: unevenLatency })
    await overlay.join("p0")
    overlay.forbidTwoOwners(40)
    const signal = new AbortController().signal
    const joins: Promise<void>[] = []
    for (let at = 1; at <= 25; at++) {
      const { routing } = await overlay.start(`p${at}`)
      joins.push(routing.join([overlay.get("p0").routing.self], signal).then(() => routing.completed()))
      if (at % 5 === 0) await overlay.simulation.run(100 * (at % 3))
    }
    await overlay.simulation.wait(Promise.all(joins), 60_000)
    for (const name of ["p3", "p9", "p0"]) await overlay.leave(name)
    await overlay.simulation.run(5_000)
    overlay.simulation.onEvent(undefined)
    overlay.expectAgreement(100)
  })

  test("through a peer that is about to become a member waits for it", async () => {
    const overlay = new KademliaOverlay({ seed: 12 })
    const founder = await overlay.start("p0")
    overlay.simulation.after(3_000, () => void founder.routing.join([], new AbortController().signal))
    await overlay.join("p1", "p0")
    expect(overlay.simulation.now).toBeGreaterThan(3_000)
    overlay.expectAgreement(50)
  })

  test("is not forgotten by those that were told of it, though the joiner is asked for the way to a key meanwhile", async () => {
    const overlay = new KademliaOverlay({ seed: 11, kademlia: withoutTable })
    await overlay.grow(5)
    const { routing } = await overlay.start("p5")
    // The joiner waits for this one, while the others know it and send it what is meant for its keys.
    overlay.get("p1").process.slowDown(500)
    const joining = routing.join([overlay.get("p0").routing.self], new AbortController().signal)
    const told = ["p0", "p2", "p3"]
    const isListedBy = (name: string): boolean => overlay.get(name).routing.neighbours().some(({ peerId }) => peerId === "p5")
    await overlay.simulation.runUntil(() => told.every(isListedBy), 10_000, 1)
    routing.nextHop(routing.self.id)
    await overlay.simulation.run(200)
    expect(routing.isResponsible(routing.self.id)).toBe(false)
    expect(told.filter(isListedBy)).toEqual(told)
    await overlay.simulation.wait(joining, 60_000)
    overlay.expectAgreement(50)
  })

  test("that is aborted leaves nobody behind who counts on the joiner", async () => {
    const overlay = new KademliaOverlay({ seed: 13 })
    await overlay.grow(5)
    const joiner = await overlay.start("p5")
    const controller = new AbortController()
    const joining = joiner.routing.join([overlay.get("p0").routing.self], controller.signal).catch((reason: unknown) => reason)
    await overlay.simulation.run(150)
    controller.abort()
    expect(isP2PSipError(await overlay.simulation.wait(joining), "P2PSIP_ABORTED")).toBe(true)
    overlay.peers.delete("p5")
    await overlay.simulation.run(1_000)
    overlay.expectAgreement(50)
  })
})

describe("without the table of all members", () => {
  test("300 peers that start together agree on owners, and reach them in few hops", async () => {
    const overlay = new KademliaOverlay({ seed: 24, kademlia: withoutTable })
    await overlay.form(300)
    expect(overlay.defects()).toEqual([])
    expect(overlay.expectAgreement(500)).toBeLessThanOrEqual(0.5 * Math.log2(300))
    overlay.expectReplicas(100)
  })

  test("120 peers agree on the owner of every key, and reach it in few hops", async () => {
    const overlay = new KademliaOverlay({ seed: 20, kademlia: { ...withoutTable, k: 8 } })
    await overlay.grow(120)
    await overlay.settle(30_000)
    await overlay.simulation.run(10_000)
    expect(overlay.expectAgreement(300)).toBeLessThan(0.5 * Math.log2(120))
    overlay.expectReplicas(100)
  })
})

describe("when peers go", () => {
  test("keys of one that leaves have a new owner at once", async () => {
    const overlay = new KademliaOverlay({ seed: 30 })
    await overlay.grow(30)
    await overlay.simulation.run(10_000)
    await overlay.leave("p7")
    overlay.expectAgreement(200)
  })

  test("keys of one that crashes are taken over within a second of a lost connection", async () => {
    const overlay = new KademliaOverlay({ seed: 31, latency: 1, network: { resetOnCrash: 1 } })
    await overlay.grow(20)
    await overlay.simulation.run(20_000)
    overlay.crash("p7")
    await overlay.simulation.run(1_000)
    overlay.expectAgreement(200)
  })

  test("keys of one that falls silent are taken over, though nobody asks for them", async () => {
    const overlay = new KademliaOverlay({ seed: 32, network: { resetOnCrash: 0, breakAfterMs: 600_000 } })
    await overlay.grow(20)
    await overlay.simulation.run(20_000)
    overlay.crash("p7")
    await overlay.simulation.run(15_000)
    overlay.expectAgreement(200)
  })

  test("half of the peers at once: the others find each other again", async () => {
    const overlay = new KademliaOverlay({ seed: 33, kademlia: withoutTable })
    await overlay.grow(80)
    await overlay.settle(30_000)
    for (let at = 0; at < 80; at += 2) overlay.crash(`p${at}`)
    await overlay.settle(60_000)
    overlay.expectAgreement(100)
  })
})

describe("partitions", () => {
  test("two halves that each went on alone become one overlay again, and those taken for dead are told", async () => {
    const overlay = new KademliaOverlay({ seed: 40 })
    await overlay.grow(12)
    await overlay.simulation.run(10_000)
    const sides = [["p0", "p1", "p2", "p3", "p4", "p5"], ["p6", "p7", "p8", "p9", "p10", "p11"]]
    const told = new Map<string, number>()
    overlay.simulation.network.partition(sides)
    await overlay.simulation.run(60_000)
    for (const { name, routing } of overlay.peers.values()) {
      const side = sides.find((names) => names.includes(name))
      for (const member of routing.neighbours()) expect(side).toContain(member.peerId)
      // To be told means that the arcs are taken back for an instant.
      routing.onChange(() => void (routing.ranges().length === 0 && told.set(name, (told.get(name) ?? 0) + 1)))
    }
    overlay.simulation.network.heal()
    await overlay.settle(120_000)
    overlay.expectAgreement(100)
    expect(told.size).toBeGreaterThan(6)
  })

  test("halves become one though everybody who knew of the other has left one of them, and been replaced", async () => {
    const overlay = new KademliaOverlay({ seed: 41, network: { breakAfterMs: 2_000 }, kademlia: withoutTable })
    await overlay.grow(12)
    await overlay.settle(5_000)
    overlay.simulation.network.partition([["p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11"]])
    await overlay.simulation.run(60_000)
    for (let at = 0; at < 4; at++) await overlay.join(`q${at}`, `p${at}`)
    for (let at = 0; at < 4; at++) await overlay.leave(`p${at}`)
    await overlay.simulation.run(5_000)
    overlay.simulation.network.heal()
    await overlay.settle(120_000)
    overlay.expectAgreement(100)
  })
})

import { describe, expect, test } from "vitest"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import type { MembershipOptions } from "../../../src/overlay/membership-options.ts"
import { encodeGossip, membershipMethods } from "../../../src/overlay/membership-messages.ts"
import { maxIncarnation } from "../../../src/overlay/membership-table.ts"
import { Membership } from "../../../src/overlay/membership.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import type { NetworkConditions, SimPeer } from "../../../src/sim/index.ts"
import { Simulation } from "../../../src/sim/index.ts"

interface Peer {
  readonly sim: SimPeer
  readonly membership: Membership
}

/** A growing group of peers that keep nothing but a membership. */
class Group {
  readonly simulation: Simulation
  readonly peers = new Map<string, Peer>()
  readonly #options: MembershipOptions

  constructor(seed: number, options: MembershipOptions = {}, network: Partial<NetworkConditions> = {}) {
    this.simulation = new Simulation({ seed, network })
    this.#options = options
  }

  async add(name: string, contact?: string, isCautious = false): Promise<Peer> {
    const sim = this.simulation.addPeer(name)
    await sim.link.start()
    const self = memberOf(sim.link.self)
    const rpc = new Rpc({ runtime: sim.runtime, link: sim.link })
    const membership = new Membership({ runtime: sim.runtime, rpc }, self, this.#options)
    const peer = { sim, membership }
    this.peers.set(name, peer)
    if (isCautious) membership.startCautiously(self, 500)
    else membership.start(self, contact === undefined)
    if (!isCautious && contact !== undefined) await this.simulation.wait(membership.fill(this.memberOf(contact)))
    return peer
  }

  async grow(count: number): Promise<void> {
    for (let at = this.peers.size; at < count; at++) await this.add(`p${at}`, at === 0 ? undefined : `p${at >> 1}`)
  }

  crash(name: string): void {
    this.peers.get(name)?.sim.crash()
    this.peers.delete(name)
  }

  memberOf(name: string) {
    return memberOf({ peerId: name, addresses: [`/sim/${name}`] })
  }

  get(name: string): Membership {
    const peer = this.peers.get(name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer.membership
  }

  /** Whether every peer's table names exactly the peers of the group. */
  get agree(): boolean {
    const expected = [...this.peers.keys()].sort().join()
    const namesOf = ({ membership }: Peer) => membership.table.alive.map(({ peerId }) => peerId).sort().join()
    return [...this.peers.values()].every((peer) => namesOf(peer) === expected)
  }
}

describe("a membership", () => {
  test("is known to all soon after the last has joined", async () => {
    const group = new Group(1)
    await group.grow(40)
    await group.simulation.runUntil(() => group.agree, 5_000)
    expect([...group.peers.values()].every(({ membership }) => membership.isComplete)).toBe(true)
  })

  test("is filled in several rounds where it does not fit into one frame", async () => {
    const group = new Group(2, { maxFrameBytes: 200 })
    await group.grow(60)
    await group.simulation.runUntil(() => group.agree, 30_000)
  })

  test("learns of deaths and farewells, and of a peer's return", async () => {
    const group = new Group(3)
    await group.grow(20)
    await group.simulation.runUntil(() => group.agree, 5_000)
    group.crash("p7")
    group.get("p3").report("p7", "dead")
    const leaver = group.peers.get("p9")
    group.get("p9").leave()
    group.peers.delete("p9")
    await group.simulation.runUntil(() => group.agree, 5_000)
    leaver?.sim.exit()
    await group.add("p7", "p0")
    await group.add("p9", "p1")
    await group.simulation.runUntil(() => group.agree, 5_000)
  })

  test("lets a peer refute that it is dead", async () => {
    const group = new Group(4)
    await group.grow(20)
    await group.simulation.runUntil(() => group.agree, 5_000)
    group.get("p3").report("p7", "dead")
    expect(group.agree).toBe(false)
    await group.simulation.run(1_000)
    await group.simulation.runUntil(() => group.agree, 20_000)
    expect(group.get("p0").table.get("p7")?.incarnation).toBeGreaterThan(0)
  })

  test.each([
    ["within the bound", 86_000_000],
    ["at the very end of all incarnations", maxIncarnation],
  ])("lets nobody silence a peer for ever: its death in an incarnation %s does not last", async (_, ahead) => {
    const group = new Group(9)
    await group.grow(10)
    await group.simulation.runUntil(() => group.agree, 5_000)
    const liar = group.simulation.addPeer("liar")
    await liar.link.start()
    const rpc = new Rpc({ runtime: liar.runtime, link: liar.link })
    const incarnation = Math.min(liar.runtime.wallClock() + ahead, maxIncarnation)
    const lie = encodeGossip({ digest: 0, entries: [{ member: group.memberOf("p7"), status: "dead", incarnation }] })
    for (const name of group.peers.keys()) rpc.notify(group.memberOf(name), membershipMethods.gossip, lie)
    await group.simulation.run(20_000)
    expect(group.agree).toBe(true)
  })

  test("comes to agree although frames are lost", async () => {
    const group = new Group(5, {}, { lossRate: 0.1 })
    await group.grow(20)
    group.crash("p11")
    group.get("p3").report("p11", "dead")
    await group.simulation.runUntil(() => group.agree, 60_000)
  })

  test("of two groups becomes one as soon as one member asks one of the other", async () => {
    const group = new Group(6)
    await group.grow(10)
    await group.add("q0")
    for (let at = 1; at < 10; at++) await group.add(`q${at}`, "q0")
    await group.simulation.run(10_000)
    expect(group.agree).toBe(false)
    expect(await group.simulation.wait(group.get("p4").exchange(group.memberOf("q5")))).toBe(true)
    await group.simulation.runUntil(() => group.agree, 10_000)
  })

  test("knows that it is not complete when the overlay outgrows the table", async () => {
    const group = new Group(7, { maxMembers: 8 })
    await group.grow(12)
    await group.simulation.run(20_000)
    for (const { membership } of group.peers.values()) {
      expect(membership.table.alive.length).toBeLessThanOrEqual(8)
      expect(membership.isComplete).toBe(false)
    }
  })

  test("knows everybody again when the overlay has shrunk to what the table holds with room to spare", async () => {
    const group = new Group(7, { maxMembers: 10 })
    await group.grow(14)
    await group.simulation.run(20_000)
    const areComplete = (): boolean => [...group.peers.values()].every(({ membership }) => membership.isComplete)
    const leave = (name: string): void => {
      group.get(name).leave()
      group.peers.delete(name)
    }
    for (const name of ["p13", "p12", "p11", "p10"]) leave(name)
    await group.simulation.run(60_000)
    // Ten members would just fit: one more or less must not make all of them change their minds.
    expect([...group.peers.values()].some(({ membership }) => membership.isComplete)).toBe(false)
    for (const name of ["p9", "p8"]) leave(name)
    await group.simulation.runUntil(() => group.agree && areComplete(), 120_000)
  })

  test("takes no agreement that a comparison has made for a sign that it knows everybody", async () => {
    const group = new Group(9, { maxMembers: 10 })
    await group.grow(14)
    const [one, other] = [await group.add("q0", "p0"), await group.add("q1", "p1")]
    for (const { membership } of [one, other]) for (const name of ["p2", "p3", "p4", "p5", "p6"]) membership.report(name, "dead")
    await group.simulation.wait(one.membership.exchange(group.memberOf("q1")))
    expect(one.membership.table.digest).toBe(other.membership.table.digest)
    expect(one.membership.isComplete).toBe(false)
  })

  test("costs little while it is full, too", async () => {
    const group = new Group(8, { maxMembers: 20 })
    await group.grow(30)
    await group.simulation.run(60_000)
    const before = group.simulation.network.bytesSent
    await group.simulation.run(60_000)
    expect((group.simulation.network.bytesSent - before) / 30 / 60).toBeLessThan(100)
  })

  test("costs little while nothing changes", async () => {
    const group = new Group(8)
    await group.grow(30)
    await group.simulation.run(60_000)
    const before = group.simulation.network.bytesSent
    await group.simulation.run(60_000)
    const bytesPerPeerAndSecond = (group.simulation.network.bytesSent - before) / 30 / 60
    expect(bytesPerPeerAndSecond).toBeLessThan(100)
  })
})

describe("a membership of a large overlay", () => {
  test("rests while too many come and go, says that its table is not complete, and fills it again when it is calm", async () => {
    const group = new Group(10, { maxNewsBytesPerSecond: 10 })
    await group.grow(160)
    await group.simulation.runUntil(() => group.agree, 10_000)
    const weighAll = (failuresPerSecond: number): void => {
      for (const [name, { membership }] of group.peers) membership.weigh(160, failuresPerSecond, group.memberOf(name === "p0" ? "p1" : "p0"))
    }
    weighAll(0)
    for (let at = 0; at < 24; at++) {
      await group.add(`q${at}`, "p1")
      await group.simulation.run(1_000)
      weighAll(0.1)
    }
    expect(group.get("p5").isComplete).toBe(false)
    await group.simulation.run(20_000)
    expect(group.get("p5").table.alive.length).toBe(1)
    const before = group.simulation.network.bytesSent
    await group.simulation.run(20_000)
    expect((group.simulation.network.bytesSent - before) / 184 / 20).toBeLessThan(20)
    for (let at = 0; at < 12; at++) {
      weighAll(0)
      await group.simulation.run(5_000)
    }
    expect(group.agree).toBe(true)
    expect(group.get("p5").isComplete).toBe(true)
  })

  test("keeps tables that agree with each other, though by their guess there are more than twice as many", async () => {
    const group = new Group(13)
    await group.grow(60)
    for (let at = 0; at < 12; at++) {
      for (const [name, { membership }] of group.peers) membership.weigh(155, 0, group.memberOf(name === "p0" ? "p1" : "p0"))
      await group.simulation.run(5_000)
      expect([...group.peers.values()].filter(({ membership }) => membership.isResting)).toEqual([])
    }
    expect(group.agree).toBe(true)
  })

  /** A large overlay in which all rest, and then weigh what they estimate. */
  async function restingGroup(seed: number): Promise<{ group: Group; weigh: (name: string, failuresPerSecond: number) => void }> {
    const group = new Group(seed, { maxNewsBytesPerSecond: 10 })
    for (let at = 0; at < 12; at++) await group.add(`p${at}`, undefined, true)
    // Twelve that follow among five hundred: for each of them, hardly anybody does.
    await group.simulation.run(20_000)
    const weigh = (name: string, failuresPerSecond: number): void =>
      group.get(name).weigh(500, failuresPerSecond, group.memberOf(name === "p0" ? "p1" : "p0"))
    for (const name of group.peers.keys()) weigh(name, 1)
    await group.simulation.run(45_000)
    return { group, weigh }
  }

  test("lets one that takes it for calm find out that the others rest, and rest again", async () => {
    const { group, weigh } = await restingGroup(11)
    for (const name of group.peers.keys()) weigh(name, 1)
    for (let second = 0; second < 8; second++) {
      weigh("p5", 0)
      await group.simulation.run(1_000)
    }
    const before = group.simulation.network.bytesSent
    for (let second = 0; second < 5; second++) {
      weigh("p5", 0)
      await group.simulation.run(1_000)
    }
    expect(group.simulation.network.bytesSent - before).toBe(0)
  })

  test("begins with whoever is asked and takes it for calm, too", async () => {
    const { group, weigh } = await restingGroup(12)
    for (const name of group.peers.keys()) weigh(name, 1)
    weigh("p5", 0)
    await group.simulation.run(5_000)
    expect(group.get("p0").table.isAlive("p5")).toBe(false)
    // By now everybody sees that it is calm: those who ask are answered, and p5 begins after its pause.
    for (const name of group.peers.keys()) weigh(name, 0)
    await group.simulation.run(2_000)
    expect(group.get("p0").table.isAlive("p7")).toBe(true)
    expect(group.get("p0").table.isAlive("p5")).toBe(false)
    await group.simulation.run(45_000)
    weigh("p5", 0)
    await group.simulation.run(2_000)
    expect(group.get("p0").table.isAlive("p5")).toBe(true)
  })
})

/** An overlay of one backend in the simulator: routing alone, no storage on top. */
import { expect } from "vitest"
import type { Id } from "../../src/overlay/id.ts"
import { idOfKey } from "../../src/overlay/id.ts"
import type { KeyBasedRouting, Member } from "../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../src/overlay/member-codec.ts"
import type { RoutingContext } from "../../src/overlay/overlay-options.ts"
import { Rpc } from "../../src/overlay/rpc.ts"
import type { SimPeer, SimulationOptions } from "../../src/sim/index.ts"
import { Simulation, simAddress } from "../../src/sim/index.ts"

export interface RoutingPeer<Routing> {
  readonly name: string
  readonly process: SimPeer
  readonly routing: Routing
}

/** Without the table of all members: look-ups go by the backend's own tables. */
export const withoutTable = { membership: { maxMembers: 1 } }

/** See the head of this file; what a perfect overlay is, the backend says. */
export abstract class RoutingOverlay<Routing extends KeyBasedRouting> {
  readonly simulation: Simulation
  readonly peers = new Map<string, RoutingPeer<Routing>>()
  readonly #create: (context: RoutingContext) => Routing

  constructor(options: SimulationOptions, create: (context: RoutingContext) => Routing) {
    this.simulation = new Simulation(options)
    this.#create = create
  }

  /** What keeps the overlay from being perfect. */
  abstract defects(): string[]
  /** The peers that are up, by their claim to the key: its owner first, then the other members of its replica set. */
  abstract closestTo(key: Id): string[]

  /** Starts a process; it is no member yet. */
  async start(name: string, founders?: RoutingContext["founders"]): Promise<RoutingPeer<Routing>> {
    const process = this.simulation.addPeer(name)
    const { runtime, link } = process
    await link.start()
    const context = { runtime, link, rpc: new Rpc({ runtime, link }), self: memberOf(link.self) }
    const peer = { name, process, routing: this.#create(founders === undefined ? context : { ...context, founders }) }
    this.peers.set(name, peer)
    return peer
  }

  async join(name: string, ...contacts: string[]): Promise<RoutingPeer<Routing>> {
    const peer = await this.start(name)
    const members = contacts.map((contact) => memberOf(simAddress(contact)))
    await this.simulation.wait(peer.routing.join(members, new AbortController().signal), 120_000)
    // There are no records to wait for.
    peer.routing.completed?.()
    return peer
  }

  /** `count` peers, one after the other, each through an earlier one. */
  async grow(count: number): Promise<void> {
    for (let at = this.peers.size; at < count; at++) {
      await (at === 0 ? this.join("p0") : this.join(`p${at}`, `p${this.simulation.random.uint32() % at}`))
    }
  }

  /** `count` peers that start as a complete overlay. */
  async form(count: number): Promise<void> {
    const founders = Array.from({ length: count }, (_, at) => simAddress(`p${at}`))
    for (let at = 0; at < count; at++) {
      const { routing } = await this.start(`p${at}`, founders)
      await this.simulation.wait(routing.join([], new AbortController().signal))
    }
  }

  crash(name: string): void {
    this.get(name).process.crash()
    this.peers.delete(name)
  }

  async leave(name: string): Promise<void> {
    const peer = this.get(name)
    this.peers.delete(name)
    await this.simulation.wait(peer.routing.leave())
    peer.process.exit()
  }

  get(name: string): RoutingPeer<Routing> {
    const peer = this.peers.get(name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  get members(): Member[] {
    return [...this.peers.values()].map(({ routing }) => routing.self)
  }

  /** The peers that are up, by place. */
  get order(): RoutingPeer<Routing>[] {
    return [...this.peers.values()].sort((a, b) => (a.routing.self.id < b.routing.self.id ? -1 : 1))
  }

  randomPeer(): RoutingPeer<Routing> {
    const all = [...this.peers.values()]
    const peer = all[this.simulation.random.uint32() % all.length]
    if (peer === undefined) throw new Error("no peer is up")
    return peer
  }

  randomKey(): Id {
    return idOfKey(this.simulation.random.bytes(8))
  }

  /** The peers that answer for the key. */
  ownersOf(key: Id): string[] {
    return [...this.peers.values()].filter(({ routing }) => routing.isResponsible(key)).map(({ name }) => name)
  }

  /** Lets time pass until the overlay is perfect. Returns how long that took. */
  async settle(limitMs: number): Promise<number> {
    const from = this.simulation.now
    try {
      await this.simulation.runUntil(() => this.defects().length === 0, limitMs, 50)
    } catch (cause) {
      throw new Error(`the overlay is not perfect after ${limitMs} ms: ${this.defects().slice(0, 3).join("; ")}`, { cause })
    }
    return this.simulation.now - from
  }

  /** Follows next hops, as if the routing state stood still. Returns owner and number of hops. */
  trace(from: RoutingPeer<Routing>, key: Id): { readonly owner: string | undefined; readonly hops: number } {
    let at = from
    const excluded = new Set<string>()
    for (let hops = 0; hops < 40; hops++) {
      if (at.routing.isResponsible(key)) return { owner: at.name, hops }
      const next = at.routing.nextHop(key, excluded)
      const peer = next === undefined ? undefined : this.peers.get(next.peerId)
      if (next !== undefined && peer === undefined) excluded.add(next.peerId)
      else if (peer === undefined) return { owner: undefined, hops }
      else at = peer
    }
    return { owner: undefined, hops: 40 }
  }

  /** All of these peers join through one contact, at the same time. */
  async joinAtOnce(names: readonly string[], contactOf: (at: number) => string): Promise<void> {
    for (const name of names) await this.start(name)
    const { signal } = new AbortController()
    const joins = names.map(async (name, at) => {
      const { routing } = this.get(name)
      await routing.join([this.get(contactOf(at)).routing.self], signal)
      routing.completed?.()
    })
    await this.simulation.wait(Promise.all(joins), 60_000)
  }

  /** From now on no event may leave one of `count` random keys with two owners. */
  forbidTwoOwners(count: number): void {
    const keys = Array.from({ length: count }, () => this.randomKey())
    this.simulation.onEvent(() => {
      for (const key of keys) {
        const owners = this.ownersOf(key)
        if (owners.length > 1) throw new Error(`${key} has the owners ${owners.join()} at ${this.simulation.now}`)
      }
    })
  }

  /** Every peer finds the one owner of each of `count` random keys. Returns the mean number of hops. */
  expectAgreement(count: number): number {
    let hops = 0
    for (let each = 0; each < count; each++) {
      const key = this.randomKey()
      const [owner] = this.closestTo(key)
      expect(this.ownersOf(key)).toEqual([owner])
      const found = this.trace(this.randomPeer(), key)
      expect(found.owner).toBe(owner)
      hops += found.hops
    }
    return hops / count
  }

  /** The owner of each of `count` random keys names the three peers that should hold it. */
  expectReplicas(count: number): void {
    for (let each = 0; each < count; each++) {
      const key = this.randomKey()
      const [owner = "", ...others] = this.closestTo(key).slice(0, 3)
      const { routing } = this.get(owner)
      const named = (members: readonly Member[] | undefined): string[] => (members ?? []).map(({ peerId }) => peerId)
      expect(named(routing.replicaSet(key, 3))).toEqual([owner, ...others])
      if (routing.replicas !== undefined) expect(named(routing.replicas(3))).toEqual(expect.arrayContaining(others))
      expect(named(routing.neighbours())).toEqual(expect.arrayContaining(others))
    }
  }
}

/** A Kademlia overlay in the simulator: routing alone, no storage on top. */
import type { KademliaOptions } from "../../../backends/kademlia/options.ts"
import { KademliaRouting } from "../../../backends/kademlia/routing.ts"
import { commonPrefixBits } from "../../../backends/kademlia/xor.ts"
import type { Id } from "../../../src/overlay/id.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import type { SimPeer, SimulationOptions } from "../../../src/sim/index.ts"
import { Simulation, simAddress } from "../../../src/sim/index.ts"
import { byDistance } from "./arbitraries.ts"

export interface KademliaPeer {
  readonly name: string
  readonly process: SimPeer
  readonly routing: KademliaRouting
}

export interface OverlayOptions extends SimulationOptions {
  readonly kademlia?: KademliaOptions
}

/** Without the table of all members: look-ups go by siblings and buckets. */
export const withoutTable: KademliaOptions = { membership: { maxMembers: 1 } }

export class KademliaOverlay {
  readonly simulation: Simulation
  readonly peers = new Map<string, KademliaPeer>()
  readonly #kademlia: KademliaOptions

  constructor(options: OverlayOptions) {
    this.simulation = new Simulation(options)
    this.#kademlia = options.kademlia ?? {}
  }

  /** Starts a process; it is no member yet. */
  async start(name: string): Promise<KademliaPeer> {
    const process = this.simulation.addPeer(name)
    const { runtime, link } = process
    await link.start()
    const rpc = new Rpc({ runtime, link })
    const peer = { name, process, routing: new KademliaRouting({ runtime, link, rpc }, this.#kademlia) }
    this.peers.set(name, peer)
    return peer
  }

  async join(name: string, ...contacts: string[]): Promise<KademliaPeer> {
    const peer = await this.start(name)
    const members = contacts.map((contact) => memberOf(simAddress(contact)))
    await this.simulation.wait(peer.routing.join(members, new AbortController().signal), 120_000)
    return peer
  }

  /** `count` peers, one after the other, each through an earlier one. */
  async grow(count: number): Promise<void> {
    for (let at = this.peers.size; at < count; at++) {
      await (at === 0 ? this.join("p0") : this.join(`p${at}`, `p${this.simulation.random.uint32() % at}`))
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

  get(name: string): KademliaPeer {
    const peer = this.peers.get(name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  get members(): Member[] {
    return [...this.peers.values()].map(({ routing }) => routing.self)
  }

  randomPeer(): KademliaPeer {
    const all = [...this.peers.values()]
    const peer = all[this.simulation.random.uint32() % all.length]
    if (peer === undefined) throw new Error("no peer is up")
    return peer
  }

  randomKey(): Id {
    return idOfKey(this.simulation.random.bytes(8))
  }

  sharedBits({ routing }: KademliaPeer, id: Id): number {
    return commonPrefixBits(routing.self.id, id)
  }

  /** The peers that are up, the closest to the key first. */
  closestTo(key: Id): string[] {
    return byDistance(key, this.members).map(({ peerId }) => peerId)
  }

  /** The peers that answer for the key. */
  ownersOf(key: Id): string[] {
    return [...this.peers.values()].filter(({ routing }) => routing.isResponsible(key)).map(({ name }) => name)
  }

  /** What keeps the peers from being siblings of those closest to them. */
  defects(): string[] {
    return [...this.peers.values()].flatMap(({ name, routing }) => {
      const { siblings = [] } = routing.describe().neighbours
      const expected = byDistance(routing.self.id, this.members).slice(1, 21).map(({ peerId }) => peerId)
      const found = siblings.map(({ peerId }) => peerId)
      return found.join() === expected.join() ? [] : [`${name} has the siblings [${found.join(" ")}], expected [${expected.join(" ")}]`]
    })
  }

  /** Lets time pass until everybody's siblings are perfect. Returns how long that took. */
  async settle(limitMs: number): Promise<number> {
    const from = this.simulation.now
    try {
      await this.simulation.runUntil(() => this.defects().length === 0, limitMs, 50)
    } catch (cause) {
      throw new Error(`the siblings are not perfect after ${limitMs} ms: ${this.defects().slice(0, 3).join("; ")}`, { cause })
    }
    return this.simulation.now - from
  }

  /** Follows next hops, as if the routing state stood still. Returns owner and number of hops. */
  trace(from: KademliaPeer, key: Id): { readonly owner: string | undefined; readonly hops: number } {
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
}

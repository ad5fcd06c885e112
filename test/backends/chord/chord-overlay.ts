/** A Chord overlay in the simulator: routing alone, no storage on top. */
import type { ChordOptions } from "../../../backends/chord/options.ts"
import { ChordRouting } from "../../../backends/chord/routing.ts"
import type { Id } from "../../../src/overlay/id.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import type { RingMember } from "../../../src/sim/checkers/zave.ts"
import { findRingDefects } from "../../../src/sim/checkers/zave.ts"
import type { SimPeer, SimulationOptions } from "../../../src/sim/index.ts"
import { Simulation, simAddress } from "../../../src/sim/index.ts"

export interface ChordPeer {
  readonly name: string
  readonly process: SimPeer
  readonly routing: ChordRouting
}

export interface OverlayOptions extends SimulationOptions {
  readonly chord?: ChordOptions
}

/** Without the table of all members: look-ups go by fingers. */
export const withoutTable: ChordOptions = { membership: { maxMembers: 1 } }

export class ChordOverlay {
  readonly simulation: Simulation
  readonly peers = new Map<string, ChordPeer>()
  readonly #chord: ChordOptions

  constructor(options: OverlayOptions) {
    this.simulation = new Simulation(options)
    this.#chord = options.chord ?? {}
  }

  /** Starts a process; it is no member yet. */
  async start(name: string): Promise<ChordPeer> {
    const process = this.simulation.addPeer(name)
    const { runtime, link } = process
    await link.start()
    const rpc = new Rpc({ runtime, link })
    const peer = { name, process, routing: new ChordRouting({ runtime, link, rpc }, this.#chord) }
    this.peers.set(name, peer)
    return peer
  }

  async join(name: string, ...contacts: string[]): Promise<ChordPeer> {
    const peer = await this.start(name)
    await this.simulation.wait(peer.routing.join(contacts.map(contactOf), new AbortController().signal), 120_000)
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

  get(name: string): ChordPeer {
    const peer = this.peers.get(name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  /** The peers that are up, by place. */
  get order(): ChordPeer[] {
    return [...this.peers.values()].sort((a, b) => (a.routing.self.id < b.routing.self.id ? -1 : 1))
  }

  randomPeer(): ChordPeer {
    const all = [...this.peers.values()]
    const peer = all[this.simulation.random.uint32() % all.length]
    if (peer === undefined) throw new Error("no peer is up")
    return peer
  }

  randomKey(): Id {
    return idOfKey(this.simulation.random.bytes(8))
  }

  /** The rings as the checkers see them. */
  view(): RingMember[] {
    return [...this.peers.values()].map(({ routing }) => {
      const { predecessors = [], successors = [] } = routing.describe().neighbours
      const { id } = routing.self
      return { id, predecessor: predecessors[0]?.id ?? id, successors: successors.map((member) => member.id) }
    })
  }

  defects(): string[] {
    return findRingDefects(this.view(), this.#chord.successors ?? 8)
  }

  /** Lets time pass until the ring is perfect. Returns how long that took. */
  async settle(limitMs: number): Promise<number> {
    const from = this.simulation.now
    try {
      await this.simulation.runUntil(() => this.defects().length === 0, limitMs, 50)
    } catch (cause) {
      throw new Error(`the ring is not perfect after ${limitMs} ms: ${this.defects().slice(0, 3).join("; ")}`, { cause })
    }
    return this.simulation.now - from
  }

  /** The peers that answer for the key. */
  ownersOf(key: Id): string[] {
    return [...this.peers.values()].filter(({ routing }) => routing.isResponsible(key)).map(({ name }) => name)
  }

  /** Follows next hops, as if the routing state stood still. Returns owner and number of hops. */
  trace(from: ChordPeer, key: Id): { readonly owner: string | undefined; readonly hops: number } {
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

function contactOf(name: string): Member {
  return memberOf(simAddress(name))
}

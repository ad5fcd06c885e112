/** A mesh of the SSR backend in one process: its links, its nodes, what becomes of packets; and what would have been best. */
import { ringSize } from "../../backends/ssr/address.ts"
import { GraphMedium } from "../../backends/ssr/graph-medium.ts"
import { SsrNode } from "../../backends/ssr/node.ts"
import type { SsrSettings } from "../../backends/ssr/options.ts"
import { ssrSettings } from "../../backends/ssr/options.ts"
import { Simulation } from "../sim/index.ts"
import type { SimRandom } from "../sim/sim-random.ts"
import type { Graph } from "./mesh-graphs.ts"
import { distancesFrom, piecesOf } from "./mesh-graphs.ts"
import type { Delivery, Sent } from "./mesh-tracks.ts"
import { MeshTracks } from "./mesh-tracks.ts"

export interface MeshWorldOptions {
  readonly seed: number
  /** Ways that a node remembers. */
  readonly maxRoutes: number
  /** See `SsrOptions`. */
  readonly ring: "linearization" | "isprp"
  /** Packets that a link carries each way in a second. @default any number */
  readonly packetsPerSecond?: number
  /** The graph of links, drawn with the world's own random. */
  readonly draw: (random: SimRandom) => Graph
}

const checkMs = 100
const longestMs = 600_000
export const flightMs = 5_000

/** See the head of this file. */
export class MeshWorld {
  readonly simulation: Simulation
  #graph: Graph
  readonly #settings: SsrSettings
  readonly #medium: GraphMedium
  readonly #addresses: readonly number[]
  readonly #nodes: SsrNode[] = []
  readonly #gone = new Set<number>()
  readonly #tracks = new MeshTracks()

  constructor({ seed, maxRoutes, ring, packetsPerSecond = Infinity, draw }: MeshWorldOptions) {
    this.simulation = new Simulation({ seed })
    this.#settings = ssrSettings({ maxRoutes, ring })
    this.#medium = new GraphMedium({ packetsPerSecond, onSend: (_from, _to, packet) => this.#tracks.onSend(packet) })
    this.#graph = draw(this.random)
    this.#addresses = this.#graph.map(() => Math.floor(this.random.float() * ringSize))
    for (const [at, others] of this.#graph.entries()) for (const other of others) this.#medium.link(this.#addressOf(at), this.#addressOf(other))
    for (const at of this.#graph.keys()) this.revive(at)
  }

  /** Packets on links, those that are followed aside. */
  get packets(): number {
    return this.#tracks.others
  }

  get random(): SimRandom {
    return this.simulation.random
  }

  /** Links between nodes that run. */
  get graph(): Graph {
    return this.#gone.size === 0 ? this.#graph : this.#graph.map((others, at) => (this.#gone.has(at) ? [] : others.filter((other) => !this.#gone.has(other))))
  }

  /** Nodes that run. */
  get alive(): number[] {
    return [...this.#graph.keys()].filter((at) => !this.#gone.has(at))
  }

  /** Lets time pass until each node knows its neighbours on the ring; resolves with the milliseconds that took, undefined if that takes too long. */
  async settle(): Promise<number | undefined> {
    const startedAt = this.simulation.now
    while (this.simulation.now - startedAt < longestMs) {
      await this.simulation.run(checkMs)
      if (this.misplaced() === 0) return this.simulation.now - startedAt
    }
    return undefined
  }

  /** Nodes whose neighbours on the ring are not those that they should be; each piece of the graph has a ring of its own. */
  misplaced(): number {
    const rings = new Map<number, number[]>()
    const pieces = piecesOf(this.graph)
    for (const at of this.alive.sort((a, b) => this.#addressOf(a) - this.#addressOf(b))) {
      const piece = pieces[at] as number
      const ring = rings.get(piece)
      if (ring === undefined) rings.set(piece, [at])
      else ring.push(at)
    }
    let misplaced = 0
    for (const ring of rings.values()) if (ring.length > 1) misplaced += ring.filter((at, place) => !this.#isPlaced(at, ring.at(place - 1), ring[(place + 1) % ring.length])).length
    return misplaced
  }

  /** Lets nodes die, and only such without which the others stay in one piece. */
  crash(share: number): number {
    const wanted = Math.round(this.#graph.length * share)
    for (const at of this.random.sample(this.alive, 2 * wanted)) {
      if (this.#gone.size === wanted) break
      this.#gone.add(at)
      const [start = 0] = this.alive
      const reached = distancesFrom(this.graph, start).filter((distance) => distance !== -1).length
      this.#gone.delete(at)
      if (reached === this.alive.length - 1) this.end(at)
    }
    return this.#gone.size
  }

  end(at: number): void {
    this.#gone.add(at)
    this.#nodes[at]?.stop()
    this.#medium.detach(this.#addressOf(at))
    this.simulation.peer(`n${at}`)?.crash()
  }

  /** A new process, at the address of the old one. */
  revive(at: number): void {
    this.#gone.delete(at)
    const { runtime } = this.simulation.addPeer(`n${at}`)
    const node = new SsrNode({ runtime, neighbourhood: this.#medium.attach(runtime, this.#addressOf(at)) }, this.#settings, {
      onData: (_source, payload, isExact) => {
        if (isExact) this.#tracks.onArrival(payload)
      },
      onPlaces: () => undefined,
      onUnreachable: () => undefined,
    })
    this.#nodes[at] = node
    node.start()
  }

  /** Other links than before. */
  relink(graph: Graph): void {
    for (const [at, others] of graph.entries()) {
      const before = this.#graph[at] ?? []
      const [was, is] = [new Set(before), new Set(others)]
      for (const other of before) if (!is.has(other)) this.#medium.unlink(this.#addressOf(at), this.#addressOf(other))
      for (const other of others) if (!was.has(other)) this.#medium.link(this.#addressOf(at), this.#addressOf(other))
    }
    this.#graph = graph
  }

  /** A packet between each of these pairs, a millisecond apart. */
  async deliver(pairs: readonly (readonly [number, number])[]): Promise<Delivery> {
    const sent: Sent[] = []
    this.#tracks.beginPhase()
    const ways = this.graph
    for (const [from, to] of pairs) {
      sent.push({ number: this.send(from, to), shortest: distancesFrom(ways, from)[to] ?? 1 })
      await this.simulation.run(1)
    }
    await this.simulation.run(flightMs)
    return this.judge(sent)
  }

  /** Sends a packet; gives its number. */
  send(from: number, to: number): number {
    const { number, payload } = this.#tracks.next()
    this.#nodes[from]?.send(this.#addressOf(to), payload)
    return number
  }

  judge(sent: readonly Sent[]): Delivery {
    return this.#tracks.judge(sent)
  }

  /** Ways remembered by a node: median, most. */
  cached(): readonly [number, number] {
    const sizes = this.alive.map((at) => this.#nodes[at]?.cache.size ?? 0).sort((a, b) => a - b)
    return [sizes[Math.floor(sizes.length / 2)] ?? 0, sizes.at(-1) ?? 0]
  }

  drawPairs(count: number): (readonly [number, number])[] {
    const { alive } = this
    return Array.from({ length: count }, () => this.random.sample(alive, 2) as [number, number])
  }

  #addressOf(at: number): number {
    return this.#addresses[at] as number
  }

  #isPlaced(at: number, before: number | undefined, after: number | undefined): boolean {
    const { left, right } = this.#nodes[at]?.places ?? {}
    return before !== undefined && after !== undefined && left === this.#addressOf(before) && right === this.#addressOf(after)
  }
}

/**
 * A mesh of a size at which its forming would take days here: the ring is
 * given. Each node knows its links, who has links to these (from beacons), and
 * the ways to its two neighbours on the ring, which were found by compass; all
 * else it learns from packets that it forwards. Nobody looks after the ring:
 * what can be measured is how packets find their way.
 */
import type { Address } from "../../backends/ssr/address.ts"
import { ringSize } from "../../backends/ssr/address.ts"
import { Doubts } from "../../backends/ssr/doubts.ts"
import { Forwarder } from "../../backends/ssr/forwarder.ts"
import { GraphMedium } from "../../backends/ssr/graph-medium.ts"
import type { Packet } from "../../backends/ssr/packet.ts"
import { packetTypes, payloadTypes } from "../../backends/ssr/packet.ts"
import { PathAnnouncer } from "../../backends/ssr/path-announcer.ts"
import { RouteCache } from "../../backends/ssr/route-cache.ts"
import { Vicinity } from "../../backends/ssr/vicinity.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { Simulation } from "../sim/index.ts"
import type { Graph, Place } from "./mesh-graphs.ts"
import { distancesFrom, drawPlaced } from "./mesh-graphs.ts"
import type { Delivery, Sent } from "./mesh-tracks.ts"
import { MeshTracks } from "./mesh-tracks.ts"

/** Beacons have been heard. */
const beaconsMs = 1_000
const flightMs = 5_000

/** What is done with a packet that is sent. */
interface FormedNode {
  readonly cache: RouteCache
  readonly forwarder: Forwarder
}

/** See the head of this file. */
export class FormedMesh {
  readonly simulation: Simulation
  readonly graph: Graph
  readonly #addresses: readonly Address[]
  readonly #nodes: readonly FormedNode[]
  readonly #tracks = new MeshTracks()
  /** Links on the shortest ways between pairs that were asked for. */
  readonly #shortest = new Map<string, number>()

  constructor({ seed, nodes, maxRoutes }: { readonly seed: number; readonly nodes: number; readonly maxRoutes: number }) {
    this.simulation = new Simulation({ seed })
    const { random } = this.simulation
    const { graph, places } = drawPlaced(nodes, random)
    this.graph = graph
    this.#addresses = graph.map(() => Math.floor(random.float() * ringSize))
    const medium = new GraphMedium({ onSend: (_from, _to, packet) => this.#tracks.onSend(packet) })
    const { runtime } = this.simulation.addPeer("all")
    for (const [at, others] of graph.entries()) for (const other of others) medium.link(this.#addressOf(at), this.#addressOf(other))
    this.#nodes = graph.map((_, at) => this.#node(medium, runtime, at, maxRoutes))
    this.#teachRing(places)
  }

  get packets(): number {
    return this.#tracks.others
  }

  /** Lets beacons be heard. */
  async settle(): Promise<undefined> {
    await this.simulation.run(beaconsMs)
  }

  async deliver(pairs: readonly (readonly [number, number])[]): Promise<Delivery> {
    this.#tracks.beginPhase()
    const sent: Sent[] = []
    for (const [from, to] of pairs) {
      const { number, payload } = this.#tracks.next()
      this.#nodes[from]?.forwarder.send(packetTypes.connect, this.#addressOf(to), payload, payloadTypes.application)
      sent.push({ number, shortest: this.#distance(from, to) })
      await this.simulation.run(1)
    }
    await this.simulation.run(flightMs)
    return this.#tracks.judge(sent)
  }

  cached(): readonly [number, number] {
    const sizes = this.#nodes.map(({ cache }) => cache.size).sort((a, b) => a - b)
    return [sizes[Math.floor(sizes.length / 2)] ?? 0, sizes.at(-1) ?? 0]
  }

  drawPairs(count: number): (readonly [number, number])[] {
    const { random } = this.simulation
    const { length } = this.graph
    return Array.from({ length: count }, () => {
      const from = random.below(length)
      return [from, (from + 1 + random.below(length - 1)) % length] as const
    })
  }

  #addressOf(at: number): Address {
    return this.#addresses[at] as Address
  }

  #distance(from: number, to: number): number {
    const pair = `${from} ${to}`
    const known = this.#shortest.get(pair) ?? distancesFrom(this.graph, from)[to] ?? 1
    this.#shortest.set(pair, known)
    return known
  }

  #node(medium: GraphMedium, runtime: Runtime, at: number, maxRoutes: number): FormedNode {
    const self = this.#addressOf(at)
    const neighbourhood = medium.attach(runtime, self)
    const cache = new RouteCache(self, maxRoutes)
    const vicinity = new Vicinity(self)
    neighbourhood.onHears?.((neighbour, theirs) => vicinity.tell(neighbour, theirs))
    for (const other of this.graph[at] ?? []) cache.learn([self, this.#addressOf(other)])
    const announcer = new PathAnnouncer({ runtime, neighbourhood, send: (to, body) => void forwarder.send(packetTypes.pathAnnounce, to, body) })
    const forwarder: Forwarder = new Forwarder({ runtime, neighbourhood, cache, vicinity, doubts: new Doubts(runtime) }, {
      onArrival: (packet) => this.#onArrival(packet, cache, announcer),
      onLearned: () => undefined,
      onBroken: () => undefined,
    })
    return { cache, forwarder }
  }

  #onArrival(packet: Packet, cache: RouteCache, announcer: PathAnnouncer): void {
    if (packet.type === packetTypes.pathAnnounce) cache.routeTo(packet.route[0] as Address)
    if (packet.type !== packetTypes.connect || packet.destination !== cache.self) return
    announcer.onData(packet.route)
    this.#tracks.onArrival(packet.payload)
  }

  /** Ways to both neighbours on the ring, for every node. */
  #teachRing(places: readonly Place[]): void {
    const ring = [...this.graph.keys()].sort((a, b) => this.#addressOf(a) - this.#addressOf(b))
    for (const [place, at] of ring.entries()) {
      const next = ring[(place + 1) % ring.length] as number
      const way = wayByCompass(this.graph, places, at, next).map((one) => this.#addressOf(one))
      const before = ring.at(place - 1) as number
      this.#nodes[at]?.cache.hold([this.#addressOf(before), this.#addressOf(next)])
      this.#nodes[at]?.cache.learn(way)
      this.#nodes[next]?.cache.hold([this.#addressOf(at), this.#addressOf(ring[(place + 2) % ring.length] as number)])
      this.#nodes[next]?.cache.learn(way.toReversed())
    }
  }
}

/** Always on to the one that is nearest to where it is to go; where that leads nowhere, the shortest way. */
function wayByCompass(graph: Graph, places: readonly Place[], from: number, to: number): number[] {
  const way = [from]
  for (let at = from; at !== to; ) {
    const neighbours = graph[at] ?? []
    const next = neighbours.reduce((best, one) => (distance(places, one, to) < distance(places, best, to) ? one : best), at)
    if (next === at) return shortestWay(graph, from, to)
    way.push(next)
    at = next
  }
  return way
}

function distance(places: readonly Place[], a: number, b: number): number {
  const [[ax, ay], [bx, by]] = [places[a] as Place, places[b] as Place]
  return (ax - bx) ** 2 + (ay - by) ** 2
}

function shortestWay(graph: Graph, from: number, to: number): number[] {
  const distances = distancesFrom(graph, to)
  const way = [from]
  for (let at = from; at !== to; ) {
    at = (graph[at] ?? []).find((one) => distances[one] === (distances[at] ?? 0) - 1) as number
    way.push(at)
  }
  return way
}

/**
 * A mesh of a size at which its forming would take days here: the ring is
 * given. Each node knows its links, who has links to these (from beacons), and
 * the ways to its two neighbours on the ring, which were found by compass; all
 * else it learns from packets that it forwards. Of what looks after a ring some
 * nodes do the first thing, a question to their right neighbour: what can be
 * measured is how packets find their way.
 */
import type { Address } from "../../backends/ssr/address.ts"
import { ringSize } from "../../backends/ssr/address.ts"
import { Doubts } from "../../backends/ssr/doubts.ts"
import { Forwarder } from "../../backends/ssr/forwarder.ts"
import type { Neighbourhood } from "../../backends/ssr/neighbourhood.ts"
import type { Packet } from "../../backends/ssr/packet.ts"
import { packetTypes, payloadTypes, sourceOf } from "../../backends/ssr/packet.ts"
import { PathAnnouncer } from "../../backends/ssr/path-announcer.ts"
import { encodeClaim } from "../../backends/ssr/ring-messages.ts"
import { RouteCache } from "../../backends/ssr/route-cache.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { Simulation } from "../sim/index.ts"
import type { Graph, Place } from "./mesh-graphs.ts"
import { distancesFrom, drawPlaced } from "./mesh-graphs.ts"
import type { Delivery, Sent } from "./mesh-tracks.ts"
import { MeshTracks } from "./mesh-tracks.ts"

const linkMs = 2
/** Cold packets between 125,000 nodes cross thousands of links. */
const flightMs = 60_000

export interface FormedMeshOptions {
  readonly seed: number
  readonly nodes: number
  /** Ways that a node remembers. */
  readonly maxRoutes: number
  /** The share of nodes that ask their right neighbour at first. */
  readonly asking: number
}

/** What is done with a packet that is sent. */
interface FormedNode {
  readonly air: Air
  readonly cache: RouteCache
  readonly forwarder: Forwarder
}

/** See the head of this file. */
export class FormedMesh {
  readonly simulation: Simulation
  readonly graph: Graph
  readonly #places: readonly Place[]
  readonly #maxRoutes: number
  readonly #asking: number
  readonly #runtime: Runtime
  readonly #addresses: readonly Address[]
  readonly #numbers: ReadonlyMap<Address, number>
  /** In the order of addresses. */
  readonly #ring: readonly number[]
  /** Where each is there. */
  readonly #rank: number[] = []
  /** Those that packets have come by. */
  readonly #nodes = new Map<number, FormedNode>()
  readonly #tracks = new MeshTracks()
  /** Links on the shortest ways between pairs that were asked for. */
  readonly #shortest = new Map<string, number>()

  constructor({ seed, nodes, maxRoutes, asking }: FormedMeshOptions) {
    this.simulation = new Simulation({ seed })
    const { random } = this.simulation
    const { graph, places } = drawPlaced(nodes, random)
    this.graph = graph
    this.#places = places
    this.#maxRoutes = maxRoutes
    this.#asking = asking
    this.#addresses = graph.map(() => Math.floor(random.float() * ringSize))
    this.#numbers = new Map(this.#addresses.map((address, at) => [address, at]))
    this.#ring = [...graph.keys()].sort((a, b) => this.#addressOf(a) - this.#addressOf(b))
    for (const [place, at] of this.#ring.entries()) this.#rank[at] = place
    this.#runtime = this.simulation.addPeer("all").runtime
  }

  get packets(): number {
    return this.#tracks.others
  }

  /** Nodes ask their right neighbour whether it still is that, as all do every half minute in a calm mesh. */
  async settle(): Promise<undefined> {
    const { random } = this.simulation
    for (const at of random.sample([...this.graph.keys()], Math.round(this.#asking * this.graph.length))) {
      const right = this.#ring[((this.#rank[at] ?? 0) + 1) % this.#ring.length] as number
      this.#nodeAt(at).forwarder.send(packetTypes.notification, this.#addressOf(right), encodeClaim({ sides: [], serves: false }))
      await this.simulation.run(1)
    }
    await this.simulation.run(flightMs)
    return undefined
  }

  async deliver(pairs: readonly (readonly [number, number])[]): Promise<Delivery> {
    this.#tracks.beginPhase()
    const sent: Sent[] = []
    for (const [from, to] of pairs) {
      const { number, payload } = this.#tracks.next()
      this.#nodeAt(from).forwarder.send(packetTypes.connect, this.#addressOf(to), payload, payloadTypes.application)
      sent.push({ number, shortest: this.#distance(from, to) })
      await this.simulation.run(1)
    }
    await this.simulation.run(flightMs)
    return this.#tracks.judge(sent)
  }

  /** Of those that packets have come by. */
  cached(): readonly [number, number] {
    const sizes = [...this.#nodes.values()].map(({ cache }) => cache.size).sort((a, b) => a - b)
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

  #nodeAt(at: number): FormedNode {
    let node = this.#nodes.get(at)
    if (node === undefined) this.#nodes.set(at, (node = this.#begin(at)))
    return node
  }

  #begin(at: number): FormedNode {
    const self = this.#addressOf(at)
    const runtime = this.#runtime
    const air = new Air(self, new Set((this.graph[at] ?? []).map((other) => this.#addressOf(other))), (to, packet) => this.#carry(self, to, packet))
    const cache = new RouteCache(self, this.#maxRoutes)
    for (const neighbour of air.neighbours()) cache.learn([self, neighbour])
    this.#teachRing(cache, at)
    const vicinity = this.#vicinityOf(at)
    const announcer = new PathAnnouncer({ runtime, neighbourhood: air, send: (to, body) => void forwarder.send(packetTypes.pathAnnounce, to, body) })
    const forwarder: Forwarder = new Forwarder({ runtime, neighbourhood: air, cache, vicinity, doubts: new Doubts(runtime) }, {
      onArrival: (packet) => this.#onArrival(packet, cache, announcer),
      onLearned: () => undefined,
      onBroken: () => undefined,
    })
    return { air, cache, forwarder }
  }

  #carry(from: Address, to: Address, packet: Uint8Array): void {
    this.#tracks.onSend(packet)
    this.#runtime.setTimer(linkMs, () => this.#nodeAt(this.#numbers.get(to) as number).air.receive(from, packet))
  }

  /** What beacons have told: for each node two links away a neighbour that has it for its own. */
  #vicinityOf(at: number): { via(address: Address): Address | undefined } {
    const via = new Map<Address, Address>()
    for (const neighbour of this.graph[at] ?? []) {
      for (const other of this.graph[neighbour] ?? []) {
        if (other !== at && !via.has(this.#addressOf(other))) via.set(this.#addressOf(other), this.#addressOf(neighbour))
      }
    }
    return { via: (address) => via.get(address) }
  }

  #onArrival(packet: Packet, cache: RouteCache, announcer: PathAnnouncer): void {
    if (packet.type === packetTypes.pathAnnounce) cache.routeTo(sourceOf(packet))
    announcer.onArrival(packet)
    if (packet.type !== packetTypes.connect || packet.destination !== cache.self) return
    this.#tracks.onArrival(packet.payload)
  }

  /** The ways to both neighbours on the ring. */
  #teachRing(cache: RouteCache, at: number): void {
    const place = this.#rank[at] ?? 0
    const others = [this.#ring.at(place - 1) as number, this.#ring[(place + 1) % this.#ring.length] as number]
    cache.hold(others.map((other) => this.#addressOf(other)))
    for (const other of others) cache.learn(wayByCompass(this.graph, this.#places, at, other).map((one) => this.#addressOf(one)))
  }
}

/** The links of one node. */
class Air implements Neighbourhood {
  readonly self: Address
  readonly maxPacketBytes = 65_536
  readonly #neighbours: ReadonlySet<Address>
  readonly #carry: (to: Address, packet: Uint8Array) => void
  #handler: (neighbour: Address, packet: Uint8Array) => void = () => undefined

  constructor(self: Address, neighbours: ReadonlySet<Address>, carry: (to: Address, packet: Uint8Array) => void) {
    this.self = self
    this.#neighbours = neighbours
    this.#carry = carry
  }

  neighbours(): Iterable<Address> {
    return this.#neighbours
  }

  isNeighbour(address: Address): boolean {
    return this.#neighbours.has(address)
  }

  send(neighbour: Address, packet: Uint8Array): boolean {
    this.#carry(neighbour, packet)
    return true
  }

  onPacket(handler: (neighbour: Address, packet: Uint8Array) => void): void {
    this.#handler = handler
  }

  /** No link comes or goes. */
  onLink(): void {}

  receive(neighbour: Address, packet: Uint8Array): void {
    this.#handler(neighbour, packet)
  }
}

/** Always on to the one that is nearest to where it is to go; where none is nearer, to the next one that is, whoever lies between. */
function wayByCompass(graph: Graph, places: readonly Place[], from: number, to: number): number[] {
  const goal = places[to] as Place
  const distanceOf = (at: number): number => {
    const place = places[at] as Place
    return (place[0] - goal[0]) ** 2 + (place[1] - goal[1]) ** 2
  }
  const way = [from]
  for (let at = from; at !== to; at = way.at(-1) as number) {
    let next = at
    let least = distanceOf(at)
    for (const one of graph[at] ?? []) {
      const distance = distanceOf(one)
      if (distance >= least) continue
      next = one
      least = distance
    }
    if (next === at) way.push(...detour(graph, at, (one) => distanceOf(one) < least))
    else way.push(next)
  }
  return withoutCircles(way)
}

/** The shortest way to a node that fits, without its beginning. */
function detour(graph: Graph, from: number, fits: (at: number) => boolean): number[] {
  const before = new Map([[from, from]])
  for (const at of before.keys()) {
    if (fits(at)) {
      const way: number[] = []
      for (let step = at; step !== from; step = before.get(step) as number) way.unshift(step)
      return way
    }
    for (const next of graph[at] ?? []) if (!before.has(next)) before.set(next, at)
  }
  throw new Error("expected a graph in one piece")
}

function withoutCircles(way: readonly number[]): number[] {
  const last = new Map(way.map((node, at) => [node, at]))
  const straight: number[] = []
  for (let at = 0; at < way.length; at = (last.get(way[at] as number) as number) + 1) straight.push(way[at] as number)
  return straight
}

/**
 * The mesh of the SSR backend at sizes that no room holds, against what knows
 * every shortest way: how soon it stands, what it delivers, how long its ways
 * are, what that costs; then a tenth of its nodes dies.
 *
 *     node src/bench/mesh.ts [--nodes N] [--graph geometric|grid|line|small-world] [--pairs N] [--routes N] [--seed N] [--json]
 */
import { parseArgs } from "node:util"
import { ringSize } from "../../backends/ssr/address.ts"
import { GraphMedium } from "../../backends/ssr/graph-medium.ts"
import { SsrNode } from "../../backends/ssr/node.ts"
import { ssrSettings } from "../../backends/ssr/options.ts"
import { payloadTypes } from "../../backends/ssr/packet.ts"
import { Simulation } from "../sim/index.ts"
import type { SimRandom } from "../sim/sim-random.ts"
import type { Graph, GraphKind } from "./mesh-graphs.ts"
import { countLinks, distancesFrom, drawGraph, graphKinds } from "./mesh-graphs.ts"

interface MeshChoice {
  readonly nodes: number
  readonly kind: GraphKind
  /** Pairs of nodes between which packets are sent, in each phase. */
  readonly pairs: number
  /** Ways that a node remembers. */
  readonly maxRoutes: number
  readonly seed: number
}

/** What packets between pairs have met. */
interface Delivery {
  readonly delivered: number
  readonly sent: number
  /** Links travelled, over those of the shortest way: median, 99th percentile. */
  readonly stretch: readonly [number, number]
  /** Bytes of a packet on a link without its payload: median, 99th percentile. */
  readonly headerBytes: readonly [number, number]
}

const checkMs = 1_000
const longestMs = 600_000
const flightMs = 5_000
const warmRounds = 3
/** Marks the packets whose links are counted; a number follows. */
const mark = Buffer.from("p2psip mesh packet")

/** A mesh in one process. */
class BenchMesh {
  readonly graph: Graph
  readonly simulation: Simulation
  packets = 0
  readonly #medium: GraphMedium
  readonly #addresses: readonly number[]
  readonly #nodes: SsrNode[] = []
  readonly #gone = new Set<number>()
  /** Links travelled, by the number of the packet; then whether it has arrived where it was to. */
  readonly #links: number[] = []
  readonly #arrived = new Set<number>()
  #headers: number[] = []

  constructor({ nodes, kind, maxRoutes, seed }: MeshChoice) {
    this.simulation = new Simulation({ seed })
    this.#medium = new GraphMedium({ onSend: (_from, _to, packet) => this.#onSend(packet) })
    const { random } = this.simulation
    this.graph = drawGraph(kind, nodes, random)
    this.#addresses = this.graph.map(() => Math.floor(random.float() * ringSize))
    for (const [at, others] of this.graph.entries()) for (const other of others) this.#medium.link(this.#addressOf(at), this.#addressOf(other))
    for (const at of this.graph.keys()) this.#start(at, maxRoutes)
  }

  get random(): SimRandom {
    return this.simulation.random
  }

  /** Nodes that run. */
  get alive(): number[] {
    return [...this.graph.keys()].filter((at) => !this.#gone.has(at))
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

  /** Nodes whose neighbours on the ring are not those that they should be. */
  misplaced(): number {
    const ring = this.alive.sort((a, b) => this.#addressOf(a) - this.#addressOf(b))
    return ring.filter((at, place) => {
      const { left, right } = this.#nodes[at]?.places ?? {}
      const next = this.#addressOf(ring[(place + 1) % ring.length] as number)
      const previous = this.#addressOf(ring.at(place - 1) as number)
      return left !== previous || right !== next
    }).length
  }

  /** Lets nodes die, and only such without which the others stay in one piece. */
  crash(share: number): number {
    const wanted = Math.round(this.graph.length * share)
    for (const at of this.random.sample(this.alive, 2 * wanted)) {
      if (this.#gone.size === wanted) break
      this.#gone.add(at)
      if (!this.#isInOnePiece()) this.#gone.delete(at)
      else this.#end(at)
    }
    return this.#gone.size
  }

  /** A packet between each of so many pairs, drawn anew. */
  async deliver(pairs: readonly (readonly [number, number])[]): Promise<Delivery> {
    const first = this.#links.length
    this.#headers = []
    for (const [from, to] of pairs) {
      const number = this.#links.push(0) - 1
      const payload = Buffer.alloc(mark.length + 4)
      mark.copy(payload)
      payload.writeUInt32BE(number, mark.length)
      this.#nodes[from]?.send(this.#addressOf(to), payload)
      await this.simulation.run(1)
    }
    await this.simulation.run(flightMs)
    const ways = this.#survivingGraph()
    const stretches: number[] = []
    let delivered = 0
    for (const [index, [from, to]] of pairs.entries()) {
      if (!this.#arrived.has(first + index)) continue
      delivered++
      stretches.push((this.#links[first + index] ?? 0) / Math.max(1, distancesFrom(ways, from)[to] ?? 1))
    }
    return { delivered, sent: pairs.length, stretch: percentiles(stretches), headerBytes: percentiles(this.#headers) }
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

  #start(at: number, maxRoutes: number): void {
    const { runtime } = this.simulation.addPeer(`n${at}`)
    const node = new SsrNode({ runtime, neighbourhood: this.#medium.attach(runtime, this.#addressOf(at)) }, ssrSettings({ maxRoutes }), {
      onData: (_source, payload, isExact) => {
        if (isExact) this.#arrived.add(Buffer.from(payload).readUInt32BE(mark.length))
      },
      onPlaces: () => undefined,
      onUnreachable: () => undefined,
    })
    this.#nodes.push(node)
    node.start()
  }

  #end(at: number): void {
    this.#nodes[at]?.stop()
    this.#medium.detach(this.#addressOf(at))
    this.simulation.peer(`n${at}`)?.crash()
  }

  #survivingGraph(): Graph {
    return this.graph.map((others, at) => (this.#gone.has(at) ? [] : others.filter((other) => !this.#gone.has(other))))
  }

  #isInOnePiece(): boolean {
    const [start = 0] = this.alive
    return distancesFrom(this.#survivingGraph(), start).filter((distance) => distance !== -1).length === this.graph.length - this.#gone.size
  }

  #onSend(packet: Uint8Array): void {
    const frame = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
    const payloadAt = frame.length - mark.length - 4
    if (payloadAt < 4 || frame.readUInt32BE(payloadAt - 4) !== payloadTypes.application || !frame.subarray(payloadAt, -4).equals(mark)) {
      this.packets++
      return
    }
    const number = frame.readUInt32BE(frame.length - 4)
    this.#links[number] = (this.#links[number] ?? 0) + 1
    this.#headers.push(payloadAt)
  }
}

function percentiles(values: readonly number[]): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN
  return [at(0.5), at(0.99)]
}

/** Everything about one mesh, as one line of a table. */
async function measure(choice: MeshChoice): Promise<Readonly<Record<string, string | number>>> {
  const mesh = new BenchMesh(choice)
  const { length: nodes } = mesh.graph
  const links = countLinks(mesh.graph)
  const settledMs = await mesh.settle()
  const toStand = mesh.packets / nodes
  const cold = await mesh.deliver(mesh.drawPairs(choice.pairs))
  const pairs = mesh.drawPairs(choice.pairs)
  for (let round = 0; round < warmRounds; round++) await mesh.deliver(pairs)
  const warm = await mesh.deliver(pairs)
  const [routes, mostRoutes] = mesh.cached()
  const before = mesh.packets
  const dead = mesh.crash(0.1)
  const meanwhile = await mesh.deliver(mesh.drawPairs(choice.pairs))
  const healedMs = await mesh.settle()
  const toHeal = (mesh.packets - before) / (nodes - dead)
  const healed = await mesh.deliver(mesh.drawPairs(choice.pairs))
  return {
    graph: choice.kind, nodes, links,
    "stands after s": settledMs === undefined ? `not (${mesh.misplaced()} misplaced)` : settledMs / 1000,
    "control packets/node": Math.round(toStand),
    "link state: packets/node": Math.round(2 * links - (nodes - 1)),
    "flooding: packets/search": Math.round(2 * links - (nodes - 1)),
    "delivered %": shareOf(cold), "stretch, cold": shown(cold.stretch),
    "delivered, warm %": shareOf(warm), "stretch, warm": shown(warm.stretch),
    "header bytes": shown(warm.headerBytes), routes: `${routes} / ${mostRoutes}`,
    died: dead, "delivered in 5 s %": shareOf(meanwhile),
    "heals after s": healedMs === undefined ? "not" : healedMs / 1000, "packets/node to heal": Math.round(toHeal),
    "delivered, healed %": shareOf(healed), "stretch, healed": shown(healed.stretch),
  }
}

function shareOf({ delivered, sent }: Delivery): string {
  return ((100 * delivered) / sent).toFixed(2)
}

function shown([median, high]: readonly [number, number]): string {
  return `${round(median)} / ${round(high)}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" }, graph: { type: "string", default: "geometric" }, pairs: { type: "string", default: "1000" },
    routes: { type: "string", default: "256" }, seed: { type: "string", default: "1" }, json: { type: "boolean" },
  },
})
const kind = graphKinds.find((one) => one === values.graph)
if (kind === undefined) throw new Error(`--graph: expected ${graphKinds.join(", ")}, found ${values.graph}`)
const startedAt = performance.now()
const row = await measure({
  nodes: Number(values.nodes), kind, pairs: Number(values.pairs), maxRoutes: Number(values.routes), seed: Number(values.seed),
})
if (values.json === true) process.stdout.write(`${JSON.stringify(row)}\n`)
else for (const [name, value] of Object.entries(row)) process.stdout.write(`${name.padEnd(26)} ${value}\n`)
process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`)

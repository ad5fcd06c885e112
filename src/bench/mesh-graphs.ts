/** Graphs of a mesh's links, drawn by chance or not, and the shortest ways in them. */
import type { SimRandom } from "../sim/sim-random.ts"

/** For each node the numbers of those it has a link to. Links carry both ways. */
export type Graph = readonly (readonly number[])[]

/** A point in a square with sides of 1. */
export type Place = readonly [number, number]

/** The kinds of graphs that are known. */
export const graphKinds = ["geometric", "grid", "line", "small-world"] as const

/** One of {@link graphKinds}. */
export type GraphKind = (typeof graphKinds)[number]

/** A graph of about `count` nodes in one piece: of a random one, its largest piece. */
export function drawGraph(kind: GraphKind, count: number, random: SimRandom): Graph {
  switch (kind) {
    case "geometric": return drawPlaced(count, random).graph
    case "grid": return grid(count)
    case "line": return fromLinks(count, Array.from({ length: count - 1 }, (_, at) => [at, at + 1]))
    case "small-world": return largestPiece(smallWorld(count, random)).graph
  }
}

/** A random geometric graph in one piece, and where its nodes are. */
export function drawPlaced(count: number, random: SimRandom): { readonly graph: Graph; readonly places: readonly Place[] } {
  const radios = new Radios(count, random)
  const { graph, kept } = largestPiece(radios.graph())
  return { graph, places: kept.map((at) => radios.places[at] as Place) }
}

/** Links on the shortest ways from a node to each other one; -1 where there is none. */
export function distancesFrom(graph: Graph, start: number): Int32Array {
  const distances = new Int32Array(graph.length).fill(-1)
  distances[start] = 0
  const queue = [start]
  for (const at of queue) {
    for (const next of graph[at] ?? []) {
      if (distances[next] !== -1) continue
      distances[next] = (distances[at] ?? 0) + 1
      queue.push(next)
    }
  }
  return distances
}

/** How many links there are. */
export function countLinks(graph: Graph): number {
  return graph.reduce((sum, neighbours) => sum + neighbours.length, 0) / 2
}

/** Radios in a square, that reach so far that hardly one is left alone (Penrose: the mean degree must grow as ln N); they may move. */
export class Radios {
  readonly radius: number
  readonly #random: SimRandom
  readonly #places: Place[]
  readonly #headings: number[]

  constructor(count: number, random: SimRandom) {
    this.radius = Math.sqrt((Math.log(count) + 5) / (Math.PI * count))
    this.#random = random
    this.#places = Array.from({ length: count }, () => [random.float(), random.float()] as const)
    this.#headings = this.#places.map(() => 2 * Math.PI * random.float())
  }

  get places(): readonly Place[] {
    return this.#places
  }

  /** Each goes so far, ahead as a rule; at the edge it turns round. */
  wander(distance: number): void {
    for (const [at, [x, y]] of this.#places.entries()) {
      if (this.#random.chance(0.05)) this.#headings[at] = 2 * Math.PI * this.#random.float()
      const heading = this.#headings[at] ?? 0
      const [nextX, nextY] = [x + distance * Math.cos(heading), y + distance * Math.sin(heading)]
      if (nextX < 0 || nextX > 1 || nextY < 0 || nextY > 1) this.#headings[at] = heading + Math.PI
      else this.#places[at] = [nextX, nextY]
    }
  }

  /** Who is in reach of whom. */
  graph(): Graph {
    const { radius } = this
    const places = this.#places
    const cells = new Map<string, number[]>()
    const cellOf = (x: number, y: number): string => `${Math.floor(x / radius)} ${Math.floor(y / radius)}`
    for (const [at, [x, y]] of places.entries()) {
      const cell = cells.get(cellOf(x, y))
      if (cell === undefined) cells.set(cellOf(x, y), [at])
      else cell.push(at)
    }
    const links: [number, number][] = []
    for (const [at, [x, y]] of places.entries()) {
      for (const other of aroundOf(x, y, radius, cells, cellOf)) {
        const [otherX, otherY] = places[other] as readonly [number, number]
        if (other > at && Math.hypot(otherX - x, otherY - y) <= radius) links.push([at, other])
      }
    }
    return fromLinks(places.length, links)
  }
}

function aroundOf(x: number, y: number, radius: number, cells: ReadonlyMap<string, readonly number[]>, cellOf: (x: number, y: number) => string): number[] {
  const steps = [-radius, 0, radius]
  return steps.flatMap((dx) => steps.flatMap((dy) => cells.get(cellOf(x + dx, y + dy)) ?? []))
}

function grid(count: number): Graph {
  const width = Math.round(Math.sqrt(count))
  const links: [number, number][] = []
  for (let at = 0; at < count; at++) {
    if (at % width !== width - 1 && at + 1 < count) links.push([at, at + 1])
    if (at + width < count) links.push([at, at + width])
  }
  return fromLinks(count, links)
}

/** A circle with links to the two nearest on each side, one in ten of them led elsewhere (Watts and Strogatz, 1998). */
function smallWorld(count: number, random: SimRandom): Graph {
  const links: [number, number][] = []
  for (let at = 0; at < count; at++) {
    for (const step of [1, 2]) links.push([at, random.chance(0.1) ? Math.floor(random.float() * count) : (at + step) % count])
  }
  return fromLinks(count, links)
}

function fromLinks(count: number, links: readonly (readonly [number, number] | readonly number[])[]): Graph {
  const neighbours = Array.from({ length: count }, () => new Set<number>())
  for (const [a = 0, b = 0] of links) {
    if (a === b) continue
    neighbours[a]?.add(b)
    neighbours[b]?.add(a)
  }
  return neighbours.map((set) => [...set])
}

/** For each node the number of the piece that it belongs to. */
export function piecesOf(graph: Graph): Int32Array {
  const pieceOf = new Int32Array(graph.length).fill(-1)
  let pieces = 0
  for (const start of graph.keys()) {
    if (pieceOf[start] !== -1) continue
    const piece = pieces++
    const stack = [start]
    pieceOf[start] = piece
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (const next of graph[at] ?? []) {
        if (pieceOf[next] !== -1) continue
        pieceOf[next] = piece
        stack.push(next)
      }
    }
  }
  return pieceOf
}

/** `kept`: the numbers that its nodes had. */
function largestPiece(graph: Graph): { readonly graph: Graph; readonly kept: readonly number[] } {
  const pieceOf = piecesOf(graph)
  const sizes: number[] = []
  for (const piece of pieceOf) sizes[piece] = (sizes[piece] ?? 0) + 1
  const largest = sizes.indexOf(sizes.reduce((most, size) => Math.max(most, size), 0))
  const kept = [...graph.keys()].filter((at) => pieceOf[at] === largest)
  const numbers = new Map(kept.map((at, number) => [at, number]))
  return { graph: kept.map((at) => (graph[at] ?? []).map((other) => numbers.get(other) as number)), kept }
}

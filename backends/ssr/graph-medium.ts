/**
 * Links of one process: a graph of nodes, whose edges come and go. For tests
 * and simulations; each packet arrives a link's delay later.
 */
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { LinkEvent, Neighbourhood } from "./neighbourhood.ts"

export interface GraphMediumOptions {
  /** Milliseconds that a packet takes over a link. @default 2 */
  readonly delayMs?: number
  /** Packets that a link carries each way in a second; up to 64 wait. Left out: any number. */
  readonly packetsPerSecond?: number
  /** Told of each packet that is sent. */
  readonly onSend?: (from: Address, to: Address, packet: Uint8Array) => void
}

const defaultDelayMs = 2
/** Who one has for neighbours is said so long after it has changed: what a beacon would take. */
const sayMs = 100
const maxPacketBytes = 65_536
const maxWaiting = 64

/** See the head of this file. */
export class GraphMedium {
  readonly #nodes = new Map<Address, GraphNeighbourhood>()
  readonly #edges = new Map<Address, Set<Address>>()
  readonly delayMs: number
  /** Milliseconds that a link is busy with a packet. */
  readonly serviceMs: number
  readonly onSend: GraphMediumOptions["onSend"]

  constructor(options: GraphMediumOptions = {}) {
    this.delayMs = options.delayMs ?? defaultDelayMs
    this.serviceMs = 1000 / (options.packetsPerSecond ?? Infinity)
    this.onSend = options.onSend
  }

  /** Puts a node into the graph; its links may have been made before. */
  attach(runtime: Runtime, self: Address): Neighbourhood {
    const node = new GraphNeighbourhood(this, runtime, self)
    this.#nodes.set(self, node)
    for (const address of this.#edges.get(self) ?? []) {
      const other = this.#nodes.get(address)
      if (other === undefined) continue
      connect(node, other)
      other.tell({ name: "up", neighbour: self })
      other.sayLater()
    }
    node.sayLater()
    return node
  }

  /** The node dies: nothing of its own goes on, its neighbours notice. */
  detach(address: Address): void {
    const node = this.#nodes.get(address)
    if (node === undefined) return
    this.#nodes.delete(address)
    for (const other of [...node.links.values()]) {
      disconnect(node, other)
      other.tell({ name: "down", neighbour: address })
      other.sayLater()
    }
  }

  link(a: Address, b: Address): void {
    if (a === b || this.#edges.get(a)?.has(b) === true) return
    this.#edgesOf(a).add(b)
    this.#edgesOf(b).add(a)
    this.#change(a, b, connect, "up")
  }

  unlink(a: Address, b: Address): void {
    if (this.#edges.get(a)?.has(b) !== true) return
    this.#edgesOf(a).delete(b)
    this.#edgesOf(b).delete(a)
    this.#change(a, b, disconnect, "down")
  }

  /** Nodes that are there and have a link to this one. */
  neighboursOf(address: Address): IterableIterator<Address> {
    return this.#nodes.get(address)?.links.keys() ?? new Map<Address, never>().keys()
  }

  areLinked(a: Address, b: Address): boolean {
    return this.#nodes.get(a)?.links.has(b) === true
  }

  #change(a: Address, b: Address, change: typeof connect, name: LinkEvent["name"]): void {
    const [nodeA, nodeB] = [this.#nodes.get(a), this.#nodes.get(b)]
    if (nodeA === undefined || nodeB === undefined) return
    change(nodeA, nodeB)
    nodeA.tell({ name, neighbour: b })
    nodeB.tell({ name, neighbour: a })
    nodeA.sayLater()
    nodeB.sayLater()
  }

  #edgesOf(address: Address): Set<Address> {
    let edges = this.#edges.get(address)
    if (edges === undefined) this.#edges.set(address, (edges = new Set()))
    return edges
  }
}

function connect(a: GraphNeighbourhood, b: GraphNeighbourhood): void {
  a.links.set(b.self, b)
  b.links.set(a.self, a)
}

function disconnect(a: GraphNeighbourhood, b: GraphNeighbourhood): void {
  a.links.delete(b.self)
  b.links.delete(a.self)
}

/** One node's view of the graph. */
export class GraphNeighbourhood implements Neighbourhood {
  readonly self: Address
  readonly maxPacketBytes = maxPacketBytes
  /** Nodes at the other ends of its links. */
  readonly links = new Map<Address, GraphNeighbourhood>()
  readonly #medium: GraphMedium
  /** When a link has nothing more to send. */
  readonly #freeAt = new Map<Address, number>()
  readonly #runtime: Runtime
  #packetHandler: (neighbour: Address, packet: Uint8Array) => void = () => undefined
  #linkListener: (event: LinkEvent) => void = () => undefined
  #hearsListener: (neighbour: Address, theirs: Iterable<Address>) => void = () => undefined
  #isToSay = false

  constructor(medium: GraphMedium, runtime: Runtime, self: Address) {
    this.#medium = medium
    this.#runtime = runtime
    this.self = self
  }

  neighbours(): Iterable<Address> {
    return this.links.keys()
  }

  isNeighbour(address: Address): boolean {
    return this.links.has(address)
  }

  send(neighbour: Address, packet: Uint8Array): boolean {
    const receiver = this.links.get(neighbour)
    if (receiver === undefined) return false
    const waitMs = this.#queue(neighbour)
    if (waitMs === undefined) return false
    this.#medium.onSend?.(this.self, neighbour, packet)
    this.#runtime.setTimer(waitMs + this.#medium.delayMs, () => {
      // The receiver may be another one by now, or the link gone.
      if (this.links.get(neighbour) === receiver) receiver.#packetHandler(this.self, packet)
    })
    return true
  }

  /** Milliseconds until the link is through with one more packet; undefined where too many wait. */
  #queue(neighbour: Address): number | undefined {
    const { serviceMs } = this.#medium
    if (serviceMs === 0) return 0
    const now = this.#runtime.now()
    const busyMs = Math.max(0, (this.#freeAt.get(neighbour) ?? 0) - now)
    if (busyMs > maxWaiting * serviceMs) return undefined
    this.#freeAt.set(neighbour, now + busyMs + serviceMs)
    return busyMs + serviceMs
  }

  onPacket(handler: (neighbour: Address, packet: Uint8Array) => void): void {
    this.#packetHandler = handler
  }

  onLink(listener: (event: LinkEvent) => void): void {
    this.#linkListener = listener
  }

  onHears(listener: (neighbour: Address, theirs: Iterable<Address>) => void): void {
    this.#hearsListener = listener
  }

  hear(neighbour: Address, theirs: Iterable<Address>): void {
    this.#hearsListener(neighbour, theirs)
  }

  tell(event: LinkEvent): void {
    this.#linkListener(event)
  }

  /** All neighbours get to know soon who the others are. */
  sayLater(): void {
    if (this.#isToSay) return
    this.#isToSay = true
    this.#runtime.setTimer(sayMs, () => {
      this.#isToSay = false
      const neighbours = [...this.neighbours()]
      for (const node of [...this.links.values()]) node.hear(this.self, neighbours)
    })
  }
}

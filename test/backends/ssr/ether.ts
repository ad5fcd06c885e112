/** Network interfaces of simulated nodes: who hears whom, how much gets lost, and what is said there. */
import type { DatagramHandler, Ether } from "../../../backends/ssr/ether.ts"
import { MeshLink } from "../../../backends/ssr/mesh-link.ts"
import type { LocalLinksOptions } from "../../../backends/ssr/local-links.ts"
import { LocalLinks } from "../../../backends/ssr/local-links.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import type { Runtime } from "../../../src/runtime/runtime.ts"
import { Simulation } from "../../../src/sim/index.ts"

const defaults: LocalLinksOptions = { beaconMs: 500, maxNeighbours: 64, maxDatagramsPerSecond: 5000 }
const delayMs = 1

/** A network to which interfaces are plugged in; whoever is on it reaches the others, but for what gets lost. */
export class TestNetwork {
  readonly #stations = new Map<string, Station>()
  /** Share of the datagrams that get lost, by sender and receiver. */
  loss: (from: string, to: string) => number = () => 0
  datagrams = 0

  plug(station: Station): void {
    this.#stations.set(station.place, station)
  }

  unplug(place: string): void {
    this.#stations.delete(place)
  }

  /** To one place, or to all others. */
  carry(runtime: Runtime, from: string, to: string | undefined, datagram: Uint8Array): void {
    for (const [place, station] of this.#stations) {
      if (place === from || (to !== undefined && place !== to)) continue
      this.datagrams++
      if (!this.#stations.has(from) || runtime.random.float() < this.loss(from, place)) continue
      runtime.setTimer(delayMs, () => {
        if (this.#stations.get(place) === station) station.receive(from, Uint8Array.from(datagram))
      })
    }
  }
}

interface Station {
  readonly place: string
  receive(from: string, datagram: Uint8Array): void
}

/** The interfaces of one node, each on a network. */
export class TestEther implements Ether {
  readonly maxDatagramBytes = 1232
  readonly #runtime: Runtime
  readonly #place: string
  readonly #networks = new Map<string, TestNetwork>()
  #handler: DatagramHandler = () => undefined

  constructor(runtime: Runtime, place: string) {
    this.#runtime = runtime
    this.#place = place
  }

  plug(on: string, network: TestNetwork): void {
    this.#networks.set(on, network)
    network.plug({ place: this.#place, receive: (from, datagram) => this.#handler(on, from, datagram) })
  }

  interfaces(): Iterable<string> {
    return this.#networks.keys()
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  shout(on: string, datagram: Uint8Array): void {
    this.#networks.get(on)?.carry(this.#runtime, this.#place, undefined, datagram)
  }

  send(on: string, to: string, datagram: Uint8Array): boolean {
    this.#networks.get(on)?.carry(this.#runtime, this.#place, to, datagram)
    return true
  }

  onDatagram(handler: DatagramHandler): void {
    this.#handler = handler
  }
}

/** A node on networks. */
export interface TestNode {
  readonly links: LocalLinks
  readonly ether: TestEther
  readonly link: MeshLink
  readonly runtime: Runtime
}

/** A world of nodes on networks. */
export class TestEthers {
  readonly simulation: Simulation

  constructor(seed: number) {
    this.simulation = new Simulation({ seed })
  }

  /** A node that has not begun: `link.enter([])` lets it. */
  node(address: number, networks: Readonly<Record<string, TestNetwork>>, options: Partial<LocalLinksOptions> = {}): TestNode {
    const { runtime } = this.simulation.addPeer(`node ${address}`)
    const ether = new TestEther(runtime, `place of ${address}`)
    for (const [on, network] of Object.entries(networks)) ether.plug(on, network)
    const links = new LocalLinks({ runtime, ether, address }, { ...defaults, ...options })
    return { links, ether, link: new MeshLink({ runtime, mesh: links }, ssrSettings()), runtime }
  }

  /** Why datagrams were dropped, how often. */
  drops(): Readonly<Record<string, number>> {
    const found: Record<string, number> = {}
    for (const [name, { value }] of this.simulation.metrics.counters) {
      const reason = /^p2psip_ssr_dropped_packets_total\{reason="(.*)"\}$/.exec(name)?.[1]
      if (reason !== undefined) found[reason] = value
    }
    return found
  }
}

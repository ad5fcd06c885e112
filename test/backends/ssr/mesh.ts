/** Meshes of nodes in the simulator: a graph, what the nodes agree on, and what arrives where. */
import type { Address } from "../../../backends/ssr/address.ts"
import { ringSize } from "../../../backends/ssr/address.ts"
import { GraphMedium } from "../../../backends/ssr/graph-medium.ts"
import { SsrNode } from "../../../backends/ssr/node.ts"
import { ssrSettings } from "../../../backends/ssr/options.ts"
import type { SsrOptions } from "../../../backends/ssr/options.ts"
import { Simulation } from "../../../src/sim/index.ts"

export interface Arrival {
  readonly at: Address
  readonly source: Address
  readonly text: string
  readonly isExact: boolean
}

/** See the head of this file. */
export class TestMesh {
  readonly simulation: Simulation
  readonly medium: GraphMedium
  readonly nodes = new Map<Address, SsrNode>()
  readonly arrivals: Arrival[] = []
  readonly unreachable: Address[] = []
  packets = 0
  /** Told of each packet on a link. */
  onSend: (packet: Uint8Array) => void = () => undefined
  readonly #options: SsrOptions

  constructor(seed: number, options: SsrOptions = {}) {
    this.simulation = new Simulation({ seed })
    this.medium = new GraphMedium({
      onSend: (_from, _to, packet) => {
        this.packets++
        this.onSend(packet)
      },
    })
    this.#options = options
  }

  add(address: Address): SsrNode {
    const { runtime } = this.simulation.addPeer(`node ${address}`)
    const node = new SsrNode({ runtime, neighbourhood: this.medium.attach(runtime, address) }, ssrSettings(this.#options), {
      onData: (source, payload, isExact) => {
        this.arrivals.push({ at: address, source, text: Buffer.from(payload).toString(), isExact })
      },
      onPlaces: () => undefined,
      onUnreachable: (other) => this.unreachable.push(other),
    })
    this.nodes.set(address, node)
    node.start()
    return node
  }

  crash(address: Address): void {
    this.nodes.get(address)?.stop()
    this.nodes.delete(address)
    this.medium.detach(address)
    this.simulation.peer(`node ${address}`)?.crash()
  }

  /** Nodes by chance, each linked to `degree` others or a few more, all in one piece. */
  addConnected(count: number, degree = 3): Address[] {
    const { random } = this.simulation
    const addresses: Address[] = []
    while (addresses.length < count) {
      const address = Math.floor(random.float() * ringSize)
      for (let link = 0; link < Math.min(degree, addresses.length); link++) this.medium.link(address, random.pick(addresses) ?? address)
      addresses.push(address)
    }
    for (const address of addresses) this.add(address)
    return addresses
  }

  /** Those whose neighbours on the ring are not what they should be. */
  misplaced(): Address[] {
    const ring = [...this.nodes.keys()].sort((a, b) => a - b)
    return ring.filter((address, at) => {
      const { left, right } = this.nodes.get(address)?.places ?? {}
      return right !== ring[(at + 1) % ring.length] || left !== ring[(at + ring.length - 1) % ring.length]
    })
  }

  /** Sends a text from each of `from` to each other one of `to`; gives the number of those that did not arrive. */
  async lose(from: readonly Address[], to: readonly Address[]): Promise<number> {
    this.arrivals.length = 0
    for (const source of from) {
      for (const target of to) if (target !== source) this.nodes.get(source)?.send(target, Buffer.from(`${target}`))
    }
    await this.simulation.run(2_000)
    const pairs = from.length * to.length - from.filter((source) => to.includes(source)).length
    return pairs - this.arrivals.filter(({ at, text, isExact }) => isExact && text === `${at}`).length
  }
}

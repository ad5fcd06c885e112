/** Peers of an overlay in a simulated network, routed by a {@link Directory}. */
import { OverlayServlet } from "../../src/overlay/index.ts"
import type { OverlayOptions } from "../../src/overlay/index.ts"
import type { SimPeer, SimulationOptions } from "../../src/sim/index.ts"
import { Simulation } from "../../src/sim/index.ts"
import { Directory } from "./static-routing.ts"

/** A peer of the world. */
export interface WorldPeer {
  readonly name: string
  readonly process: SimPeer
  readonly servlet: OverlayServlet
}

export interface NewPeer {
  readonly name?: string
  readonly dataFolder?: string
}

/** See the head of this file. */
export class OverlayWorld {
  readonly simulation: Simulation
  readonly directory: Directory
  readonly peers: WorldPeer[] = []
  readonly #options: OverlayOptions
  #named = 0
  #driving: Promise<void> | undefined
  #wake: () => void = () => undefined

  constructor(options: OverlayOptions = {}, simulation: Partial<SimulationOptions> = {}, directory = new Directory()) {
    this.directory = directory
    this.simulation = new Simulation({ seed: 1, ...simulation })
    this.#options = options
  }

  /** A peer that has not joined; `name` is that of one that is gone, for its return. */
  async add({ name = `peer${++this.#named}`, dataFolder }: NewPeer = {}): Promise<WorldPeer> {
    const process = this.simulation.addPeer(name)
    await process.link.start()
    const servlet = new OverlayServlet("static", { runtime: process.runtime, link: process.link, dataFolder }, this.directory.create, this.#options)
    return { name, process, servlet }
  }

  /** Adds a peer and lets it join. */
  async join(newPeer: NewPeer = {}): Promise<WorldPeer> {
    const peer = await this.add(newPeer)
    const bootstrap = this.peers.slice(0, 1).flatMap((other) => other.process.link.self.addresses)
    await this.run(peer.servlet.join(bootstrap))
    this.peers.push(peer)
    return peer
  }

  async joinMany(count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.join()
  }

  crash(peer: WorldPeer): void {
    this.#remove(peer)
    peer.process.crash()
    this.directory.crash(peer.name)
  }

  async leave(peer: WorldPeer): Promise<void> {
    this.#remove(peer)
    await this.run(peer.servlet.leave())
    peer.process.exit()
  }

  /** Lets time pass until the work is done; several such waits may overlap. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
      this.#wake()
    }
    work.then(settle, settle)
    while (!isSettled) await (this.#driving ?? this.#drive())
    return work
  }

  pass(ms: number): Promise<void> {
    return this.run(new Promise((resolve) => this.simulation.after(ms, resolve)))
  }

  /** Moves time until some wait is over. */
  #drive(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#driving = this.simulation.wait(woken, 3_600_000).finally(() => {
      this.#driving = undefined
    })
    return this.#driving
  }

  /** Two sides that neither reach nor hear of each other. */
  partition(side: readonly WorldPeer[]): void {
    const names = new Set(side.map((peer) => peer.name))
    this.simulation.network.partition([[...names]])
    this.directory.partition((a, b) => names.has(a) === names.has(b))
  }

  heal(): void {
    this.simulation.network.heal()
    this.directory.partition(() => true)
  }

  /** What was logged as an error: defects. */
  get errors(): string[] {
    return this.simulation.log.filter((line) => line.level === "error").map((line) => JSON.stringify(line))
  }

  #remove(peer: WorldPeer): void {
    this.peers.splice(this.peers.indexOf(peer), 1)
  }
}

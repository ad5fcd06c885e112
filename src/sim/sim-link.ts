/** The Link of one simulated peer. Its PeerId is its name, its address `/sim/NAME`. */
import { P2PSipError } from "../errors.ts"
import type { Channel, FrameHandler, Link, PeerAddress, PeerEvent, PeerId } from "../link/link.ts"
import type { SimRuntime } from "./sim-runtime.ts"
import type { Host, HostReceiver } from "./host.ts"
import type { SimNetwork } from "./sim-network.ts"

const addressPrefix = "/sim/"
const maxFrameBytes = 256 * 1024
const dialTimeoutMs = 10_000

/** Where a simulated peer can be reached. */
export function simAddress(name: PeerId): PeerAddress {
  return { peerId: name, addresses: [addressPrefix + name] }
}

/** See the head of this file. */
export class SimLink implements Link, HostReceiver {
  readonly self: PeerAddress
  readonly maxFrameBytes = maxFrameBytes
  readonly #network: SimNetwork
  readonly #runtime: SimRuntime
  readonly #host: Host
  readonly #known = new Set<PeerId>()
  readonly #handlers: (FrameHandler | undefined)[] = []
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  #isStarted = false

  /** Behind a NAT there is no address to tell others. */
  constructor(name: PeerId, components: { readonly network: SimNetwork; readonly runtime: SimRuntime; readonly isNatted: boolean }) {
    this.self = components.isNatted ? { peerId: name, addresses: [] } : simAddress(name)
    this.#network = components.network
    this.#runtime = components.runtime
    this.#host = this.#network.attach(name, this)
    this.#host.isNatted = components.isNatted
    this.#known.add(name)
  }

  /** The peer's place in the network, for faults. */
  get host(): Host {
    return this.#host
  }

  async start(): Promise<void> {
    this.#isStarted = true
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#network.detach(this.#host, true)
  }

  resolve(address: string, options?: { readonly signal?: AbortSignal }): Promise<PeerAddress> {
    const name = address.slice(addressPrefix.length)
    const unreachable = (): P2PSipError => new P2PSipError("P2PSIP_UNREACHABLE", `nobody answers at ${address}`)
    if (!address.startsWith(addressPrefix)) return Promise.reject(unreachable())
    return new Promise((resolve, reject) => {
      const target = this.#network.host(name)
      const reachable = target !== undefined && this.#canDial(target)
      const waitMs = reachable ? this.#roundTripMs(target) : dialTimeoutMs
      const timer = this.#runtime.setTimer(waitMs, () => {
        if (!reachable || !this.#canDial(target)) return reject(unreachable())
        this.#known.add(name)
        resolve(simAddress(name))
      })
      options?.signal?.addEventListener("abort", () => {
        timer.cancel()
        reject(new P2PSipError("P2PSIP_ABORTED", `dialling ${address} was given up`))
      })
    })
  }

  learn(peer: PeerAddress): void {
    if (peer.addresses.length > 0) this.#known.add(peer.peerId)
  }

  send(to: PeerId, channel: Channel, frame: Uint8Array): boolean {
    if (!this.#isStarted || !this.#host.isUp) return false
    if (frame.length > maxFrameBytes) {
      this.#network.dropped.tooLong++
      return false
    }
    if (this.#network.conditions.requireAddresses && !this.#known.has(to) && !this.#host.connections.has(to)) {
      this.#network.dropped.unknown++
      return false
    }
    return this.#network.send(this.#host, to, channel, frame)
  }

  onFrame(channel: Channel, handler: FrameHandler): void {
    this.#handlers[channel] = handler
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  receive(from: PeerId, channel: Channel, frame: Uint8Array): void {
    if (this.#isStarted) this.#handlers[channel]?.(from, frame)
  }

  peerEvent(event: PeerEvent): void {
    if (!this.#isStarted) return
    for (const listener of [...this.#listeners]) listener(event)
  }

  #canDial(target: Host): boolean {
    return target.isUp && this.#network.canReach(this.#host, target) && this.#network.canReach(target, this.#host) && !target.isNatted
  }

  #roundTripMs(target: Host): number {
    return this.#network.latencyMs(this.#host, target) + this.#network.latencyMs(target, this.#host)
  }
}

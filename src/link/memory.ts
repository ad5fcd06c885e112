/**
 * Many peers in one process: a Link without a network.
 *
 * It keeps the promises of the contract and no more: frames arrive later,
 * never within `send`, and a test may cut two peers apart or kill one.
 */
import { P2PSipError } from "../errors.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { LinkCounters, PeerListeners, Receivers } from "./common.ts"
import type { Channel, FrameHandler, Link, PeerAddress, PeerEvent, PeerId } from "./link.ts"
import { defaultLinkLimits, type LinkLimits } from "./limits.ts"

const scheme = "/memory/"

/** The medium that the {@link MemoryLink}s of one process share. */
export class MemoryNetwork {
  readonly #links = new Map<PeerId, MemoryLink>()
  readonly #cuts = new Set<string>()
  #named = 0

  /** Parts two peers: what they send to each other is lost until {@link mend}. */
  cut(a: PeerId, b: PeerId): void {
    this.#cuts.add(pairOf(a, b))
    this.#links.get(a)?.disconnect(b)
    this.#links.get(b)?.disconnect(a)
  }

  /** Ends a {@link cut}. */
  mend(a: PeerId, b: PeerId): void {
    this.#cuts.delete(pairOf(a, b))
  }

  /** Ends a peer without a farewell: what it had queued is lost, its Link does nothing any more. */
  kill(peerId: PeerId): void {
    this.#links.get(peerId)?.die()
  }

  /** The running Link of a peer that `from` can reach. */
  reach(from: PeerId, to: PeerId): MemoryLink | undefined {
    return this.#cuts.has(pairOf(from, to)) ? undefined : this.#links.get(to)
  }

  /** A name that no other peer of this network has. */
  freeName(): PeerId {
    return `peer-${++this.#named}`
  }

  attach(link: MemoryLink): void {
    const { peerId } = link.self
    if (this.#links.has(peerId)) {
      throw new P2PSipError("P2PSIP_PORT_IN_USE", `a peer named ${peerId} runs already; stop it first or choose another name`)
    }
    this.#links.set(peerId, link)
  }

  detach(link: MemoryLink): void {
    if (this.#links.get(link.self.peerId) === link) this.#links.delete(link.self.peerId)
  }
}

/** What can be set on a {@link MemoryLink}. */
export interface MemoryLinkOptions extends Partial<LinkLimits> {
  /** @default a name that is free in the network */
  readonly peerId?: PeerId
}

/** What a {@link MemoryLink} is built from. */
export interface MemoryLinkComponents {
  readonly runtime: Runtime
  readonly network: MemoryNetwork
}

interface Queued {
  readonly to: PeerId
  readonly channel: Channel
  readonly frame: Uint8Array
}

/** See the head of this file. */
export class MemoryLink implements Link {
  readonly self: PeerAddress
  readonly maxFrameBytes: number
  readonly #runtime: Runtime
  readonly #network: MemoryNetwork
  readonly #limits: LinkLimits
  readonly #counters: LinkCounters
  readonly #receivers: Receivers
  readonly #listeners: PeerListeners
  readonly #known = new Set<PeerId>()
  readonly #connected = new Set<PeerId>()
  readonly #load = new Map<PeerId, { frames: number; bytes: number }>()
  #queue: Queued[] = []
  #running = false

  constructor(components: MemoryLinkComponents, options: MemoryLinkOptions = {}) {
    const { runtime, network } = components
    const peerId = options.peerId ?? network.freeName()
    this.self = { peerId, addresses: [scheme + peerId] }
    this.#limits = { ...defaultLinkLimits, ...options }
    this.maxFrameBytes = this.#limits.maxFrameBytes
    this.#runtime = runtime
    this.#network = network
    this.#counters = new LinkCounters(runtime.metrics)
    this.#receivers = new Receivers(runtime, this.#counters)
    this.#listeners = new PeerListeners(runtime)
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#network.attach(this)
    this.#running = true
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#flush()
    this.die()
  }

  async resolve(address: string, options: { readonly signal?: AbortSignal } = {}): Promise<PeerAddress> {
    options.signal?.throwIfAborted()
    if (!this.#running) throw new P2PSipError("P2PSIP_LINK_CLOSED", "the Link is not running; start it first")
    const peerId = address.startsWith(scheme) ? address.slice(scheme.length) : ""
    const peer = peerId === this.self.peerId ? this : this.#network.reach(this.self.peerId, peerId)
    if (peer === undefined) throw new P2PSipError("P2PSIP_UNREACHABLE", `no peer answers at ${address}`)
    this.learn(peer.self)
    if (peer !== this) this.#meet(peer)
    return peer.self
  }

  learn(peer: PeerAddress): void {
    if (peer.peerId === this.self.peerId) return
    this.#known.delete(peer.peerId)
    this.#known.add(peer.peerId)
    // A set keeps the order of insertion: the first is the one longest unheard of.
    for (const oldest of this.#known) {
      if (this.#known.size <= this.#limits.maxKnownPeers) break
      if (!this.#connected.has(oldest)) this.#known.delete(oldest)
    }
  }

  send(to: PeerId, channel: Channel, frame: Uint8Array): boolean {
    if (!this.#running) return this.#refuse("not-running")
    if (frame.length > this.maxFrameBytes) return this.#refuse("too-long")
    if (to !== this.self.peerId && !this.#known.has(to)) return this.#refuse("unknown-peer")
    const load = this.#load.get(to) ?? { frames: 0, bytes: 0 }
    if (load.frames >= this.#limits.maxQueuedFrames || load.bytes + frame.length > this.#limits.maxQueuedBytes) {
      return this.#refuse("queue-full")
    }
    load.frames += 1
    load.bytes += frame.length
    this.#load.set(to, load)
    if (this.#queue.push({ to, channel, frame }) === 1) this.#runtime.defer(() => this.#flush())
    return true
  }

  onFrame(channel: Channel, handler: FrameHandler): void {
    this.#receivers.set(channel, handler)
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Ends at once; the network calls it for {@link MemoryNetwork.kill}. */
  die(): void {
    if (!this.#running) return
    this.#running = false
    this.#network.detach(this)
    this.#queue = []
    this.#load.clear()
    for (const peerId of this.#connected) this.#network.reach(this.self.peerId, peerId)?.disconnect(this.self.peerId)
    this.#connected.clear()
  }

  /** Forgets a connection; the network calls it for both ends. */
  disconnect(peerId: PeerId): void {
    if (this.#connected.delete(peerId)) this.#tellDown(peerId)
  }

  #tellDown(peerId: PeerId): void {
    this.#runtime.defer(() => {
      if (this.#running && !this.#connected.has(peerId)) this.#listeners.emit({ name: "down", peerId })
    })
  }

  #refuse(reason: "not-running" | "too-long" | "unknown-peer" | "queue-full"): false {
    this.#counters.drop(reason)
    return false
  }

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    this.#load.clear()
    const unreachable = new Set<PeerId>()
    for (const { to, channel, frame } of queue) {
      if (!this.#running) return
      const peer = to === this.self.peerId ? this : this.#network.reach(this.self.peerId, to)
      if (peer === undefined) {
        this.#counters.drop("unreachable")
        unreachable.add(to)
        continue
      }
      if (peer !== this) this.#meet(peer)
      this.#counters.framesOut.add()
      this.#counters.bytesOut.add(frame.length)
      // A copy: the frame belongs to the receiver, and the sender may have sent it to others as well.
      peer.#receivers.deliver(this.self.peerId, channel, Uint8Array.prototype.slice.call(frame))
    }
    for (const peerId of unreachable) this.#tellDown(peerId)
  }

  #meet(peer: MemoryLink): void {
    if (this.#connected.has(peer.self.peerId)) return
    this.#connect(peer)
    peer.#connect(this)
  }

  #connect(peer: MemoryLink): void {
    const { peerId } = peer.self
    this.#connected.add(peerId)
    this.learn(peer.self)
    this.#listeners.emit({ name: "up", peerId })
  }
}

function pairOf(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

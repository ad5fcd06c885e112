/** The mesh as a Link: frames between any two of its nodes, whether or not they are neighbours. */
import { ByteReader } from "../../src/codec.ts"
import { P2PSipError, badArgument, isP2PSipError } from "../../src/errors.ts"
import { channels } from "../../src/link/link.ts"
import type { Channel, FrameHandler, PeerAddress, PeerEvent, PeerId } from "../../src/link/link.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { NetworkLink, NetworkStatus, NetworkTrace } from "../../src/servlet/index.ts"
import type { Address } from "./address.ts"
import { addressOfPeer, parseAddress, peerIdOf } from "./address.ts"
import { decodePiece, encodePiece, maxPieces, pieceHeadBytes } from "./mesh-frame.ts"
import type { Mesh } from "./neighbourhood.ts"
import type { NodeListener } from "./node.ts"
import { SsrNode } from "./node.ts"
import type { SsrSettings } from "./options.ts"
import { headerBytes } from "./packet.ts"
import { Reassembly } from "./reassembly.ts"

export interface MeshLinkComponents {
  readonly runtime: Runtime
  readonly mesh: Mesh
  /** Names the owner of an address outside the mesh; left out where the mesh is all there is. */
  readonly resolve?: (address: string, options?: { readonly signal?: AbortSignal }) => Promise<PeerAddress>
}

/** Longer ways than the longest do not carry full pieces; longer ways than the usual ones carry them in two datagrams a link. */
const longestWay = 64
const usualWay = 16
const maxFrameBytes = 65_536

/** See the head of this file. */
export class MeshLink implements NetworkLink {
  readonly maxFrameBytes: number
  readonly isLossy: boolean
  readonly node: SsrNode
  readonly #components: MeshLinkComponents
  readonly #handlers = new Map<Channel, FrameHandler>()
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #ringListeners = new Set<() => void>()
  readonly #reassembly = new Reassembly()
  readonly #epoch: number
  readonly #pieceBytes: number
  #sequence = 0
  #isRunning = false

  constructor(components: MeshLinkComponents, settings: SsrSettings) {
    const { runtime, mesh } = components
    this.#components = components
    this.isLossy = mesh.isLossy
    this.#epoch = runtime.random.uint32()
    const pieceBytes = Math.min(mesh.maxPacketBytes - headerBytes(longestWay, longestWay), mesh.usualPacketBytes - headerBytes(0, usualWay))
    this.#pieceBytes = pieceBytes - pieceHeadBytes
    this.maxFrameBytes = Math.min(maxFrameBytes, maxPieces * this.#pieceBytes)
    const listener: NodeListener = {
      onData: (source, payload) => this.#onData(source, payload),
      onDatagram: (source, datagram) => this.#deliver(peerIdOf(source), channels.media, datagram),
      onPlaces: () => this.#tellRing(),
      onNear: () => this.#tellRing(),
      onUnreachable: (address) => this.#emit({ name: "down", peerId: peerIdOf(address) }),
    }
    this.node = new SsrNode({ runtime, neighbourhood: mesh }, settings, listener)
    mesh.onSearch?.((address) => this.node.trace(address).then(({ isExact }) => isExact, () => false))
  }

  get self(): PeerAddress {
    return { peerId: peerIdOf(this.node.address), addresses: this.#components.mesh.addresses }
  }

  /** See {@link Mesh.listenMs}. */
  get listenMs(): number {
    return this.#components.mesh.listenMs
  }

  get hasNeighbours(): boolean {
    return this.node.cache.size > 0
  }

  /** Opens what is beneath; the mesh begins with `enter`. */
  start(): Promise<void> {
    return this.#components.mesh.open()
  }

  async stop(): Promise<void> {
    this.exit()
    await this.#components.mesh.close()
  }

  /** Becomes a node, beginning with these neighbours. */
  enter(contacts: readonly PeerAddress[]): void {
    this.#isRunning = true
    this.#components.mesh.start(contacts)
    this.node.start()
  }

  /** Is no node any more. */
  exit(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.node.stop()
    this.#components.mesh.stop()
  }

  describe(): NetworkStatus {
    const { cache, places } = this.node
    const { left, right } = places
    const ring = { ...(left === undefined ? {} : { left: peerIdOf(left) }), ...(right === undefined ? {} : { right: peerIdOf(right) }) }
    const routes = cache.ways().map(({ to, hops, next }) => ({ to: peerIdOf(to), hops, next: peerIdOf(next) }))
    return { peerId: this.self.peerId, neighbours: this.#components.mesh.describe(), ring, routes, maxRoutes: cache.maxNodes }
  }

  async trace(to: string): Promise<NetworkTrace> {
    const digits = to.replace(/^ssr-/, "")
    if (!/^([0-9a-f]{2}:?){5}[0-9a-f]{2}$/i.test(digits)) badArgument("ID", "12 hexadecimal digits", to)
    const { route, deciders, isExact, rttMs } = await this.node.trace(parseAddress(digits))
    return { peerId: peerIdOf(route.at(-1) ?? this.node.address), isExact, hops: route.map(peerIdOf), deciders: deciders.map(peerIdOf), rttMs }
  }

  resolve(address: string, options?: { readonly signal?: AbortSignal }): Promise<PeerAddress> {
    if (/^ssr-[0-9a-f]{12}$/.test(address)) return Promise.resolve({ peerId: address, addresses: [address] })
    const { resolve } = this.#components
    if (resolve !== undefined) return resolve(address, options)
    return Promise.reject(new P2PSipError("P2PSIP_UNREACHABLE", `expected the name of a node (ssr- and 12 hexadecimal digits), found ${address}`))
  }

  /** Nodes are found by their addresses alone. */
  learn(): void {}

  send(to: PeerId, channel: Channel, frame: Uint8Array): boolean {
    if (!this.#isRunning || frame.length > this.maxFrameBytes) return false
    const address = addressOfPeer(to)
    if (address === this.node.address) {
      this.#components.runtime.defer(() => this.#deliver(to, channel, frame))
      return true
    }
    // In one packet, and without a number: it may be overtaken, and overtake.
    if (channel === channels.media) return this.node.sendDatagram(address, frame)
    // One count for all receivers: each sees numbers that grow.
    const sequence = (this.#sequence = (this.#sequence + 1) >>> 0)
    const count = Math.max(1, Math.ceil(frame.length / this.#pieceBytes))
    for (let index = 0; index < count; index++) {
      const bytes = frame.subarray(index * this.#pieceBytes, (index + 1) * this.#pieceBytes)
      if (!this.node.send(address, encodePiece({ channel, epoch: this.#epoch, sequence, index, count, bytes }))) return false
    }
    return true
  }

  onFrame(channel: Channel, handler: FrameHandler): void {
    this.#handlers.set(channel, handler)
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Adds a listener to changes of this node's place on the ring, and of those who are near there; the result removes it. */
  onRing(listener: () => void): () => void {
    this.#ringListeners.add(listener)
    return () => this.#ringListeners.delete(listener)
  }

  #tellRing(): void {
    for (const tell of this.#ringListeners) tell()
  }

  #onData(source: Address, payload: Uint8Array): void {
    try {
      const piece = decodePiece(new ByteReader(payload))
      const frame = this.#reassembly.add(source, piece)
      if (frame !== undefined) this.#deliver(peerIdOf(source), piece.channel, frame)
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#drop("malformed")
    }
  }

  #drop(reason: string): void {
    this.#components.runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason }).add()
  }

  #deliver(from: PeerId, channel: Channel, frame: Uint8Array): void {
    if (!this.#isRunning) return
    try {
      this.#handlers.get(channel)?.(from, frame)
    } catch (error) {
      // A defect of whoever receives: neither the packets behind it nor the process end with it.
      this.#drop("receiver failed")
      this.#components.runtime.log.error({ peer: from, channel, error: String(error) }, "receiver of a frame failed")
    }
  }

  #emit(event: PeerEvent): void {
    for (const tell of this.#listeners) tell(event)
  }
}

/** The error of a join that finds no neighbour. */
export function noNeighbours(contacts: readonly PeerAddress[]): P2PSipError {
  const names = contacts.map(({ peerId }) => peerId).join(", ")
  return new P2PSipError("P2PSIP_BOOTSTRAP_FAILED", `none of ${names} became a neighbour in the mesh; is one of them running?`)
}

/** The mesh as a Link: frames between any two of its nodes, whether or not they are neighbours. */
import { ByteReader } from "../../src/codec.ts"
import { P2PSipError, isP2PSipError } from "../../src/errors.ts"
import type { Channel, FrameHandler, Link, PeerAddress, PeerEvent, PeerId } from "../../src/link/link.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import { addressOfPeer, peerIdOf } from "./address.ts"
import { decodePiece, encodePiece, maxPieces, pieceHeadBytes } from "./mesh-frame.ts"
import type { Neighbourhood } from "./neighbourhood.ts"
import type { NodeListener } from "./node.ts"
import { SsrNode } from "./node.ts"
import type { SsrSettings } from "./options.ts"
import { headerBytes } from "./packet.ts"
import { Reassembly } from "./reassembly.ts"
import type { RingPlaces } from "./ring.ts"

/** What a mesh of wires, or of air, looks like to the nodes on it. */
export interface Mesh extends Neighbourhood {
  /** Looks for neighbours. */
  start(contacts: readonly PeerAddress[]): void
  stop(): void
}

export interface MeshLinkComponents {
  readonly runtime: Runtime
  readonly mesh: Mesh
  /** Names the owner of an address outside the mesh. */
  readonly resolve: (address: string, options?: { readonly signal?: AbortSignal }) => Promise<PeerAddress>
}

const longestWay = 64
const maxFrameBytes = 65_536

/** See the head of this file. */
export class MeshLink implements Link {
  readonly self: PeerAddress
  readonly maxFrameBytes: number
  readonly node: SsrNode
  readonly #components: MeshLinkComponents
  readonly #handlers = new Map<Channel, FrameHandler>()
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #placeListeners = new Set<(places: RingPlaces) => void>()
  readonly #reassembly = new Reassembly()
  readonly #epoch: number
  readonly #pieceBytes: number
  #sequence = 0
  #isRunning = false

  constructor(components: MeshLinkComponents, settings: SsrSettings) {
    const { runtime, mesh } = components
    this.#components = components
    // In the mesh, a node's name is all that it takes to reach it.
    this.self = { peerId: peerIdOf(mesh.self), addresses: [peerIdOf(mesh.self)] }
    this.#epoch = runtime.random.uint32()
    this.#pieceBytes = mesh.maxPacketBytes - headerBytes(longestWay, longestWay) - pieceHeadBytes
    this.maxFrameBytes = Math.min(maxFrameBytes, maxPieces * this.#pieceBytes)
    const listener: NodeListener = {
      onData: (source, payload) => this.#onData(source, payload),
      onPlaces: (places) => {
        for (const tell of this.#placeListeners) tell(places)
      },
      onUnreachable: (address) => this.#emit({ name: "down", peerId: peerIdOf(address) }),
    }
    this.node = new SsrNode({ runtime, neighbourhood: mesh }, settings, listener)
  }

  /** The mesh begins with `enter`; the Link below it belongs to its own owner. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.exit()
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

  resolve(address: string, options?: { readonly signal?: AbortSignal }): Promise<PeerAddress> {
    if (/^ssr-[0-9a-f]{12}$/.test(address)) return Promise.resolve({ peerId: address, addresses: [address] })
    return this.#components.resolve(address, options)
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

  /** Adds a listener to changes of the neighbours on the ring; the result removes it. */
  onPlaces(listener: (places: RingPlaces) => void): () => void {
    this.#placeListeners.add(listener)
    return () => this.#placeListeners.delete(listener)
  }

  #onData(source: Address, payload: Uint8Array): void {
    try {
      const piece = decodePiece(new ByteReader(payload))
      const frame = this.#reassembly.add(source, piece)
      if (frame !== undefined) this.#deliver(peerIdOf(source), piece.channel, frame)
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#components.runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason: "malformed" }).add()
    }
  }

  #deliver(from: PeerId, channel: Channel, frame: Uint8Array): void {
    if (this.#isRunning) this.#handlers.get(channel)?.(from, frame)
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

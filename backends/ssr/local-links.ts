/**
 * Neighbours on network interfaces: whoever hears this node's beacons and is
 * heard. Packets go to them in datagrams, in pieces where they are long.
 */
import { ByteReader } from "../../src/codec.ts"
import { isP2PSipError } from "../../src/errors.ts"
import type { Runtime, Timer } from "../../src/runtime/runtime.ts"
import type { NetworkNeighbour } from "../../src/servlet/index.ts"
import type { Address } from "./address.ts"
import { peerIdOf } from "./address.ts"
import type { PacketPiece } from "./beacon.ts"
import {
  datagramKinds, decodeBeacon, decodePacketPiece, encodeBeacon, encodePacketPiece, maxIntervalMs, pieceOverheadBytes,
} from "./beacon.ts"
import type { Sighting } from "./discovery.ts"
import { Discovery } from "./discovery.ts"
import type { Ether } from "./ether.ts"
import { costOf, neighboursIn } from "./hearing.ts"
import { maxPieces } from "./mesh-frame.ts"
import type { LinkEvent, Mesh } from "./neighbourhood.ts"
import { Reassembly } from "./reassembly.ts"
import { TokenBucket } from "./token-bucket.ts"

export interface LocalLinksComponents {
  readonly runtime: Runtime
  readonly ether: Ether
  /** Where this node sits on the ring. */
  readonly address: Address
}

export interface LocalLinksOptions {
  /** Time between two beacons. */
  readonly beaconMs: number
  /** Nodes heard on one interface that are remembered. */
  readonly maxNeighbours: number
  /** Datagrams that one neighbour may send. */
  readonly maxDatagramsPerSecond: number
}

/** Beacons that all strangers on an interface together may send: a village at once, then what a village says. */
const strangersPerSecond = 200
const strangersBurst = 400
/** A newcomer is answered so soon, and others that come meanwhile with it. */
const answerMs = 60
const longestPacket = 65_536
/**
 * The other end of a cable that has just been plugged in may not speak yet: it looks at its interfaces every second, and its address
 * waits for two more (RFC 4862 §5.4). A node that had listened for two seconds began with a mesh, and bindings, of its own.
 */
const silentAtFirstMs = 3_000

/** See the head of this file. */
export class LocalLinks implements Mesh {
  readonly self: Address
  readonly addresses: readonly string[]
  readonly isLossy = true
  readonly maxPacketBytes: number
  readonly usualPacketBytes: number
  readonly listenMs: number
  readonly #runtime: Runtime
  readonly #ether: Ether
  readonly #options: LocalLinksOptions
  readonly #discovery: Discovery
  readonly #epoch: number
  readonly #reassembly = new Reassembly()
  readonly #budgets = new Map<Address, TokenBucket>()
  readonly #strangers = new Map<string, TokenBucket>()
  #packetHandler: (neighbour: Address, packet: Uint8Array) => void = () => undefined
  #linkListener: (event: LinkEvent) => void = () => undefined
  #hearsListener: (neighbour: Address, theirs: Iterable<Address>) => void = () => undefined
  #beacons = 0
  #packets = 0
  #timer: Timer | undefined
  #dueAt = 0
  #isRunning = false

  constructor({ runtime, ether, address }: LocalLinksComponents, options: LocalLinksOptions) {
    this.#runtime = runtime
    this.#ether = ether
    this.#options = { ...options, beaconMs: Math.min(options.beaconMs, maxIntervalMs / 2) }
    this.self = address
    this.addresses = [peerIdOf(address)]
    this.usualPacketBytes = ether.maxDatagramBytes - pieceOverheadBytes
    this.maxPacketBytes = Math.min(longestPacket, maxPieces * this.usualPacketBytes)
    this.listenMs = silentAtFirstMs + 2 * this.#options.beaconMs
    this.#epoch = runtime.random.uint32()
    this.#discovery = new Discovery({ address, epoch: this.#epoch }, options, (name, neighbour) => this.#onNeighbour(name, neighbour))
    ether.onDatagram((on, from, datagram) => this.#onDatagram(on, from, datagram))
  }

  describe(): readonly NetworkNeighbour[] {
    const now = this.#runtime.now()
    return [...this.#discovery.sightings()].map(({ on, at, hearing }) => ({
      peerId: peerIdOf(hearing.address), on, at, isUp: hearing.isUp, cost: costOf(hearing, now), silentMs: now - hearing.heardAt,
    }))
  }

  open(): Promise<void> {
    return this.#ether.open()
  }

  async close(): Promise<void> {
    this.stop()
    await this.#ether.close()
  }

  start(): void {
    this.#isRunning = true
    this.#beaconAfter(0)
  }

  /** Says farewell, and hears nothing more. */
  stop(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#timer?.cancel()
    this.#timer = undefined
    for (const on of this.#ether.interfaces()) this.#shout(on, 0)
    this.#discovery.clear(this.#runtime.now())
  }

  neighbours(): Iterable<Address> {
    return this.#discovery.neighbours()
  }

  isNeighbour(address: Address): boolean {
    return this.#discovery.linkTo(address) !== undefined
  }

  send(neighbour: Address, packet: Uint8Array): boolean {
    const link = this.#discovery.linkTo(neighbour)
    if (link === undefined) return false
    const sequence = (this.#packets = (this.#packets + 1) >>> 0)
    const size = this.usualPacketBytes
    const count = Math.max(1, Math.ceil(packet.length / size))
    for (let index = 0; index < count; index++) {
      const bytes = packet.subarray(index * size, (index + 1) * size)
      if (!this.#sendPiece(link, { address: this.self, epoch: this.#epoch, sequence, index, count, bytes })) return false
    }
    return true
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

  #sendPiece({ on, at }: Sighting, piece: PacketPiece): boolean {
    return this.#ether.send(on, at, encodePacketPiece(piece))
  }

  #onDatagram(on: string, from: string, datagram: Uint8Array): void {
    if (!this.#isRunning) return
    try {
      if (datagram[0] === datagramKinds.piece) this.#onPiece(on, from, datagram)
      else this.#onBeacon(on, from, datagram)
    } catch (error) {
      if (!isP2PSipError(error)) throw error
      this.#drop("malformed")
    }
  }

  #onBeacon(on: string, from: string, datagram: Uint8Array): void {
    const now = this.#runtime.now()
    const neighbour = this.#discovery.neighbourAt(on, from)
    if (!(neighbour === undefined ? this.#strangersOn(on, now) : this.#budgetOf(neighbour.address, now)).take(now)) return this.#drop("rate")
    const beacon = decodeBeacon(new ByteReader(datagram))
    const outcome = this.#discovery.onBeacon(on, from, beacon, now)
    if (outcome === "taken" && this.isNeighbour(beacon.address)) this.#hearsListener(beacon.address, neighboursIn(beacon))
    if (outcome === "new") this.#beaconAfter(answerMs)
    else if (outcome !== "taken") this.#drop(outcome)
  }

  #onPiece(on: string, from: string, datagram: Uint8Array): void {
    const neighbour = this.#discovery.neighbourAt(on, from)
    if (neighbour === undefined) return this.#drop("not a neighbour")
    const now = this.#runtime.now()
    if (!this.#budgetOf(neighbour.address, now).take(now)) return this.#drop("rate")
    const piece = decodePacketPiece(new ByteReader(datagram))
    if (piece.address !== neighbour.address || piece.epoch !== neighbour.epoch) return this.#drop("forged")
    const packet = this.#reassembly.add(piece.address, piece)
    if (packet !== undefined) this.#packetHandler(piece.address, packet)
  }

  #onNeighbour(name: "up" | "down", neighbour: Address): void {
    if (name === "down") this.#budgets.delete(neighbour)
    this.#linkListener({ name, neighbour })
    this.#beaconAfter(answerMs)
  }

  #budgetOf(neighbour: Address, now: number): TokenBucket {
    let budget = this.#budgets.get(neighbour)
    const { maxDatagramsPerSecond: rate } = this.#options
    if (budget === undefined) this.#budgets.set(neighbour, (budget = new TokenBucket(rate, rate, now)))
    return budget
  }

  #strangersOn(on: string, now: number): TokenBucket {
    let budget = this.#strangers.get(on)
    if (budget === undefined) this.#strangers.set(on, (budget = new TokenBucket(strangersPerSecond, strangersBurst, now)))
    return budget
  }

  /** The next beacon goes out no later than that. */
  #beaconAfter(delayMs: number): void {
    if (!this.#isRunning) return
    const dueAt = this.#runtime.now() + delayMs
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return
    this.#timer?.cancel()
    this.#dueAt = dueAt
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#beacon())
  }

  #beacon(): void {
    this.#timer = undefined
    this.#discovery.tick(this.#runtime.now())
    this.#beacons = (this.#beacons + 1) >>> 0
    for (const on of this.#ether.interfaces()) this.#shout(on, this.#options.beaconMs)
    // Nodes that began together do not stay in step.
    this.#beaconAfter(this.#options.beaconMs * (0.75 + 0.25 * this.#runtime.random.float()))
  }

  #shout(on: string, intervalMs: number): void {
    const heard = this.#discovery.heardOn(on, this.#runtime.now())
    this.#ether.shout(on, encodeBeacon({ address: this.self, epoch: this.#epoch, sequence: this.#beacons, intervalMs, heard }))
  }

  #drop(reason: string): void {
    this.#runtime.metrics.counter("p2psip_ssr_dropped_packets_total", "mesh packets dropped", { reason }).add()
  }
}

/**
 * The Link over libp2p: TCP, Noise, yamux.
 *
 * One long-lived stream per pair of peers and direction, and all frames that
 * were queued in one turn of the event loop in one write: a stream for each
 * request would cost a hundred times as much.
 */
import { noise, type NoiseComponents } from "@chainsafe/libp2p-noise"
import { identify } from "@libp2p/identify"
import type { Connection, ConnectionEncrypter, IdentifyResult, Libp2p, PeerId as Libp2pPeerId, PrivateKey, Stream } from "@libp2p/interface"
import { peerIdFromPrivateKey, peerIdFromString } from "@libp2p/peer-id"
import { tcp } from "@libp2p/tcp"
import { yamux } from "@libp2p/yamux"
import { multiaddr, type Multiaddr } from "@multiformats/multiaddr"
import { createLibp2p } from "libp2p"
import { P2PSipError } from "../errors.ts"
import type { Runtime, Timer } from "../runtime/runtime.ts"
import { AddressBook } from "./address-book.ts"
import { admitting, Membership } from "./admission.ts"
import { fastCiphers } from "./ciphers.ts"
import { coalescing } from "./coalesce.ts"
import { LinkCounters, PeerListeners, Receivers, type DropReason } from "./common.ts"
import { createKey, loadOrCreateKey } from "./identity.ts"
import { listenError, unreachable } from "./libp2p-errors.ts"
import { defaultLibp2pLinkOptions, type Libp2pLinkOptions } from "./libp2p-options.ts"
import type { Channel, FrameHandler, Link, PeerAddress, PeerEvent, PeerId } from "./link.ts"
import { RemotePeer } from "./remote-peer.ts"
import { differences, formatSettings } from "./settings.ts"

const protocol = "/p2psip/1.0.0"

/** What a Link over libp2p needs besides its key. */
export interface Libp2pLinkComponents {
  readonly runtime: Runtime
}

/** A Link whose key is the one in the data folder, or a fresh one without such a folder. It is not started yet. */
export async function createLibp2pLink(
  components: Libp2pLinkComponents,
  options: Partial<Libp2pLinkOptions> & { readonly dataFolder?: string } = {},
): Promise<Libp2pLink> {
  const { dataFolder, ...rest } = options
  const privateKey = dataFolder === undefined ? await createKey() : await loadOrCreateKey(dataFolder)
  return new Libp2pLink({ ...components, privateKey }, rest)
}

/** See the head of this file. */
export class Libp2pLink implements Link {
  readonly maxFrameBytes: number
  readonly #options: Libp2pLinkOptions
  readonly #runtime: Runtime
  readonly #privateKey: PrivateKey
  readonly #counters: LinkCounters
  readonly #receivers: Receivers
  readonly #listeners: PeerListeners
  readonly #book: AddressBook
  readonly #peers = new Map<PeerId, RemotePeer>()
  #self: PeerAddress
  #node: Libp2p | undefined
  #state: "new" | "starting" | "running" | "stopped" = "new"
  #sweep: Timer | undefined
  #loopback: { readonly channel: Channel; readonly frame: Uint8Array }[] = []

  constructor(components: Libp2pLinkComponents & { readonly privateKey: PrivateKey }, options: Partial<Libp2pLinkOptions> = {}) {
    const { runtime } = components
    this.#options = { ...defaultLibp2pLinkOptions, ...options }
    this.#runtime = runtime
    this.#privateKey = components.privateKey
    this.#self = { peerId: peerIdFromPrivateKey(components.privateKey).toString(), addresses: [] }
    this.maxFrameBytes = this.#options.maxFrameBytes
    this.#counters = new LinkCounters(runtime.metrics)
    this.#receivers = new Receivers(runtime, this.#counters)
    this.#listeners = new PeerListeners(runtime)
    this.#book = new AddressBook(this.#options.maxKnownPeers)
    runtime.metrics.gauge("p2psip_link_peers", "Peers connected to this one.", () => this.#sum((peer) => Number(peer.isUp)))
    runtime.metrics.gauge("p2psip_link_queued_frames", "Frames that wait for other peers.", () =>
      this.#sum((peer) => peer.queuedFrames))
  }

  get self(): PeerAddress {
    return this.#self
  }

  async start(): Promise<void> {
    if (this.#state !== "new") throw new P2PSipError("P2PSIP_LINK_CLOSED", "a Link starts once; create another one")
    this.#state = "starting"
    const node = await this.#createNode()
    node.addEventListener("peer:identify", ({ detail }) => this.#identified(detail))
    // libp2p's own address book would keep every peer that ever connected; ours is bounded.
    node.addEventListener("peer:disconnect", ({ detail }) => void node.peerStore.delete(detail).catch(() => undefined))
    await node.handle(protocol, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: 4,
      maxOutboundStreams: 4,
    })
    try {
      await node.start()
    } catch (cause) {
      this.#state = "stopped"
      await node.stop()
      throw listenError(cause, this.#options.listen)
    }
    this.#node = node
    this.#state = "running"
    this.#self = { peerId: this.#self.peerId, addresses: node.getMultiaddrs().map(String) }
    this.#scheduleSweep()
  }

  async stop(): Promise<void> {
    const node = this.#node
    if (node === undefined || this.#state !== "running") return
    this.#state = "stopped"
    this.#sweep?.cancel()
    const patience = new AbortController()
    const timer = this.#runtime.setTimer(this.#options.stopTimeoutMs, () => patience.abort())
    await Promise.all([...this.#peers.values()].map((peer) => peer.close(patience.signal)))
    timer.cancel()
    // The streams have said goodbye; two peers that stop in the same moment would wait for each other here.
    for (const connection of node.getConnections()) connection.abort(new Error("this peer stops"))
    await node.stop()
    this.#node = undefined
  }

  async resolve(address: string, options: { readonly signal?: AbortSignal } = {}): Promise<PeerAddress> {
    const node = this.#node
    if (node === undefined || this.#state !== "running") {
      throw new P2PSipError("P2PSIP_LINK_CLOSED", "the Link is not running; start it first")
    }
    if (this.#self.addresses.some((own) => own === address || own === `${address}/p2p/${this.#self.peerId}`)) return this.#self
    const patience = new AbortController()
    const timer = this.#runtime.setTimer(this.#options.dialTimeoutMs, () => patience.abort())
    const signal = options.signal === undefined ? patience.signal : AbortSignal.any([patience.signal, options.signal])
    try {
      const connection = await node.dial(multiaddr(address), { signal })
      const peer = { peerId: connection.remotePeer.toString(), addresses: [String(connection.remoteAddr)] }
      this.learn(peer)
      return { peerId: peer.peerId, addresses: this.#book.addressesOf(peer.peerId) }
    } catch (cause) {
      if (options.signal?.aborted === true) throw new P2PSipError("P2PSIP_ABORTED", `dialling ${address} was aborted`, { cause })
      throw unreachable(address, cause)
    } finally {
      timer.cancel()
    }
  }

  learn(peer: PeerAddress): void {
    if (peer.peerId !== this.#self.peerId) this.#book.learn(peer)
  }

  send(to: PeerId, channel: Channel, frame: Uint8Array): boolean {
    if (this.#state !== "running") return this.#refuse("not-running")
    if (frame.length > this.maxFrameBytes) return this.#refuse("too-long")
    if (to === this.#self.peerId) return this.#sendToSelf(channel, frame)
    const peer = this.#peers.get(to) ?? this.#addPeer(to)
    if (peer === undefined) return this.#refuse("unknown-peer")
    return peer.enqueue(channel, frame) || this.#refuse("queue-full")
  }

  onFrame(channel: Channel, handler: FrameHandler): void {
    this.#receivers.set(channel, handler)
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    return this.#listeners.add(listener)
  }

  #createNode(): Promise<Libp2p> {
    const options = this.#options
    return createLibp2p({
      start: false,
      nodeInfo: { name: "p2psip", userAgent: formatSettings(options.settings) },
      privateKey: this.#privateKey,
      addresses: { listen: [...options.listen], announce: [...options.announce] },
      transports: [tcp({
        maxConnections: options.maxConnections,
        inboundSocketInactivityTimeout: options.idleTimeoutMs,
        outboundSocketInactivityTimeout: options.idleTimeoutMs,
      })],
      connectionEncrypters: [this.#encrypter()],
      streamMuxers: [yamux({ enableKeepAlive: false, maxInboundStreams: 32, maxOutboundStreams: 32 })],
      connectionManager: {
        maxConnections: options.maxConnections,
        maxIncomingPendingConnections: options.maxPendingConnections,
        inboundConnectionThreshold: options.maxConnectionsPerSecond,
        inboundUpgradeTimeout: options.handshakeTimeoutMs,
        inboundStreamProtocolNegotiationTimeout: options.handshakeTimeoutMs,
        dialTimeout: options.dialTimeoutMs,
        addressDialTimeout: options.dialTimeoutMs,
        resolvers: {},
        reconnectRetries: 0,
      },
      // Our own sign of life costs one frame on a stream that is open anyway.
      connectionMonitor: { enabled: false },
      services: { identify: identify({ runOnConnectionOpen: true, maxInboundStreams: 2, timeout: options.handshakeTimeoutMs }) },
    })
  }

  #encrypter(): (components: NoiseComponents) => ConnectionEncrypter {
    const encrypter = coalescing(noise({ crypto: fastCiphers() }), this.#runtime)
    const { secret } = this.#options
    if (secret === undefined) return encrypter
    const refused = this.#runtime.metrics.counter("p2psip_link_refused_connections_total", "Connections to and from peers that do not know the overlay's secret.")
    return admitting(encrypter, new Membership(this.#self.peerId, secret), () => refused.add())
  }

  #addPeer(peerId: PeerId, remote?: Libp2pPeerId): RemotePeer | undefined {
    if (remote === undefined && this.#book.addressesOf(peerId).length === 0) return undefined
    const peer = new RemotePeer(peerId, this.#options, this.#options, {
      runtime: this.#runtime,
      counters: this.#counters,
      receivers: this.#receivers,
      open: (signal) => this.#open(peerId, signal),
      sever: (reason) => {
        for (const connection of this.#connectionsTo(peerId)) connection.abort(reason)
      },
      report: (name) => this.#listeners.emit({ name, peerId }),
    })
    this.#peers.set(peerId, peer)
    return peer
  }

  async #open(peerId: PeerId, signal: AbortSignal): Promise<Stream> {
    const existing = this.#connectionsTo(peerId).find(({ status }) => status === "open")
    const connection = existing ?? await this.#dial(peerId, signal)
    return connection.newStream(protocol, { signal })
  }

  async #dial(peerId: PeerId, signal: AbortSignal): Promise<Connection> {
    const addresses = this.#book.addressesOf(peerId).map((address) => withPeerId(address, peerId)).filter((address) => address !== undefined)
    if (this.#node === undefined || addresses.length === 0) throw unreachable(peerId, "no address of this peer is known")
    return this.#node.dial(addresses, { signal })
  }

  #connectionsTo(peerId: PeerId): Connection[] {
    return this.#node?.getConnections(peerIdFromString(peerId)) ?? []
  }

  #accept(stream: Stream, connection: Connection): void {
    const peerId = connection.remotePeer.toString()
    const peer = this.#peers.get(peerId) ?? this.#addPeer(peerId, connection.remotePeer)
    peer?.accept(stream)
  }

  #identified({ peerId, listenAddrs, agentVersion = "" }: IdentifyResult): void {
    this.learn({ peerId: peerId.toString(), addresses: listenAddrs.map(String) })
    const differs = differences(this.#options.settings, agentVersion)
    if (differs.length === 0) return
    this.#runtime.log.warn({ peer: peerId.toString(), differs }, "a peer of this overlay is configured otherwise than this one")
  }

  #sendToSelf(channel: Channel, frame: Uint8Array): boolean {
    if (this.#loopback.length >= this.#options.maxQueuedFrames) return this.#refuse("queue-full")
    if (this.#loopback.push({ channel, frame: Uint8Array.prototype.slice.call(frame) }) > 1) return true
    this.#runtime.defer(() => {
      for (const { channel, frame } of this.#loopback.splice(0)) this.#receivers.deliver(this.#self.peerId, channel, frame)
    })
    return true
  }

  #scheduleSweep(): void {
    this.#sweep = this.#runtime.setTimer(this.#options.keepAliveMs / 4, () => {
      for (const [peerId, peer] of this.#peers) {
        peer.checkAlive()
        if (peer.isIdle) this.#peers.delete(peerId)
      }
      this.#scheduleSweep()
    })
  }

  #refuse(reason: DropReason): false {
    this.#counters.drop(reason)
    return false
  }

  #sum(of: (peer: RemotePeer) => number): number {
    let sum = 0
    for (const peer of this.#peers.values()) sum += of(peer)
    return sum
  }
}

/** The address with the peer's id, so that nobody else can answer; undefined if it is no address of that peer. */
function withPeerId(address: string, peerId: PeerId): Multiaddr | undefined {
  try {
    const suffix = `/p2p/${peerId}`
    if (address.includes("/p2p/") && !address.endsWith(suffix)) return undefined
    return multiaddr(address.endsWith(suffix) ? address : address + suffix)
  } catch {
    return undefined
  }
}

import { channels, type Link, type PeerId } from "../../link/link.ts"
import type { Runtime } from "../../runtime/runtime.ts"
import { P2PSipError } from "../../errors.ts"
import { TransportCounters } from "./counters.ts"
import { FlowListeners } from "./flow-listeners.ts"
import { hostOfPeer, peerOfHost } from "./overlay-host.ts"
import type { Flow, HostPort, Transport } from "./transport.ts"

/** What a user may choose about SIP between peers. */
export interface OverlayOptions {
  /** Peers with a flow at a time; beyond it the oldest flow ends. @default 10000 */
  readonly maxFlows?: number
}

type Receiver = (message: Uint8Array, flow: Flow) => void

/**
 * SIP between peers: each message is one frame on the Link's channel `sip`.
 *
 * Counts as reliable: frames are lost only when a connection breaks or its
 * queue overflows, and both end the flow, which ends the transactions on it.
 * Not so on a lossy Link, where SIP's own timers repeat what got lost, and a
 * way that is broken may soon be another one. The Link says who the sender is.
 */
export class OverlayTransport implements Transport {
  readonly protocol = "P2P"
  readonly isReliable: boolean
  readonly maxMessageBytes: number
  readonly advertised: HostPort
  readonly #link: Link
  readonly #runtime: Runtime
  readonly #maxFlows: number
  readonly #counters: TransportCounters
  /** By overlay host name, the oldest first. */
  readonly #flows = new Map<string, OverlayFlow>()
  readonly #hosts = new Map<PeerId, string>()
  #receiver: Receiver = () => undefined
  #stopListening: (() => void) | undefined

  constructor(components: { readonly runtime: Runtime; readonly link: Link }, options: OverlayOptions = {}) {
    this.#runtime = components.runtime
    this.#link = components.link
    this.isReliable = components.link.isLossy !== true
    this.maxMessageBytes = components.link.maxFrameBytes
    this.#maxFlows = options.maxFlows ?? 10_000
    this.#counters = new TransportCounters(components.runtime.metrics, this.protocol)
    this.advertised = { host: hostOfPeer(components.link.self.peerId), port: 0 }
  }

  /** The Link itself is its owner's to start and stop. */
  async start(): Promise<void> {
    this.#link.onFrame(channels.sip, (from, frame) => this.#receive(from, frame))
    this.#stopListening ??= this.#link.onPeer(({ name, peerId }) => {
      if (name === "down" && this.isReliable) this.#flowOfPeer(peerId)?.close(undefined)
    })
  }

  async stop(): Promise<void> {
    this.#stopListening?.()
    this.#stopListening = undefined
    for (const flow of [...this.#flows.values()]) flow.close(undefined)
  }

  flowTo(remote: HostPort): Flow | undefined {
    if (this.#stopListening === undefined) return undefined
    const host = remote.host.toLowerCase()
    const flow = this.#flows.get(host)
    if (flow !== undefined) return flow
    const peerId = peerOfHost(host)
    return peerId === undefined ? undefined : this.#open(peerId, host)
  }

  /** A flow to a peer can always be tried. */
  flowOf(key: string): Flow | undefined {
    return key.startsWith("P2P ") ? this.flowTo({ host: key.slice(4), port: 0 }) : undefined
  }

  onMessage(receiver: Receiver): void {
    this.#receiver = receiver
  }

  #receive(from: PeerId, frame: Uint8Array): void {
    if (this.#stopListening === undefined) return
    this.#counters.received.add()
    this.#receiver(frame, this.#flowOfPeer(from) ?? this.#open(from, hostOfPeer(from)))
  }

  #flowOfPeer(peerId: PeerId): OverlayFlow | undefined {
    const host = this.#hosts.get(peerId)
    return host === undefined ? undefined : this.#flows.get(host)
  }

  #open(peerId: PeerId, host: string): OverlayFlow {
    if (this.#flows.size >= this.#maxFlows) {
      this.#counters.closed("too-many")
      this.#flows.values().next().value?.close(undefined)
    }
    const flow: OverlayFlow = new OverlayFlow(this, host, {
      send: (message) => this.#send(peerId, message),
      closed: () => {
        this.#flows.delete(host)
        this.#hosts.delete(peerId)
      },
      defer: (callback) => this.#runtime.defer(callback),
    })
    this.#flows.set(host, flow)
    this.#hosts.set(peerId, host)
    return flow
  }

  #send(peerId: PeerId, message: Uint8Array): boolean {
    const isTooLong = message.length > this.maxMessageBytes
    if (!isTooLong && this.#link.send(peerId, channels.sip, message)) {
      this.#counters.sent.add()
      return true
    }
    this.#counters.dropped(isTooLong ? "too-long" : "link-refused")
    // One message too long is no reason to give up what else goes on with that peer.
    return isTooLong || !this.isReliable
  }
}

interface OverlayFlowHost {
  /** False when the peer cannot be reached just now. */
  send(message: Uint8Array): boolean
  closed(): void
  defer(callback: () => void): void
}

class OverlayFlow implements Flow {
  readonly transport: OverlayTransport
  readonly remote: HostPort
  readonly key: string
  readonly #host: OverlayFlowHost
  readonly #listeners = new FlowListeners()
  #isOpen = true

  constructor(transport: OverlayTransport, overlayHost: string, host: OverlayFlowHost) {
    this.transport = transport
    this.remote = { host: overlayHost, port: 0 }
    this.key = `P2P ${overlayHost}`
    this.#host = host
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(message: Uint8Array): void {
    if (!this.#isOpen || this.#host.send(message)) return
    // Whoever sends is told after the call, like any other failure.
    this.#host.defer(() => this.close(new P2PSipError("P2PSIP_UNREACHABLE", `${this.remote.host} takes no messages`)))
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#listeners.add(listener)
  }

  close(error: Error | undefined): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#host.closed()
    this.#listeners.tell(error)
  }
}

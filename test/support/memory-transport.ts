/** SIP transports inside one process, on any Runtime: delay, loss and broken connections as the test wants them. */
import type { Runtime } from "../../src/runtime/runtime.ts"
import { formatHostPort } from "../../src/sip/transport/host-port.ts"
import type { Flow, HostPort, Transport, TransportProtocol } from "../../src/sip/transport/transport.ts"

export interface MemoryNetworkOptions {
  /** @default 0 */
  readonly delayMs?: number
  /** Asked for each message of an unreliable transport; true loses it. */
  readonly loses?: (message: string) => boolean
}

/** What one transport sent. */
export interface SentMessage {
  readonly atMs: number
  readonly from: string
  readonly to: string
  /** As latin1 text. */
  readonly text: string
}

/** Joins transports by their addresses. */
export class MemoryNetwork {
  readonly runtime: Runtime
  /** Every message that was sent, lost ones included. */
  readonly sent: SentMessage[] = []
  options: MemoryNetworkOptions
  readonly #transports = new Map<string, MemoryTransport>()

  constructor(runtime: Runtime, options: MemoryNetworkOptions = {}) {
    this.runtime = runtime
    this.options = options
  }

  /** A transport at that address, started. */
  add(protocol: TransportProtocol, host: string, port = protocol === "P2P" ? 0 : 5060): MemoryTransport {
    const transport = new MemoryTransport(this, protocol, { host, port })
    this.#transports.set(`${protocol} ${formatHostPort(transport.advertised)}`, transport)
    return transport
  }

  find(protocol: TransportProtocol, address: HostPort): MemoryTransport | undefined {
    return this.#transports.get(`${protocol} ${formatHostPort(address)}`)
  }

  /** The first lines of what was sent, each with its time: `500 INVITE sip:bob@b SIP/2.0`. */
  get log(): string[] {
    return this.sent.map(({ atMs, text }) => `${atMs} ${text.slice(0, text.indexOf("\r\n"))}`)
  }
}

export class MemoryTransport implements Transport {
  readonly protocol: TransportProtocol
  readonly isReliable: boolean
  readonly advertised: HostPort
  readonly network: MemoryNetwork
  readonly #flows = new Map<string, MemoryFlow>()
  #receiver: (message: Uint8Array, flow: Flow) => void = () => undefined

  constructor(network: MemoryNetwork, protocol: TransportProtocol, advertised: HostPort) {
    this.network = network
    this.protocol = protocol
    this.isReliable = protocol !== "UDP"
    this.advertised = advertised
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    for (const flow of this.#flows.values()) flow.close()
  }

  flowTo(remote: HostPort): MemoryFlow {
    const key = `${this.protocol} ${formatHostPort(this.advertised)} ${formatHostPort(remote)}`
    let flow = this.#flows.get(key)
    if (flow?.isOpen !== true) {
      flow = new MemoryFlow(this, remote, key)
      this.#flows.set(key, flow)
    }
    return flow
  }

  flowOf(key: string): MemoryFlow | undefined {
    const flow = this.#flows.get(key)
    return flow?.isOpen === true ? flow : undefined
  }

  onMessage(receiver: (message: Uint8Array, flow: Flow) => void): void {
    this.#receiver = receiver
  }

  /** A message as if it had come from `remote`. */
  receive(message: Uint8Array | string, remote: HostPort): void {
    this.#receiver(typeof message === "string" ? Buffer.from(message, "latin1") : message, this.flowTo(remote))
  }
}

export class MemoryFlow implements Flow {
  readonly transport: MemoryTransport
  readonly remote: HostPort
  readonly key: string
  isOpen = true
  readonly #listeners = new Set<(error: Error | undefined) => void>()

  constructor(transport: MemoryTransport, remote: HostPort, key: string) {
    this.transport = transport
    this.remote = remote
    this.key = key
  }

  /** How many wait for the end of this flow. */
  get listenerCount(): number {
    return this.#listeners.size
  }

  send(message: Uint8Array): void {
    if (!this.isOpen) return
    const { network, protocol, isReliable, advertised } = this.transport
    const text = Buffer.from(message).toString("latin1")
    network.sent.push({ atMs: network.runtime.now(), from: formatHostPort(advertised), to: formatHostPort(this.remote), text })
    if (!isReliable && network.options.loses?.(text) === true) return
    network.runtime.setTimer(network.options.delayMs ?? 0, () => {
      network.find(protocol, this.remote)?.receive(text, advertised)
    })
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Breaks this end of the flow. */
  close(error?: Error): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const listener of [...this.#listeners]) listener(error)
    this.#listeners.clear()
  }
}

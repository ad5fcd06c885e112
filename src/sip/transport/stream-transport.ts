import { isIP, type Socket } from "node:net"
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import { TransportCounters } from "./counters.ts"
import { formatHostPort } from "./host-port.ts"
import { advertisedAddress, listenAddress, listenFault, type ListenOptions } from "./listen.ts"
import { StreamFlow, type StreamFlowHost } from "./stream-flow.ts"
import type { Flow, HostPort, Transport, TransportProtocol } from "./transport.ts"

/** What a user may choose about a transport of connections. */
export interface StreamOptions extends ListenOptions {
  /** Connections at a time, in both directions. @default 20000 */
  readonly maxConnections?: number
  /** Accepted connections at a time from one address; many phones may share one behind a NAT. @default 2000 */
  readonly maxConnectionsPerSource?: number
  /** A connection over which nothing goes for so long is closed. @default 3600000 */
  readonly idleTimeoutMs?: number
  /** How long an outgoing connection may take. @default 10000 */
  readonly connectTimeoutMs?: number
  /** How long one message may take to come in. @default 20000 */
  readonly messageTimeoutMs?: number
  /** What may wait to be sent on one connection before messages are dropped. @default 1 MiB */
  readonly maxQueueBytes?: number
  /** Start line and headers of one message. @default 32767 */
  readonly maxHeaderBytes?: number
  /** @default 32768 */
  readonly maxBodyBytes?: number
}

const sweepIntervalMs = 1000
/** How long a closed connection may take to send the last bytes. */
const closeTimeoutMs = 2000

type Receiver = (message: Uint8Array, flow: Flow) => void

/** A server that accepts connections, as `node:net` and `node:tls` have it. */
export interface StreamListener {
  listen(options: { readonly host: string; readonly port: number; readonly ipv6Only: boolean }, listening: () => void): unknown
  address(): unknown
  close(closed: () => void): unknown
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown
}

/**
 * SIP over connections: accepts them, opens them, reuses them, bounds them.
 * What kind of connections, the subclass says.
 */
export abstract class StreamTransport implements Transport {
  abstract readonly protocol: TransportProtocol
  readonly isReliable = true
  protected readonly runtime: Runtime
  readonly #options: StreamOptions
  readonly #family: number
  readonly #flows = new Map<string, StreamFlow>()
  /** The newest flow to each remote; RFC 3261 §18: connections are shared by both directions. */
  readonly #byRemote = new Map<string, StreamFlow>()
  readonly #acceptedFrom = new Map<string, number>()
  readonly #accepted = new WeakSet<StreamFlow>()
  #counters: TransportCounters | undefined
  #host: StreamFlowHost | undefined
  #listener: StreamListener | undefined
  #sweeper: Timer | undefined
  #bound: HostPort
  #advertised: HostPort
  #serial = 0
  #receiver: Receiver = () => undefined

  constructor(components: { readonly runtime: Runtime }, options: StreamOptions = {}) {
    this.runtime = components.runtime
    this.#options = options
    this.#bound = this.#advertised = listenAddress(options)
    this.#family = isIP(this.#bound.host)
  }

  get bound(): HostPort {
    return this.#bound
  }

  get advertised(): HostPort {
    return this.#advertised
  }

  /** Connections that exist just now. */
  get size(): number {
    return this.#flows.size
  }

  async start(): Promise<void> {
    this.#counters = new TransportCounters(this.runtime.metrics, this.protocol)
    this.#host = this.#makeHost(this.#counters)
    const listener = this.createListener((socket) => this.#accept(socket))
    const { host, port } = this.#bound
    await new Promise<void>((resolve, reject) => {
      let isListening = false
      listener.on("error", (error) => {
        if (isListening) this.runtime.log.warn({ error, protocol: this.protocol }, "SIP listener error")
        else reject(listenFault(error, this.protocol, this.#bound))
      })
      listener.listen({ host, port, ipv6Only: this.#family === 6 }, () => {
        isListening = true
        resolve()
      })
    })
    this.#listener = listener
    const address = listener.address()
    if (typeof address === "object" && address !== null && "port" in address) this.#bound = { host, port: Number(address.port) }
    this.#advertised = advertisedAddress(this.#bound, this.#options.advertise)
    this.#sweepLater()
  }

  async stop(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    this.#sweeper?.cancel()
    if (listener === undefined) return
    const closed = new Promise<void>((resolve) => void listener.close(resolve))
    for (const flow of this.#flows.values()) flow.close("stopped")
    const deadline = this.runtime.setTimer(closeTimeoutMs, () => {
      for (const flow of this.#flows.values()) flow.destroy("stopped")
    })
    await closed
    deadline.cancel()
  }

  flowTo(remote: HostPort): Flow | undefined {
    const existing = this.#byRemote.get(formatHostPort(remote))
    if (existing?.isOpen === true) return existing
    if (this.#listener === undefined || isIP(remote.host) !== this.#family || remote.port < 1 || remote.port > 65_535) return undefined
    if (this.#flows.size >= (this.#options.maxConnections ?? 20_000)) {
      this.#counters?.closed("too-many")
      return undefined
    }
    return this.#adopt(this.connect(remote), remote)
  }

  flowOf(key: string): Flow | undefined {
    const flow = this.#flows.get(key)
    return flow?.isOpen === true ? flow : undefined
  }

  onMessage(receiver: Receiver): void {
    this.#receiver = receiver
  }

  protected abstract createListener(onConnection: (socket: Socket) => void): StreamListener
  protected abstract connect(remote: HostPort): Socket

  #makeHost(counters: TransportCounters): StreamFlowHost {
    const { maxQueueBytes = 1024 * 1024, maxHeaderBytes = 32_767, maxBodyBytes = 32_768 } = this.#options
    return {
      transport: this,
      counters,
      limits: { maxQueueBytes, maxHeaderBytes, maxBodyBytes },
      now: () => this.runtime.now(),
      defer: (callback) => this.runtime.defer(callback),
      receive: (message, flow) => this.#receiver(message, flow),
      closed: (flow) => this.#forget(flow),
    }
  }

  #accept(socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket
    const refusal = this.#refusal(host)
    if (refusal !== undefined || host === undefined || port === undefined) {
      socket.on("error", () => undefined)
      socket.destroy()
      this.#counters?.closed(refusal ?? "vanished")
      return
    }
    const flow = this.#adopt(socket, { host, port })
    if (flow === undefined) return
    this.#accepted.add(flow)
    this.#acceptedFrom.set(host, (this.#acceptedFrom.get(host) ?? 0) + 1)
  }

  #refusal(host: string | undefined): string | undefined {
    if (this.#listener === undefined) return "stopped"
    if (this.#flows.size >= (this.#options.maxConnections ?? 20_000)) return "too-many"
    const fromThere = this.#acceptedFrom.get(host ?? "") ?? 0
    return fromThere >= (this.#options.maxConnectionsPerSource ?? 2000) ? "too-many-from-source" : undefined
  }

  /** The serial number keeps a token for an old connection from naming a new one of the same addresses. */
  #adopt(socket: Socket, remote: HostPort): StreamFlow | undefined {
    if (this.#host === undefined) return undefined
    const name = formatHostPort(remote)
    const key = `${this.protocol} ${formatHostPort(this.#bound)} ${name} ${++this.#serial}`
    const flow = new StreamFlow(this.#host, socket, remote, key)
    this.#flows.set(key, flow)
    this.#byRemote.set(name, flow)
    return flow
  }

  #forget(flow: StreamFlow): void {
    const { host } = flow.remote
    const name = formatHostPort(flow.remote)
    this.#flows.delete(flow.key)
    if (this.#byRemote.get(name) === flow) this.#byRemote.delete(name)
    if (!this.#accepted.has(flow)) return
    const left = (this.#acceptedFrom.get(host) ?? 1) - 1
    if (left > 0) this.#acceptedFrom.set(host, left)
    else this.#acceptedFrom.delete(host)
  }

  #sweepLater(): void {
    this.#sweeper = this.runtime.setTimer(sweepIntervalMs, () => {
      this.#sweep()
      this.#sweepLater()
    })
  }

  /** Ends connections that take too long. */
  #sweep(): void {
    const { idleTimeoutMs = 3_600_000, connectTimeoutMs = 10_000, messageTimeoutMs = 20_000 } = this.#options
    const now = this.runtime.now()
    const patienceMs = { connect: connectTimeoutMs, message: messageTimeoutMs, close: closeTimeoutMs }
    for (const flow of this.#flows.values()) {
      const waitsFor = flow.waitsFor
      if (waitsFor !== undefined && now - flow.waitingSinceMs >= patienceMs[waitsFor]) flow.destroy(`${waitsFor}-timeout`)
      else if (now - flow.lastUsedMs >= idleTimeoutMs) flow.close("idle")
    }
  }
}

import { createServer, isIP, type Server, type Socket } from "node:net"
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import { AcceptedSources } from "./accepted-sources.ts"
import type { Connection, ConnectionHost } from "./connection.ts"
import { TransportCounters } from "./counters.ts"
import { formatHostPort } from "./host-port.ts"
import { advertisedAddress, listenAddress, listenFault, type ListenOptions } from "./listen.ts"
import type { Flow, Gate, HostPort, Remote, Transport, TransportComponents, TransportProtocol } from "./transport.ts"

/** What can be set on every transport that has connections. */
export interface ConnectionOptions extends ListenOptions {
  /** False for a client: it only opens connections, and is called by a random name below `.invalid` (RFC 7118 §5). @default true */
  readonly listens?: boolean
  /** Connections at a time, in both directions. @default 20000 */
  readonly maxConnections?: number
  /** Accepted connections at a time from one IPv4 address or IPv6 /64; many phones may share one behind a NAT. @default 2000 */
  readonly maxConnectionsPerSource?: number
  /** A connection over which nothing goes for so long is closed. @default 3600000 */
  readonly idleTimeoutMs?: number
  /** How long a connection may take to come about, in either direction, handshakes included. @default 10000 */
  readonly connectTimeoutMs?: number
  /** How long one message may take to come in. @default 20000 */
  readonly messageTimeoutMs?: number
  /** How long the answer to a ping may take. @default 10000 */
  readonly pongTimeoutMs?: number
  /** What may wait to be sent on one connection before messages are dropped. @default 1 MiB */
  readonly maxQueueBytes?: number
  /** What may wait to be sent on all connections together before those with the longest queues are closed. @default 256 MiB */
  readonly maxTotalQueueBytes?: number
}

const sweepIntervalMs = 1000
/** How long a closed connection may take to send the last bytes. */
const closeTimeoutMs = 2000

type Receiver = (message: Uint8Array, flow: Flow) => void

/**
 * SIP over connections: accepts them, opens them, reuses them, bounds them.
 * What kind of connections, the subclass says.
 */
export abstract class ConnectionTransport implements Transport {
  abstract readonly protocol: TransportProtocol
  readonly isReliable = true
  protected readonly runtime: Runtime
  protected readonly options: ConnectionOptions
  readonly #gate: Gate | undefined
  readonly #family: number
  readonly #connections = new Map<string, Connection>()
  /** The newest connection to each remote. */
  readonly #byRemote = new Map<string, Connection>()
  readonly #accepted = new AcceptedSources()
  /** Accepted sockets whose handshakes are not complete, by their source. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly sinceMs: number }>()
  #counters: TransportCounters | undefined
  #host: ConnectionHost | undefined
  #server: Server | undefined
  #sweeper: Timer | undefined
  #bound: HostPort | undefined
  #advertised: HostPort
  #isRunning = false
  #serial = 0
  #receiver: Receiver = () => undefined

  constructor(components: TransportComponents, options: ConnectionOptions) {
    this.runtime = components.runtime
    this.#gate = components.gate
    this.options = options
    const address = listenAddress(options)
    this.#advertised = address
    this.#bound = this.isListening ? address : undefined
    this.#family = isIP(address.host)
  }

  get bound(): HostPort | undefined {
    return this.#bound
  }

  get advertised(): HostPort {
    return this.#advertised
  }

  /** Connections that exist just now. */
  get size(): number {
    return this.#connections.size
  }

  async start(): Promise<void> {
    this.#counters = new TransportCounters(this.runtime.metrics, this.protocol)
    this.#host = this.#makeHost(this.#counters)
    if (this.#bound === undefined) this.#advertised = { host: `${this.#randomName()}.invalid`, port: 0 }
    else await this.#listen(this.#bound)
    this.#isRunning = true
    this.#sweepLater()
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#sweeper?.cancel()
    const server = this.#server
    this.#server = undefined
    const closed = server === undefined ? Promise.resolve() : new Promise<void>((resolve) => void server.close(() => resolve()))
    for (const { socket } of this.#handshakes.values()) socket.destroy()
    // The server ends with the connections that it has accepted; those that were opened from here it does not know.
    const ended = [...this.#connections.values()].map((connection) => new Promise<void>((resolve) => void connection.onClose(() => resolve())))
    for (const connection of this.#connections.values()) connection.close("stopped")
    const deadline = this.runtime.setTimer(closeTimeoutMs, () => {
      for (const connection of this.#connections.values()) connection.destroy("stopped")
    })
    await Promise.all([closed, ...ended])
    deadline.cancel()
  }

  flowTo(remote: Remote): Flow | undefined {
    const existing = this.#byRemote.get(nameOf(remote))
    if (existing?.isOpen === true) return existing
    const isReachable = !this.isListening || isIP(remote.host) === this.#family
    if (!this.#isRunning || !isReachable || remote.port < 1 || remote.port > 65_535) return undefined
    if (this.#isFull()) {
      this.#counters?.closed("too-many")
      return undefined
    }
    const connection = this.open(remote)
    if (connection !== undefined) this.#byRemote.set(nameOf(remote), connection)
    return connection
  }

  flowOf(key: string): Flow | undefined {
    const connection = this.#connections.get(key)
    return connection?.isOpen === true ? connection : undefined
  }

  onMessage(receiver: Receiver): void {
    this.#receiver = receiver
  }

  protected get isListening(): boolean {
    return this.options.listens ?? true
  }

  /** Takes an accepted socket through its handshakes, then calls {@link adopt}. */
  protected abstract welcome(socket: Socket): void

  /** Begins a connection, and calls {@link adopt}; undefined where this kind of transport does not. */
  protected abstract open(remote: Remote): Connection | undefined

  /** A connection was refused or ended by this side. */
  protected countClosed(reason: string): void {
    this.#counters?.closed(reason)
  }

  /** The serial number keeps a token for an old connection from naming a new one of the same addresses. */
  protected adopt<C extends Connection>(remote: HostPort, make: (host: ConnectionHost, key: string) => C): C | undefined {
    if (this.#host === undefined || !this.#isRunning) return undefined
    const key = `${this.protocol} ${formatHostPort(this.#bound ?? this.#advertised)} ${formatHostPort(remote)} ${++this.#serial}`
    const connection = make(this.#host, key)
    this.#connections.set(key, connection)
    return connection
  }

  /**
   * {@link adopt} for an accepted socket whose handshakes are complete. Where
   * `isShared`, requests to that address go over it too (RFC 3261 §18); a
   * client that has not proved who it is gets none that were meant for a name.
   */
  protected adoptAccepted(socket: Socket, isShared: boolean, make: (host: ConnectionHost, remote: HostPort, key: string) => Connection): void {
    const remote = sourceOf(socket)
    if (remote !== undefined) this.#handshakes.delete(formatHostPort(remote))
    const connection = remote && this.adopt(remote, (owner, key) => make(owner, remote, key))
    if (connection === undefined) socket.destroy()
    else if (isShared) this.#byRemote.set(nameOf(connection.remote), connection)
  }

  async #listen(address: HostPort): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      let isListening = false
      server.on("error", (error) => {
        if (isListening) this.runtime.log.warn({ error, protocol: this.protocol }, "SIP listener error")
        else reject(listenFault(error, this.protocol, address))
      })
      server.listen({ ...address, ipv6Only: this.#family === 6 }, () => {
        isListening = true
        resolve()
      })
    })
    this.#server = server
    const bound = server.address()
    this.#bound = typeof bound === "object" && bound !== null ? { host: address.host, port: bound.port } : address
    this.#advertised = advertisedAddress(this.#bound, this.options.advertise)
  }

  #makeHost(counters: TransportCounters): ConnectionHost {
    return {
      transport: this,
      counters,
      maxQueueBytes: this.options.maxQueueBytes ?? 1024 * 1024,
      now: () => this.runtime.now(),
      defer: (callback) => this.runtime.defer(callback),
      admits: (connection) => this.#admits(connection),
      receive: (message, connection) => {
        if (this.#admits(connection)) this.#receiver(message, connection)
      },
      closed: (connection) => this.#forget(connection),
    }
  }

  #admits(connection: Connection): boolean {
    if (this.#gate?.admits(this.protocol, connection.remote) !== false) return true
    connection.destroy("rate")
    return false
  }

  #accept(socket: Socket): void {
    const source = sourceOf(socket)
    const refusal = source === undefined ? "vanished" : this.#refusal(source)
    socket.on("error", () => undefined)
    if (refusal !== undefined || source === undefined) {
      socket.destroy()
      this.countClosed(refusal ?? "vanished")
      return
    }
    this.#accepted.add(source.host)
    this.#handshakes.set(formatHostPort(source), { socket, sinceMs: this.runtime.now() })
    socket.once("close", () => this.#release(source))
    this.welcome(socket)
  }

  #refusal(source: HostPort): string | undefined {
    if (!this.#isRunning) return "stopped"
    if (this.#isFull()) return "too-many"
    if (this.#gate?.admits(this.protocol, source) === false) return "rate"
    return this.#accepted.count(source.host) >= (this.options.maxConnectionsPerSource ?? 2000) ? "too-many-from-source" : undefined
  }

  #isFull(): boolean {
    return this.#connections.size + this.#handshakes.size >= (this.options.maxConnections ?? 20_000)
  }

  /** An accepted socket has closed. */
  #release(source: HostPort): void {
    this.#handshakes.delete(formatHostPort(source))
    this.#accepted.remove(source.host)
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection.key)
    const name = nameOf(connection.remote)
    if (this.#byRemote.get(name) === connection) this.#byRemote.delete(name)
  }

  #randomName(): string {
    return Buffer.from(this.runtime.random.bytes(8)).toString("hex")
  }

  #sweepLater(): void {
    this.#sweeper = this.runtime.setTimer(sweepIntervalMs, () => {
      this.#sweep()
      this.#sweepLater()
    })
  }

  /** Ends connections that take too long. */
  #sweep(): void {
    const { idleTimeoutMs = 3_600_000, connectTimeoutMs = 10_000, messageTimeoutMs = 20_000, pongTimeoutMs = 10_000 } = this.options
    const now = this.runtime.now()
    const patienceMs = { connect: connectTimeoutMs, message: messageTimeoutMs, pong: pongTimeoutMs, close: closeTimeoutMs }
    for (const connection of this.#connections.values()) {
      const { waitsFor } = connection
      if (waitsFor !== undefined && now - connection.waitingSinceMs >= patienceMs[waitsFor]) connection.destroy(`${waitsFor}-timeout`)
      else if (now - connection.lastUsedMs >= idleTimeoutMs) connection.close("idle")
      else connection.keepAlive?.(now)
    }
    this.#shed()
    for (const [source, { socket, sinceMs }] of this.#handshakes) {
      if (now - sinceMs < connectTimeoutMs) continue
      this.#handshakes.delete(source)
      this.countClosed("handshake-timeout")
      socket.destroy()
    }
  }

  /** Whoever does not read what it is sent must not take the memory from those who do. */
  #shed(): void {
    const { maxTotalQueueBytes = 256 * 1024 * 1024 } = this.options
    let total = 0
    for (const { queuedBytes } of this.#connections.values()) total += queuedBytes
    if (total <= maxTotalQueueBytes) return
    for (const connection of [...this.#connections.values()].sort((a, b) => b.queuedBytes - a.queuedBytes)) {
      if (total <= maxTotalQueueBytes) return
      total -= connection.queuedBytes
      connection.destroy("slow-reader")
    }
  }
}

function sourceOf({ remoteAddress: host, remotePort: port }: Socket): HostPort | undefined {
  return host === undefined || port === undefined ? undefined : { host, port }
}

/** Connections to one address for different names are different: the certificate of one says nothing of the other. */
function nameOf(remote: Remote): string {
  const address = formatHostPort(remote)
  return remote.serverName === undefined ? address : `${address} ${remote.serverName}`
}

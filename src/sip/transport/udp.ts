import { createSocket, type Socket } from "node:dgram"
import { isIP } from "node:net"
import type { Runtime } from "../../runtime/runtime.ts"
import { TransportCounters } from "./counters.ts"
import { FlowListeners } from "./flow-listeners.ts"
import { formatHostPort, parseHostPort } from "./host-port.ts"
import { advertisedAddress, isWildcard, listenAddress, listenFault, type ListenOptions } from "./listen.ts"
import { QueueDelay } from "./queue-delay.ts"
import { ReceiveBuffer } from "./receive-buffer.ts"
import { answerToStun, isStun } from "./stun.ts"
import type { Flow, Gate, HostPort, Transport, TransportComponents } from "./transport.ts"

/** What a user may choose about a UDP listener. */
export interface UdpOptions extends ListenOptions {
  /** What the kernel may hold for us, less while that is too much to be read in time; the system's own limit (net.core.rmem_max) is obeyed. @default 4 MiB */
  readonly receiveBufferBytes?: number
  /** What may wait for the network before messages are dropped. @default 4 MiB */
  readonly maxQueueBytes?: number
}

type Receiver = (message: Uint8Array, flow: Flow) => void

/** SIP over UDP. A flow is an address pair, made anew for each datagram: it costs nothing to keep, as nothing is kept. */
export class UdpTransport implements Transport {
  readonly protocol = "UDP"
  readonly isReliable = false
  /** An IPv4 datagram without its headers: 65,535 - 20 - 8. */
  readonly maxMessageBytes = 65_507
  readonly runtime: Runtime
  readonly counters: TransportCounters
  readonly #options: UdpOptions
  readonly #family: number
  readonly #maxQueueBytes: number
  readonly #queue: QueueDelay
  #buffer: ReceiveBuffer | undefined
  #bound: HostPort
  #advertised: HostPort
  readonly #gate: Gate | undefined
  #keyPrefix = ""
  #socket: Socket | undefined
  #receiver: Receiver = () => undefined

  constructor(components: TransportComponents, options: UdpOptions = {}) {
    this.runtime = components.runtime
    this.#gate = components.gate
    this.counters = new TransportCounters(components.runtime.metrics, this.protocol)
    this.#options = options
    this.#bound = this.#advertised = listenAddress(options)
    this.#family = isIP(this.#bound.host)
    this.#maxQueueBytes = options.maxQueueBytes ?? 4 * 1024 * 1024
    this.#queue = new QueueDelay(components.runtime, (probe) => this.#sendToSelf(probe))
  }

  get bound(): HostPort {
    return this.#bound
  }

  get advertised(): HostPort {
    return this.#advertised
  }

  /** How long datagrams wait at present before they are read. */
  get queueDelayMs(): number {
    return this.#queue.delayMs
  }

  /** Own datagrams that the kernel has dropped. */
  get queueLosses(): number {
    return this.#queue.losses
  }

  /** `UDP 127.0.0.1:5060 `, to which a flow key adds the remote. */
  get keyPrefix(): string {
    return this.#keyPrefix
  }

  async start(): Promise<void> {
    const family = this.#family
    const receiveBufferBytes = this.#options.receiveBufferBytes ?? 4 * 1024 * 1024
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      ipv6Only: family === 6,
      recvBufferSize: receiveBufferBytes,
      // Only addresses come here: without a look-up a datagram leaves at once, not a tick later.
      lookup: (address, _options, callback) => callback(null, address, family),
    })
    const { host, port } = this.#bound
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error) => reject(listenFault(error, this.protocol, this.#bound)))
      socket.bind({ address: host, port, exclusive: true }, resolve)
    })
    socket.removeAllListeners("error")
    socket.on("error", (error) => this.#onError(error))
    socket.on("message", (message, from) => this.#receive(message, from))
    this.#bound = { host, port: socket.address().port }
    this.#advertised = advertisedAddress(this.#bound, this.#options.advertise)
    this.#keyPrefix = `UDP ${formatHostPort(this.#bound)} `
    this.#buffer = new ReceiveBuffer(socket, receiveBufferBytes)
    this.#socket = socket
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await new Promise<void>((resolve) => void socket.close(resolve))
  }

  flowTo(remote: HostPort): Flow | undefined {
    const isUsable = isIP(remote.host) === this.#family && remote.port > 0 && remote.port <= 65_535
    return this.#socket !== undefined && isUsable ? new UdpFlow(this, remote) : undefined
  }

  /** RFC 5626 §5.2: the key says all there is to know of a UDP flow. */
  flowOf(key: string): Flow | undefined {
    if (this.#keyPrefix === "" || !key.startsWith(this.#keyPrefix)) return undefined
    const remote = parseHostPort(key.slice(this.#keyPrefix.length))
    return remote === undefined ? undefined : this.flowTo(remote)
  }

  onMessage(receiver: Receiver): void {
    this.#receiver = receiver
  }

  /** One datagram. False, without a callback, where it was dropped here. */
  sendDatagram(message: Uint8Array, to: HostPort, onSent: ((error: Error | null) => void) | undefined): boolean {
    const socket = this.#socket
    if (socket === undefined || socket.getSendQueueSize() > this.#maxQueueBytes) {
      this.counters.dropped(socket === undefined ? "stopped" : "queue-full")
      return false
    }
    this.counters.sent.add()
    socket.send(message, to.port, to.host, onSent)
    return true
  }

  #sendToSelf(probe: Uint8Array): void {
    const { host, port } = this.#bound
    this.#socket?.send(probe, port, isWildcard(host) ? (this.#family === 6 ? "::1" : "127.0.0.1") : host)
  }

  /** What could not be sent, and had nobody to be told, is counted: anybody may make that happen. */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.syscall === "send") this.counters.dropped("send-error")
    else this.runtime.log.warn({ error }, "UDP socket error")
  }

  #receive(message: Buffer, from: { readonly address: string; readonly port: number }): void {
    if (this.#queue.take(message)) {
      this.#buffer?.adapt(this.#queue.delayMs, this.runtime.now())
      return
    }
    if (from.port === 0) {
      this.counters.dropped("no-source-port")
      return
    }
    if (this.#gate?.admits("UDP", { host: from.address, port: from.port }) === false) {
      this.counters.dropped("rate")
      return
    }
    // No SIP message begins with a control character.
    if ((message[0] ?? 0) < 0x20 && this.#takeKeepAlive(message, from)) return
    this.counters.received.add()
    this.#receiver(message, new UdpFlow(this, { host: from.address, port: from.port }))
  }

  /** Keep-alives of phones behind NAT: STUN (RFC 5626 §8), or bytes that mean nothing. */
  #takeKeepAlive(message: Buffer, { address: host, port }: { readonly address: string; readonly port: number }): boolean {
    const isStunMessage = isStun(message)
    if (!isStunMessage && !isBlank(message)) return false
    this.counters.keepAlives.add()
    const answer = isStunMessage ? answerToStun(message, { host, port }) : undefined
    const socket = this.#socket
    if (answer !== undefined && socket !== undefined && socket.getSendQueueSize() <= this.#maxQueueBytes) {
      socket.send(answer, port, host, () => undefined)
    }
    return true
  }
}

class UdpFlow implements Flow {
  readonly transport: UdpTransport
  readonly remote: HostPort
  readonly #listeners = new FlowListeners()
  #isOpen = true
  #onSent: ((error: Error | null) => void) | undefined

  constructor(transport: UdpTransport, remote: HostPort) {
    this.transport = transport
    this.remote = remote
  }

  get key(): string {
    return this.transport.keyPrefix + formatHostPort(this.remote)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(message: Uint8Array): void {
    this.transport.sendDatagram(message, this.remote, this.#listeners.isEmpty ? undefined : this.#whenSent())
  }

  onClose(listener: (error: Error | undefined) => void): () => void {
    return this.#listeners.add(listener)
  }

  #whenSent(): (error: Error | null) => void {
    return (this.#onSent ??= (error) => {
      if (error !== null) this.#fail(error)
    })
  }

  /** RFC 3261 §18.4: unreachable, or a message longer than a datagram. */
  #fail(error: Error): void {
    this.transport.counters.dropped("send-error")
    this.#isOpen = false
    this.#listeners.tell(error)
  }
}

/** What many phones send instead: line ends or zeros, mostly CRLF CRLF. */
function isBlank(message: Buffer): boolean {
  for (const byte of message) if (byte !== 0x0d && byte !== 0x0a && byte !== 0) return false
  return true
}

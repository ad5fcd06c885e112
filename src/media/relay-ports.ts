/**
 * The UDP ports of a media relay: pairs of neighbouring ports, the even one
 * for RTP and the odd one for RTCP (RFC 3550 §11). All are opened at the
 * start: what cannot be had is known then, and nothing waits during a call.
 */
import { createSocket, type Socket } from "node:dgram"
import { isIP } from "node:net"
import { P2PSipError } from "../errors.ts"
import type { HostPort } from "../sip/transport/index.ts"

/** What a packet is, by the port of the pair that it belongs to. */
export const mediaKinds = { rtp: 0, rtcp: 1 } as const

export type MediaKind = (typeof mediaKinds)[keyof typeof mediaKinds]

/** Two neighbouring ports. */
export interface PortPair {
  /** The even one. */
  readonly port: number
  /** Sends at once, or not at all. */
  send(kind: MediaKind, packet: Uint8Array, to: HostPort): void
  /** Sets the one receiver; undefined for none. */
  onPacket(receiver: ((kind: MediaKind, packet: Uint8Array, from: HostPort) => void) | undefined): void
}

/** Pairs to be had, and given back. */
export interface PortPairs {
  readonly address: string
  readonly free: number
  /** Undefined where all are in use. */
  take(): PortPair | undefined
  give(pair: PortPair): void
  start(): Promise<void>
  stop(): Promise<void>
}

/** First and last port, both included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/** So much may wait for the network at one port. */
const maxQueueBytes = 65_536

/** See the head of this file. */
export class UdpPortPairs implements PortPairs {
  readonly address: string
  readonly #range: PortRange
  readonly #pairs: UdpPortPair[] = []
  /** The one that was given back first comes first: stragglers of its last call have come by then. */
  readonly #free: PortPair[] = []

  constructor(address: string, range: PortRange) {
    this.address = address
    this.#range = range
  }

  get free(): number {
    return this.#free.length
  }

  take(): PortPair | undefined {
    return this.#free.shift()
  }

  give(pair: PortPair): void {
    pair.onPacket(undefined)
    this.#free.push(pair)
  }

  /** Rejects with `P2PSIP_PORT_IN_USE` where a port of the range is taken, with `P2PSIP_BAD_CONFIG` where the address is none of this machine. */
  async start(): Promise<void> {
    const { from, to } = this.#range
    try {
      for (let port = from + (from % 2); port + 1 <= to; port += 2) {
        const pair = new UdpPortPair(port)
        this.#pairs.push(pair)
        await pair.open(this.address)
      }
    } catch (error) {
      await this.stop()
      throw faultOf(error, this.address)
    }
    this.#free.push(...this.#pairs)
  }

  async stop(): Promise<void> {
    this.#free.length = 0
    await Promise.all(this.#pairs.splice(0).map((pair) => pair.close()))
  }
}

class UdpPortPair implements PortPair {
  readonly port: number
  #sockets: readonly Socket[] = []
  #receiver: ((kind: MediaKind, packet: Uint8Array, from: HostPort) => void) | undefined

  constructor(port: number) {
    this.port = port
  }

  send(kind: MediaKind, packet: Uint8Array, to: HostPort): void {
    const socket = this.#sockets[kind]
    // An error belongs to one packet, which may get lost like any other.
    if (socket !== undefined && socket.getSendQueueSize() <= maxQueueBytes) socket.send(packet, to.port, to.host, () => undefined)
  }

  onPacket(receiver: ((kind: MediaKind, packet: Uint8Array, from: HostPort) => void) | undefined): void {
    this.#receiver = receiver
  }

  async open(address: string): Promise<void> {
    for (const kind of [mediaKinds.rtp, mediaKinds.rtcp]) this.#sockets = [...this.#sockets, await this.#socketAt(address, kind)]
  }

  async close(): Promise<void> {
    this.#receiver = undefined
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => void socket.close(resolve))))
    this.#sockets = []
  }

  async #socketAt(address: string, kind: MediaKind): Promise<Socket> {
    const family = isIP(address)
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      ipv6Only: family === 6,
      // Only addresses come here: without a look-up a packet leaves at once.
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error) => void socket.close(() => reject(error)))
      socket.bind({ address, port: this.port + kind, exclusive: true }, resolve)
    })
    socket.removeAllListeners("error")
    socket.on("error", () => undefined)
    socket.on("message", (packet, { address: host, port }) => this.#receiver?.(kind, packet, { host, port }))
    return socket
  }
}

function faultOf(error: unknown, address: string): P2PSipError {
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number }
  if (code === "EADDRINUSE") {
    return new P2PSipError("P2PSIP_PORT_IN_USE", `mediaRelay.ports: expected free UDP ports at ${address}, found ${port ?? "one"} taken; choose others`, { cause: error })
  }
  return new P2PSipError("P2PSIP_BAD_CONFIG", `mediaRelay: expected an address of this machine and ports above 1023, found ${address} (${code ?? String(error)})`, { cause: error })
}

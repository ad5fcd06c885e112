/** Ports of a media relay without a network: what is sent there is noted, what comes there a test says. */
import type { MediaKind, PortPair, PortPairs } from "../../src/media/relay-ports.ts"
import type { HostPort } from "../../src/sip/transport/index.ts"

type Receiver = (kind: MediaKind, packet: Uint8Array, from: HostPort) => void

/** See the head of this file. */
export class TestPortPairs implements PortPairs {
  readonly address: string
  readonly sent: { readonly port: number; readonly text: string; readonly to: HostPort }[] = []
  readonly receivers = new Map<number, Receiver>()
  readonly #free: number[]

  constructor(address: string, count: number) {
    this.address = address
    this.#free = Array.from({ length: count }, (_, at) => 40_000 + 2 * at)
  }

  get free(): number {
    return this.#free.length
  }

  take(): PortPair | undefined {
    const port = this.#free.shift()
    if (port === undefined) return undefined
    return {
      port,
      send: (kind, packet, to) => void this.sent.push({ port: port + kind, text: Buffer.from(packet).toString(), to }),
      onPacket: (receiver) => (receiver === undefined ? this.receivers.delete(port) : this.receivers.set(port, receiver)),
    }
  }

  give(pair: PortPair): void {
    pair.onPacket(undefined)
    this.#free.push(pair.port)
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}

/** A transport without a network, to measure what a peer itself costs, apart from the system's sockets. */
import type { Flow, HostPort, Transport } from "../sip/transport/index.ts"

/** Counts what it is to send, and keeps it until somebody takes it. */
export class NullTransport implements Transport {
  readonly protocol = "UDP"
  readonly isReliable = false
  readonly advertised: HostPort = { host: "127.0.0.1", port: 5060 }
  readonly bound = this.advertised
  sent = 0
  last: Uint8Array = new Uint8Array()
  receive: (message: Uint8Array, flow: Flow) => void = () => undefined
  onSend: (message: Uint8Array, remote: HostPort) => void = () => undefined

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  flowTo(remote: HostPort): Flow {
    return new NullFlow(this, remote)
  }

  flowOf(key: string): Flow | undefined {
    const port = /^UDP 127\.0\.0\.1:5060 127\.0\.0\.1:(\d+)$/.exec(key)?.[1]
    return port === undefined ? undefined : this.flowTo({ host: "127.0.0.1", port: Number(port) })
  }

  onMessage(receiver: (message: Uint8Array, flow: Flow) => void): void {
    this.receive = receiver
  }
}

class NullFlow implements Flow {
  readonly transport: NullTransport
  readonly remote: HostPort
  readonly isOpen = true

  constructor(transport: NullTransport, remote: HostPort) {
    this.transport = transport
    this.remote = remote
  }

  get key(): string {
    return `UDP 127.0.0.1:5060 ${this.remote.host}:${this.remote.port}`
  }

  send(message: Uint8Array): void {
    this.transport.sent++
    this.transport.last = message
    this.transport.onSend(message, this.remote)
  }

  onClose(): () => void {
    return () => undefined
  }
}

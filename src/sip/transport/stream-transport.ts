import type { Socket } from "node:net"
import type { Connection } from "./connection.ts"
import { ConnectionTransport, type ConnectionOptions } from "./connection-transport.ts"
import { StreamFlow } from "./stream-flow.ts"
import type { FramerLimits } from "./stream-framer.ts"
import type { Remote, TransportComponents } from "./transport.ts"

/** What can be set on TCP and TLS. */
export interface StreamOptions extends ConnectionOptions {
  /** Start line and headers of one message. @default 32767 */
  readonly maxHeaderBytes?: number
  /** @default 32768 */
  readonly maxBodyBytes?: number
}

/** SIP over streams of bytes: TCP and TLS. */
export abstract class StreamTransport extends ConnectionTransport {
  readonly #limits: FramerLimits

  constructor(components: TransportComponents, options: StreamOptions = {}) {
    super(components, options)
    this.#limits = { maxHeaderBytes: options.maxHeaderBytes ?? 32_767, maxBodyBytes: options.maxBodyBytes ?? 32_768 }
  }

  /** A socket that can be used. */
  protected take(socket: Socket, isShared: boolean): void {
    const limits = this.#limits
    this.adoptAccepted(socket, isShared, (host, remote, key) => new StreamFlow(host, { socket, awaits: undefined, remote, key, limits }))
  }

  /** A socket that is being opened. */
  protected follow(socket: Socket, awaits: "connect" | "secureConnect", remote: Remote): Connection | undefined {
    const limits = this.#limits
    return this.adopt(remote, (host, key) => new StreamFlow(host, { socket, awaits, remote, key, limits }))
  }
}

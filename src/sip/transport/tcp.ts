import { connect, type Socket } from "node:net"
import type { Connection } from "./connection.ts"
import { StreamTransport } from "./stream-transport.ts"
import type { HostPort } from "./transport.ts"

/** SIP over TCP. */
export class TcpTransport extends StreamTransport {
  readonly protocol = "TCP"

  protected override welcome(socket: Socket): void {
    this.take(socket, true)
  }

  protected override open(remote: HostPort): Connection | undefined {
    return this.follow(connect({ host: remote.host, port: remote.port, noDelay: true }), "connect", remote)
  }
}

import { connect, createServer, type Socket } from "node:net"
import { StreamTransport, type StreamListener } from "./stream-transport.ts"
import type { HostPort } from "./transport.ts"

/** SIP over TCP. */
export class TcpTransport extends StreamTransport {
  readonly protocol = "TCP"

  protected override createListener(onConnection: (socket: Socket) => void): StreamListener {
    return createServer({ noDelay: true }, onConnection)
  }

  protected override connect(remote: HostPort): Socket {
    return connect({ host: remote.host, port: remote.port, noDelay: true })
  }
}

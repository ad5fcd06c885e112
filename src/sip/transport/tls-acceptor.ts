import type { Socket } from "node:net"
import { createServer, type Server, type TLSSocket } from "node:tls"
import type { Certificates } from "./certificates.ts"

/** RFC 8996: nothing older. */
export const minVersion = "TLSv1.2"

/** The server's side of TLS handshakes, on sockets that a transport has accepted. */
export class TlsAcceptor {
  readonly #server: Server
  readonly #forget: () => void

  constructor(certificates: Certificates, onSecure: (socket: TLSSocket) => void, onFailure: () => void) {
    this.#server = createServer({ ...certificates.credentials, minVersion }, (socket) => {
      socket.on("error", () => undefined)
      onSecure(socket)
    })
    this.#server.on("tlsClientError", (_error, socket) => {
      onFailure()
      socket.destroy()
    })
    this.#forget = certificates.onRenewal((credentials) => this.#server.setSecureContext({ ...credentials, minVersion }))
  }

  /** Begins the handshake. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket)
  }

  close(): void {
    this.#forget()
  }
}

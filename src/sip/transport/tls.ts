import { X509Certificate } from "node:crypto"
import { isIP, type Socket } from "node:net"
import { connect, type TLSSocket } from "node:tls"
import { P2PSipError } from "../../errors.ts"
import type { Certificates } from "./certificates.ts"
import type { Connection } from "./connection.ts"
import { StreamTransport, type StreamOptions } from "./stream-transport.ts"
import { minVersion, TlsAcceptor } from "./tls-acceptor.ts"
import { identityFault } from "./tls-identity.ts"
import type { Remote, TransportComponents } from "./transport.ts"

/** What a transport with TLS takes from elsewhere. */
export interface TlsComponents extends TransportComponents {
  /** Started before the transport, and stopped after it. A transport that does not listen may do without. */
  readonly certificates?: Certificates | undefined
}

/**
 * SIP over TLS (RFC 3261 §26.3.1, RFC 5922). Whom it connects to must prove to
 * be the name that was looked for; phones that connect prove themselves with
 * digest, and their connections are found by their flows alone.
 */
export class TlsTransport extends StreamTransport {
  readonly protocol = "TLS"
  readonly #certificates: Certificates | undefined
  #acceptor: TlsAcceptor | undefined

  constructor(components: TlsComponents, options: StreamOptions = {}) {
    super(components, { port: 5061, ...options })
    this.#certificates = requireCertificates(components, options.listens)
  }

  override async start(): Promise<void> {
    if (this.isListening && this.#certificates !== undefined) {
      this.#acceptor = new TlsAcceptor(
        this.#certificates,
        (socket) => this.take(socket, false),
        () => this.countClosed("tls-handshake"),
      )
    }
    await super.start()
  }

  override async stop(): Promise<void> {
    await super.stop()
    this.#acceptor?.close()
  }

  protected override welcome(socket: Socket): void {
    this.#acceptor?.take(socket)
  }

  protected override open(remote: Remote): Connection | undefined {
    return this.follow(connectSecurely(remote, this.#certificates), "secureConnect", remote)
  }
}

/** A connection to `remote`, which must prove to be it (RFC 5922 §7.3). Our own certificate is shown where it is asked for. */
export function connectSecurely(remote: Remote, certificates: Certificates | undefined): TLSSocket {
  const name = remote.serverName ?? remote.host
  const socket = connect({
    ...certificates?.credentials,
    minVersion,
    host: remote.host,
    port: remote.port,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, { raw }) => identityFault(name, new X509Certificate(raw)),
  })
  // Not a byte leaves before that.
  socket.cork()
  socket.once("secureConnect", () => socket.uncork())
  return socket
}

/** Throws `P2PSIP_BAD_CONFIG` where a listener has nothing to show. */
export function requireCertificates({ certificates }: TlsComponents, listens = true): Certificates | undefined {
  if (listens && certificates === undefined) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", "tls: expected a certificate and a key for a listener with TLS, found none")
  }
  return certificates
}

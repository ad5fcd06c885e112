/** TLS for programs without it: what connects here by TCP goes on over TLS, as behind stunnel. */
import { createServer } from "node:net"
import { connect } from "node:tls"

/** An open tunnel. */
export interface Tunnel {
  readonly port: number
  readonly close: () => void
}

/** From a port of 127.0.0.1 to a TLS listener there. Certificates are checked by the other scenarios' phones. */
export async function openTunnel(tlsPort: number): Promise<Tunnel> {
  const ends = new Set<{ destroy: () => unknown }>()
  const server = createServer((plain) => {
    const secure = connect({ host: "127.0.0.1", port: tlsPort, rejectUnauthorized: false })
    for (const [one, other] of [[plain, secure], [secure, plain]] as const) {
      ends.add(one)
      one.on("error", () => undefined)
      one.on("close", () => {
        ends.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    port,
    close: () => {
      server.close()
      for (const end of ends) end.destroy()
    },
  }
}

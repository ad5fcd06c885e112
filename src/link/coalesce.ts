/**
 * One write to the socket per turn of the event loop.
 *
 * libp2p writes each encrypted record in two pieces, and answers each piece
 * that it reads with a window update of its own: four system calls for one
 * message. Here everything that a connection has to say after the events at
 * hand goes out as one piece.
 */
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from "@libp2p/interface"
import { Uint8ArrayList } from "uint8arraylist"
import type { Runtime } from "../runtime/runtime.ts"

/** An encrypter whose connections, once they are secured, write in large pieces. */
export function coalescing<Components>(
  create: (components: Components) => ConnectionEncrypter,
  runtime: Runtime,
): (components: Components) => ConnectionEncrypter {
  return (components) => {
    const inner = create(components)
    const outer: ConnectionEncrypter = Object.create(inner) as ConnectionEncrypter
    outer.secureInbound = (connection, options) => secured(connection, inner.secureInbound(connection, options))
    outer.secureOutbound = (connection: MessageStream, options?: SecureConnectionOptions) =>
      secured(connection, inner.secureOutbound(connection, options))
    return outer
  }

  async function secured(connection: MessageStream, securing: Promise<SecuredConnection>): Promise<SecuredConnection> {
    const result = await securing
    coalesceWrites(connection, runtime)
    return result
  }
}

/** Gathers what is sent on a stream, and sends it once the events at hand have been dealt with. */
export function coalesceWrites(stream: MessageStream, runtime: Runtime): void {
  const send = stream.send.bind(stream)
  const close = stream.close.bind(stream)
  let gathered = new Uint8ArrayList()
  const flush = (): void => {
    if (gathered.byteLength === 0) return
    const piece = gathered.subarray()
    gathered = new Uint8ArrayList()
    // What is left when the connection has broken is lost with it.
    if (stream.status === "open") send(piece)
  }
  // Twice deferred: what the first round of deferred work sends still comes along.
  const later = (): void => runtime.defer(flush)
  stream.send = (data) => {
    if (stream.status !== "open") return send(data)
    if (gathered.byteLength === 0) runtime.defer(later)
    gathered.append(data)
    return !stream.writableNeedsDrain
  }
  stream.close = (options) => {
    flush()
    return close(options)
  }
}

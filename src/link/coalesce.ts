/**
 * One encrypted message and one write to the socket per turn of the event loop.
 *
 * yamux sends each of its frames by itself, and answers each one that it reads
 * with a window update: libp2p would encipher each of them alone, and write
 * every result in two pieces. Here everything that a connection has to say
 * after the events at hand is enciphered as one message and written as one
 * piece, and a window update alone is no reason to say anything.
 */
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from "@libp2p/interface"
import { Uint8ArrayList } from "uint8arraylist"
import type { Runtime } from "../runtime/runtime.ts"
import { WindowGrants } from "./window-grants.ts"

/** The longest message of Noise; its length takes two bytes, so that there never are so many bytes without one. */
const maxNoiseBytes = 65_535

/** An encrypter whose connections, once they are secured, encipher and write in large pieces. */
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
    joinPieces(connection)
    readLengthsQuietly(result.connection)
    coalesceWrites(result.connection, runtime)
    return result
  }
}

/** Gathers what is sent on a stream, and sends it once the events at hand have been dealt with. */
export function coalesceWrites(stream: MessageStream, runtime: Runtime): void {
  const send = stream.send.bind(stream)
  const close = stream.close.bind(stream)
  const grants = new WindowGrants()
  let gathered = new Uint8ArrayList()
  let isScheduled = false
  const flush = (): void => {
    isScheduled = false
    const pieces = gathered
    gathered = new Uint8ArrayList()
    grants.writeTo(pieces)
    // What is left when the connection has broken is lost with it.
    if (pieces.byteLength > 0 && stream.status === "open") send(pieces.subarray())
  }
  // Twice deferred: what the first round of deferred work sends still comes along.
  const later = (): void => runtime.defer(flush)
  stream.send = (data) => {
    if (stream.status !== "open") return send(data)
    const isGrant = grants.take(data)
    if (!isGrant) gathered.append(data)
    if (!isScheduled && (!isGrant || grants.isDue)) {
      isScheduled = true
      runtime.defer(later)
    }
    return !stream.writableNeedsDrain
  }
  stream.close = (options) => {
    flush()
    return close(options)
  }
}

/** Writes what is sent at once in one piece: a cipher's output is a list of a length and a body, and TCP would write each by itself. */
function joinPieces(stream: MessageStream): void {
  const send = stream.send.bind(stream)
  stream.send = (data) => send(data.subarray())
}

/** What libp2p-noise keeps in its streams besides what their type says. */
interface WithDecoder {
  readonly decoder?: { lengthDecoder?: (data: Uint8ArrayList) => number }
}

/**
 * At the end of each read libp2p-noise looks for a length where there are no
 * bytes, and learns that from a RangeError, which takes longer than deciphering.
 * A length that no message has makes it wait for more bytes just so.
 */
function readLengthsQuietly(stream: MessageStream & WithDecoder): void {
  const { decoder } = stream
  if (typeof decoder?.lengthDecoder !== "function") return
  decoder.lengthDecoder = (data) => (data.byteLength < 2 ? maxNoiseBytes : (data.get(0) << 8) | data.get(1))
}

/** What the transport layer does with the topmost Via (RFC 3261 §18, RFC 3581). */
import type { SipMessage, SipRequest, Via } from "../message/index.ts"
import { formatHostPort, bareHost, defaultPort } from "../transport/host-port.ts"
import type { Flow, Transport } from "../transport/transport.ts"

/** Marks a branch that is unique in space and time (RFC 3261 §8.1.1.7). */
export const magicCookie = "z9hG4bK"

/** How often a sender who asks may keep its way to us open, in seconds: NATs forget datagrams sooner than connections. */
const keepAliveSeconds = { datagrams: 30, connections: 120 }

/** Writes where the request came from into its topmost Via, and that keep-alives are welcome to those who ask. */
export function markReceived(request: SipRequest, via: Via, flow: Flow): void {
  const source = withSource(via, flow)
  const marked = source.params.has("keep") ? withKeepAlive(source, flow) : source
  if (marked !== via) request.replaceVia(marked)
}

/** RFC 6223 §4.4: a value says yes. Another peer needs none. */
function withKeepAlive(via: Via, { transport }: Flow): Via {
  if (transport.protocol === "P2P" || via.params.get("keep") !== "") return via
  return via.withParam("keep", String(transport.isReliable ? keepAliveSeconds.connections : keepAliveSeconds.datagrams))
}

function withSource(via: Via, flow: Flow): Via {
  const { host, port } = flow.remote
  const asksForPort = via.params.has("rport")
  // RFC 3261 §18.2.1: where sent-by is not the source. RFC 3581 §4: always with rport.
  if (!asksForPort && bareHost(via.host) === host && !via.params.has("received")) return via
  const { protocol } = flow.transport
  // The name of a peer is authentic, and says it all.
  if (protocol === "P2P") return via
  // RFC 7118 §5.3: answers go back on the WebSocket anyway, and it may be the address of something in between.
  if (!asksForPort && (protocol === "WS" || protocol === "WSS")) return via
  return via.withParams(asksForPort ? [["received", host], ["rport", String(port)]] : [["received", host]])
}

/** Puts this element's Via on top. */
export function pushVia(request: SipRequest, transport: Transport, branch: string): void {
  request.headers.prepend("Via", `${sentProtocol(transport)};branch=${branch}${transport.protocol === "UDP" ? ";rport" : ""}`)
}

/**
 * A hop inside the overlay counts as TLS: it is as private, and there are
 * proxies that drop what has a transport in a Via that they do not know.
 */
function sentProtocol({ protocol, advertised }: Transport): string {
  return `SIP/2.0/${protocol === "P2P" ? "TLS" : protocol} ${formatHostPort(advertised)}`
}

/**
 * The flow for a response whose request came on `flow` (RFC 3261 §18.2.2); undefined when no way is left.
 *
 * `maddr` is not obeyed: it would let anybody have responses sent to anybody.
 */
export function flowOfResponse(message: SipMessage, flow: Flow): Flow | undefined {
  const { transport, remote } = flow
  if (transport.protocol === "P2P") return flow.isOpen ? flow : transport.flowTo(remote)
  if (transport.isReliable) {
    if (flow.isOpen) return flow
    // The connection is gone: the sender must listen at its sent-by port, over TLS under its sent-by name.
    const listener = { host: remote.host, port: portOf(message, transport) }
    const name = message.via?.host
    return transport.flowTo(transport.protocol === "TLS" && name !== undefined ? { ...listener, serverName: bareHost(name) } : listener)
  }
  // RFC 3581 §4: with rport, back to where the request came from.
  const via = message.via
  if (via === undefined || via.params.has("rport")) return flow
  const port = via.port ?? defaultPort(transport.protocol)
  return port === remote.port ? flow : transport.flowTo({ host: remote.host, port })
}

function portOf(message: SipMessage, transport: Transport): number {
  return message.via?.port ?? defaultPort(transport.protocol)
}

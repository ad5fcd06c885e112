/** From a URI to where to send: the port that RFC 3263 fills. */
import { isIP } from "node:net"
import type { Soon } from "../../soon.ts"
import type { SipUri } from "../message/index.ts"
import { bareHost, defaultPort } from "./host-port.ts"
import { isOverlayHost } from "./overlay-host.ts"
import type { Remote, TransportProtocol } from "./transport.ts"

/** One place to try. */
export interface Target extends Remote {
  readonly protocol: TransportProtocol
}

/** Finds the places to try for a next hop, the best first; none where the name does not resolve. */
export interface TargetResolver {
  resolve(uri: SipUri): Soon<readonly Target[]>
}

const tokens: Readonly<Record<string, TransportProtocol>> = { udp: "UDP", tcp: "TCP", tls: "TLS", ws: "WS", wss: "WSS", p2p: "P2P" }

/** The protocol that a URI asks for by `;transport=` or its scheme; undefined for one that nobody knows. */
export function protocolOf(uri: SipUri): TransportProtocol | undefined {
  const wanted = uri.params.get("transport")?.toLowerCase()
  if (wanted === undefined) return isOverlayHost(uri.host) ? "P2P" : uri.isSips ? "TLS" : "UDP"
  const protocol = tokens[wanted]
  // RFC 3261 §26.2.2: sips over tcp means TLS.
  return uri.isSips && protocol === "TCP" ? "TLS" : uri.isSips && protocol === "WS" ? "WSS" : protocol
}

/** Whether nobody between two elements can read what they say: what a sips URI demands of each hop (RFC 3261 §26.2.2). */
export function isSecure(protocol: TransportProtocol): boolean {
  return protocol === "TLS" || protocol === "WSS" || protocol === "P2P"
}

/** Resolves what needs no DNS: IP addresses (RFC 3263 §4.2), `localhost`, and peers of the overlay. */
export class LiteralResolver implements TargetResolver {
  resolve(uri: SipUri): readonly Target[] {
    const protocol = protocolOf(uri)
    const host = literalHost(uri)
    if (protocol === undefined || host === undefined || (protocol === "P2P") !== isOverlayHost(host)) return []
    const port = protocol === "P2P" ? 0 : (uri.port ?? defaultPort(protocol))
    const serverName = bareHost(uri.host).toLowerCase()
    const isNamed = (protocol === "TLS" || protocol === "WSS") && serverName !== host
    return [isNamed ? { protocol, host, port, serverName } : { protocol, host, port }]
  }
}

function literalHost(uri: SipUri): string | undefined {
  // RFC 3261 §19.1.1: maddr overrides the host as the place to go.
  const host = bareHost(uri.params.get("maddr") ?? uri.host).toLowerCase()
  if (host === "localhost") return "127.0.0.1"
  return isIP(host) !== 0 || isOverlayHost(host) ? host : undefined
}

/** What a proxy knows of its own transports: their names, and the flows they hold. */
import { isIP } from "node:net"
import type { SipUri } from "../message/index.ts"
import type { IsLocalAddress } from "../registrar/served-domains.ts"
import { bareHost, defaultPort } from "../transport/host-port.ts"
import type { Flow, Transport, TransportProtocol } from "../transport/transport.ts"

/** Whether a host and port name one of the transports, as they advertise themselves; `aliases` are further host names for all of them. */
export function localAddresses(transports: readonly Transport[], aliases: readonly string[] = []): IsLocalAddress {
  const names = new Set(aliases.map((alias) => alias.toLowerCase()))
  return (host, port) => {
    if (names.has(host)) return true
    const bare = bareHost(host)
    return transports.some(({ protocol, advertised }) => advertised.host === bare && advertised.port === (port ?? defaultPort(protocol)))
  }
}

/** The open flow of that key on any of the transports. */
export function flowOfKey(transports: readonly Transport[], key: string): Flow | undefined {
  for (const transport of transports) {
    const flow = transport.flowOf(key)
    if (flow?.isOpen === true) return flow
  }
  return undefined
}

const protocols: Readonly<Record<string, TransportProtocol>> = { udp: "UDP", tcp: "TCP", tls: "TLS", ws: "WS", wss: "WSS", p2p: "P2P" }

/** Where a URI leads, as far as that can be told without the DNS: an IP address, or a peer of the overlay. */
export interface Destination {
  readonly protocol: TransportProtocol
  readonly host: string
  readonly port: number
}

/** Undefined for host names and for transports that do not exist. */
export function destinationOf(uri: SipUri): Destination | undefined {
  if (!uri.isSip) return undefined
  const protocol = protocols[(uri.params.get("transport") ?? (uri.isSips ? "tls" : "udp")).toLowerCase()]
  if (protocol === undefined) return undefined
  if (protocol === "P2P") return { protocol, host: uri.host, port: 0 }
  const host = bareHost(uri.host)
  return isIP(host) === 0 ? undefined : { protocol, host, port: uri.port ?? defaultPort(protocol) }
}

/** A flow to the destination from the transport that fits; undefined where there is none. */
export function flowToDestination(transports: readonly Transport[], { protocol, host, port }: Destination): Flow | undefined {
  const family = isIP(host)
  const fitting = transports.filter((transport) => transport.protocol === protocol)
  const transport = fitting.find(({ advertised }) => isIP(advertised.host) === family) ?? fitting[0]
  return transport?.flowTo({ host, port })
}

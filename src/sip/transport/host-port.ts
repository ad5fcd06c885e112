/** Hosts and ports as text. Flows and sockets know IPv6 addresses bare, SIP writes them in brackets. */
import type { HostPort, TransportProtocol } from "./transport.ts"

/** As SIP writes it: `192.0.2.1:5060`, `[2001:db8::1]:5060`; only the host where the port is 0. */
export function formatHostPort({ host, port }: HostPort): string {
  const name = host.includes(":") ? `[${host}]` : host
  return port === 0 ? name : `${name}:${port}`
}

/** The host without the brackets of an IPv6 address. */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host
}

/** The inverse of {@link formatHostPort}; undefined for other text. */
export function parseHostPort(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(":")
  if (colon <= text.lastIndexOf("]")) return text === "" ? undefined : { host: bareHost(text), port: 0 }
  const digits = text.slice(colon + 1)
  const port = Number(digits)
  if (!/^[0-9]{1,5}$/.test(digits) || port < 1 || port > 65_535 || colon === 0) return undefined
  return { host: bareHost(text.slice(0, colon)), port }
}

/** The other end of a flow, from its key: `TCP 192.0.2.1:5060 192.0.2.7:40001 12`. */
export function remoteOfKey(key: string): HostPort | undefined {
  return parseHostPort(key.split(" ")[2] ?? "")
}

/** RFC 3261 §18.1.1, §19.1.2; RFC 7118 §5. */
export function defaultPort(protocol: TransportProtocol): number {
  switch (protocol) {
    case "TLS":
      return 5061
    case "WS":
      return 80
    case "WSS":
      return 443
    case "P2P":
      return 0
    default:
      return 5060
  }
}

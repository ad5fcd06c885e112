/** SIP listeners as the configuration writes them: `udp:127.0.0.1:5060`, `tls:[::]:5061;advertise=sip.example.org:5061`. */
import { isIP } from "node:net"
import { parseHostPort } from "../sip/transport/host-port.ts"
import type { HostPort } from "../sip/transport/transport.ts"

const transports = ["udp", "tcp", "tls", "ws", "wss"] as const

/** How phones and browsers may connect. */
export type SipListenerTransport = (typeof transports)[number]

/** One SIP listener. */
export interface SipListener {
  readonly transport: SipListenerTransport
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** What Via, Record-Route and Path say, where that differs from the bound address. */
  readonly advertise?: HostPort
}

/** In words, for people who have written something else. */
export const sipListenerForm = "TRANSPORT:ADDRESS:PORT with udp, tcp, tls, ws or wss and an IP address, optionally followed by ;advertise=HOST:PORT"

/** Undefined for anything that is not of {@link sipListenerForm}. */
export function parseSipListener(text: string): SipListener | undefined {
  const match = /^([a-z]+):(\[[^\]]+\]|[^:;\s]+):(\d{1,5})(?:;advertise=(\S+))?$/.exec(text)
  if (match === null) return undefined
  const [, name, host = "", digits, advertised] = match
  const transport = transports.find((known) => known === name)
  const port = Number(digits)
  const advertise = advertised === undefined ? undefined : parseAdvertised(advertised)
  if (transport === undefined || port > 65_535 || (advertised !== undefined && advertise === undefined)) return undefined
  const bare = host.startsWith("[") ? host.slice(1, -1) : host === "localhost" ? "127.0.0.1" : host
  if (isIP(bare) === 0) return undefined
  return { transport, host: bare, port, ...(advertise === undefined ? {} : { advertise }) }
}

/** An IPv6 address needs its brackets: what follows its last colon would be taken for the port. */
function parseAdvertised(text: string): HostPort | undefined {
  const found = parseHostPort(text)
  const isBracketed = text.startsWith("[")
  return found !== undefined && (isBracketed ? isIP(found.host) === 6 : isHostName(found.host)) ? found : undefined
}

/** Letters, digits, hyphens, dots and the underscores that some have, as long as a name of the DNS may be. */
export function isHostName(text: string): boolean {
  return /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?$/i.test(text)
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host
  return bare === "localhost" || bare === "::1" || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare)
}

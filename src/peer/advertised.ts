/** What phones are told where a listener has no address of its own: who reads it at the start need not find out by calls that fail. */
import { isIP } from "node:net"
import { formatHostPort, type HostPort } from "../sip/transport/index.ts"
import { isLoopback, parseSipListener } from "./sip-address.ts"

/** What to say about a listener, and whether it is likely wrong. */
export interface AddressNote {
  readonly isDoubtful: boolean
  readonly text: string
}

/**
 * Undefined for a listener that is bound to one address or told what to
 * advertise. `local` are this machine's addresses.
 */
export function noteOnAddress(listener: string, advertised: HostPort, local: readonly string[]): AddressNote | undefined {
  const parsed = parseSipListener(listener)
  if (parsed === undefined || parsed.advertise !== undefined || (parsed.host !== "0.0.0.0" && parsed.host !== "::")) return undefined
  const others = local.filter((address) => isIP(address) === isIP(parsed.host) && !isLoopback(address) && address !== advertised.host)
  const told = `sip ${listener}: phones are told ${formatHostPort(advertised)}`
  const remedy = "add ;advertise=HOST:PORT with the address that phones see"
  if (isLoopback(advertised.host)) return { isDoubtful: true, text: `${told}, which only this machine reaches; ${remedy}` }
  if (others.length > 0) return { isDoubtful: true, text: `${told}, one of ${others.length + 1} addresses of this machine; if that is not the right one, ${remedy}` }
  return { isDoubtful: false, text: `${told}; behind NAT or in a container, ${remedy}` }
}

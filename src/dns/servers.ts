/** Which servers are asked: those of the configuration, else those of the machine. */
import { readFileSync } from "node:fs"
import { isIP } from "node:net"

/** A recursive DNS server. */
export interface DnsServer {
  readonly host: string
  readonly port: number
}

const dnsPort = 53
/** As many as the C library asks. */
const maxServers = 3

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`; undefined for other text. */
export function parseDnsServer(text: string): DnsServer | undefined {
  if (isIP(text) !== 0) return { host: text, port: dnsPort }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain ?? ""
  const port = digits === undefined ? dnsPort : Number(digits)
  return isIP(host) !== 0 && port > 0 && port <= 65_535 ? { host, port } : undefined
}

/** The servers in a text as in `/etc/resolv.conf`; one on this machine where it names none (resolv.conf(5)). */
export function serversIn(resolvConf: string): readonly DnsServer[] {
  const servers: DnsServer[] = []
  for (const line of resolvConf.split("\n")) {
    const [keyword, address = ""] = line.trim().split(/\s+/)
    // A zone, as in fe80::1%eth0, is part of an IPv6 address.
    if (keyword === "nameserver" && isIP(address) !== 0) servers.push({ host: address, port: dnsPort })
  }
  return servers.length === 0 ? [{ host: "127.0.0.1", port: dnsPort }] : servers.slice(0, maxServers)
}

/** The machine's servers. */
export function machineServers(): readonly DnsServer[] {
  try {
    return serversIn(readFileSync("/etc/resolv.conf", "latin1"))
  } catch {
    return serversIn("")
  }
}

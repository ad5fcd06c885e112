/** Locating SIP servers (RFC 3263): from a URI to places, by NAPTR, SRV and addresses. */
import { isIP } from "node:net"
import { isP2PSipError } from "../../errors.ts"
import type { Dns, NaptrRecord, SrvRecord } from "../../dns/dns.ts"
import type { Runtime } from "../../runtime/runtime.ts"
import type { Soon } from "../../soon.ts"
import type { SipUri } from "../message/index.ts"
import { bareHost, defaultPort } from "./host-port.ts"
import { isOverlayHost } from "./overlay-host.ts"
import { isSecure, LiteralResolver, protocolOf, type Target, type TargetResolver } from "./target.ts"
import type { Transport, TransportProtocol } from "./transport.ts"

/** What a {@link DnsTargetResolver} is built on. */
export interface DnsTargetResolverComponents {
  readonly runtime: Runtime
  readonly dns: Dns
  /** Those of the stack: what they cannot reach is not asked for. */
  readonly transports: readonly Transport[]
}

/** Places of one URI: enough to fail over, too few to make much of one request. */
const maxTargets = 12

/** A service that a domain may offer: protocol, SRV name before the domain, NAPTR service (RFC 3263 §4.1). */
interface Service {
  readonly protocol: TransportProtocol
  readonly prefix: string
  readonly naptr: string
}

/** The order is the client's preference where the domain has none. */
const services: readonly Service[] = [
  { protocol: "UDP", prefix: "_sip._udp", naptr: "sip+d2u" },
  { protocol: "TCP", prefix: "_sip._tcp", naptr: "sip+d2t" },
  { protocol: "TLS", prefix: "_sips._tcp", naptr: "sips+d2t" },
]

/** A protocol, and the name whose SRV records say where it is spoken. */
interface Candidate {
  readonly protocol: TransportProtocol
  readonly srvName: string
}

/** See the head of this file. Rejects where the DNS cannot tell. */
export class DnsTargetResolver implements TargetResolver {
  readonly #runtime: Runtime
  readonly #dns: Dns
  readonly #transports: readonly Transport[]
  readonly #literals = new LiteralResolver()

  constructor(components: DnsTargetResolverComponents) {
    this.#runtime = components.runtime
    this.#dns = components.dns
    this.#transports = components.transports
  }

  resolve(uri: SipUri): Soon<readonly Target[]> {
    const host = bareHost(uri.params.get("maddr") ?? uri.host).toLowerCase()
    return isIP(host) !== 0 || isOverlayHost(host) || host === "localhost" ? this.#literals.resolve(uri) : this.#resolveName(uri, host)
  }

  async #resolveName(uri: SipUri, host: string): Promise<readonly Target[]> {
    const protocol = protocolOf(uri)
    if (protocol === undefined || protocol === "P2P") return []
    const serverName = bareHost(uri.host).toLowerCase()
    const targets = await this.#locate(uri, host, protocol)
    return targets.slice(0, maxTargets).map((target) => (isSecure(target.protocol) ? { ...target, serverName } : target))
  }

  async #locate(uri: SipUri, host: string, protocol: TransportProtocol): Promise<readonly Target[]> {
    // §4.2: a port says that there are no SRV records to look for.
    if (uri.port !== undefined) return this.#addresses(host, protocol, uri.port)
    const candidates = uri.params.has("transport") ? candidatesFor(protocol, host) : await this.#candidates(host, uri.isSips)
    const found = await this.#fromCandidates(candidates)
    // §4.1, §4.2: without any SRV record the name itself, with the default transport and port.
    return found ?? this.#addresses(host, protocol, defaultPort(protocol))
  }

  /** §4.1: the services that the domain offers and this stack has, preferred first. */
  async #candidates(host: string, isSips: boolean): Promise<readonly Candidate[]> {
    const usable = services.filter(({ protocol }) => this.#has(protocol) && (!isSips || isSecure(protocol)))
    const offered = byPreference(await this.#naptr(host), usable)
    return offered.length > 0 ? offered : usable.map(({ protocol, prefix }) => ({ protocol, srvName: `${prefix}.${host}` }))
  }

  /** There are servers that fail on NAPTR and know the rest. One that is silent is asked no more. */
  async #naptr(host: string): Promise<readonly NaptrRecord[]> {
    try {
      return await this.#dns.resolve(host, "NAPTR")
    } catch (error) {
      if (isP2PSipError(error, "P2PSIP_UNREACHABLE")) return []
      throw error
    }
  }

  /** Undefined where no name has SRV records at all: then there may be a server at the name itself. */
  async #fromCandidates(candidates: readonly Candidate[]): Promise<readonly Target[] | undefined> {
    const asked = candidates.map(async ({ protocol, srvName }) => {
      const records = await this.#dns.resolve(srvName, "SRV")
      return bySrvRules(records, () => this.#runtime.random.float()).map((record) => ({ ...record, protocol }))
    })
    const records = joined(await Promise.allSettled(asked))
    if (records.length === 0) return undefined
    const places = records.filter(({ target }) => target !== "").slice(0, maxTargets)
    return joined(await Promise.allSettled(places.map(({ target, protocol, port }) => this.#addresses(target, protocol, port))))
  }

  /** The addresses that the transports of the protocol can reach: IPv6 before IPv4, as RFC 6724 and RFC 7984 would have it. */
  async #addresses(name: string, protocol: TransportProtocol, port: number): Promise<readonly Target[]> {
    const families = new Set(this.#transports.filter((transport) => transport.protocol === protocol).map(familyOf))
    const asked = [...(families.has(6) ? [this.#dns.resolve(name, "AAAA")] : []), ...(families.has(4) ? [this.#dns.resolve(name, "A")] : [])]
    const settled = await Promise.allSettled(asked.map(async (list) => (await list).map((host): Target => ({ protocol, host, port }))))
    return joined(settled)
  }

  #has(protocol: TransportProtocol): boolean {
    return this.#transports.some((transport) => transport.protocol === protocol)
  }
}

function candidatesFor(protocol: TransportProtocol, host: string): readonly Candidate[] {
  const service = services.find((known) => known.protocol === protocol)
  return service === undefined ? [] : [{ protocol, srvName: `${service.prefix}.${host}` }]
}

/** §4.1, RFC 3403 §4.1: by order and preference, only what can be used, and nothing behind the first order that has such. */
function byPreference(records: readonly NaptrRecord[], usable: readonly Service[]): readonly Candidate[] {
  const found = records.flatMap(({ order, preference, flags, service, replacement }) => {
    const match = usable.find(({ naptr }) => naptr === service.toLowerCase())
    const isUsable = match !== undefined && flags.toLowerCase() === "s" && replacement !== ""
    return isUsable ? [{ order, preference, protocol: match.protocol, srvName: replacement }] : []
  })
  const first = Math.min(...found.map(({ order }) => order))
  return found.filter(({ order }) => order === first).sort((a, b) => a.preference - b.preference)
}

/** RFC 2782: lowest priority first; among equals drawn by weight, those of weight 0 with a small chance. */
export function bySrvRules(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight)
  const ordered: SrvRecord[] = []
  while (left.length > 0) {
    const group = left.filter(({ priority }) => priority === left[0]?.priority)
    let drawn = random() * (group.reduce((sum, { weight }) => sum + weight, 0) + 1)
    const chosen = group.find(({ weight }) => (drawn -= weight) < 1) ?? group.at(-1)
    if (chosen === undefined) break
    ordered.push(chosen)
    left.splice(left.indexOf(chosen), 1)
  }
  return ordered
}

/** What could be found out; where nothing could, because the DNS failed, its failure. */
function joined<Item>(settled: readonly PromiseSettledResult<readonly Item[]>[]): readonly Item[] {
  const items = settled.flatMap((result) => (result.status === "fulfilled" ? result.value : []))
  const failed = settled.find((result) => result.status === "rejected")
  if (items.length === 0 && failed !== undefined) throw failed.reason
  return items
}

function familyOf({ bound, advertised }: Transport): number {
  return isIP((bound ?? advertised).host)
}

/**
 * The target set (RFC 3261 §16.5): from bindings to ways.
 *
 * A target is one phone. It has one or more ways, which are tried one after
 * the other while they prove to lead nowhere.
 */
import { isIP } from "node:net"
import { type Soon, whenKnown } from "../../soon.ts"
import { Params, parseNameAddress, SipUri } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import type { Binding } from "../registrar/location-service.ts"
import { bareHost, protocolOf } from "../transport/index.ts"
import type { Flow, Target as Place, TransportSet } from "../transport/index.ts"
import type { RouteComponents } from "./own-routes.ts"

/** One way to a phone: Request-URI, Routes before those that the request has, and where it is sent. */
export interface Way {
  readonly uri: string
  readonly routes: readonly string[]
  /** A flow that exists, or a place that a flow is to be opened to. */
  readonly next: Flow | Place
  /** One of the places at which a domain or host may be served: a 503 or silence there says nothing about the others (RFC 3263 §4.3). */
  readonly isHop: boolean
}

export interface Target {
  readonly qThousandths: number
  readonly ways: readonly Way[]
}

export interface TargetOptions {
  /** Whether a phone whose peer cannot be reached is tried at the address in its contact. */
  readonly directFallback: boolean
  /** Whether the request is for a SIPS URI, which only SIPS contacts may take (RFC 5630). */
  readonly isSips: boolean
  /** The request, as far as its length matters. */
  readonly request: SipRequest
}

/** The targets, preferred first. Bindings that lead nowhere are left out. */
export async function targetsOf(
  bindings: readonly Binding[],
  components: RouteComponents,
  options: TargetOptions,
): Promise<readonly Target[]> {
  const phones = new Map<string, Phone>()
  for (const [index, binding] of bindings.entries()) {
    const uri = SipUri.tryParse(binding.contact)
    // A phone at a tel or mailto URI is no business of a proxy.
    if (!uri?.isSip || (options.isSips && !uri.isSips)) continue
    // RFC 5626 §4.2.1, §7: several flows of one instance are alternatives, not a fork.
    const name = instanceOf(binding) ?? `#${index}`
    const phone = phones.get(name) ?? { qThousandths: 0, along: [], direct: [] }
    phones.set(name, phone)
    phone.qThousandths = Math.max(phone.qThousandths, binding.qThousandths)
    const target = asRequestUri(binding.contact, uri, options)
    phone.along.push(...(await waysAlong(target, binding.path, components, options)))
    if (isReachedDirectly(binding, uri, options)) phone.direct.push(...(await waysIfKnown(options.request, { uri: target, nextHop: uri }, components)))
  }
  return [...phones.values()]
    .map(({ qThousandths, along, direct }) => ({ qThousandths, ways: [...along, ...direct] }))
    .filter(({ ways }) => ways.length > 0)
    .sort((a, b) => b.qThousandths - a.qThousandths)
}

/** How many targets share a q, at most: so many ring at a time. */
export function widestRank(targets: readonly Target[]): number {
  const counts = new Map<number, number>()
  for (const { qThousandths } of targets) counts.set(qThousandths, (counts.get(qThousandths) ?? 0) + 1)
  return Math.max(...counts.values())
}

interface Phone {
  qThousandths: number
  readonly along: Way[]
  readonly direct: Way[]
}

/**
 * RFC 3261 §19.1.1, table 1: no method and no headers in a Request-URI. A SIPS
 * contact can be reached by SIP requests as well, with a SIP URI (RFC 5630).
 */
export function asRequestUri(contact: string, uri: SipUri, { isSips }: Pick<TargetOptions, "isSips">): string {
  const scheme = isSips ? uri.scheme : "sip"
  if (uri.scheme === scheme && uri.headers === undefined && !uri.params.has("method")) return contact
  return uri.with({ scheme, headers: undefined, params: uri.params.without("method") }).toString()
}

/** Behind a further proxy the address in the contact means nothing to us. */
function isReachedDirectly({ path }: Binding, uri: SipUri, { directFallback }: TargetOptions): boolean {
  if (path.length === 0) return true
  const protocol = protocolOf(uri)
  // No call waits for the DNS of a phone that has a way already.
  return directFallback && path.length === 1 && (protocol === "UDP" || protocol === "TCP") && isIP(bareHost(uri.host)) !== 0
}

/** Where the first hop is this peer itself, its token gives the flow at once. */
function waysAlong(
  target: string,
  path: readonly string[],
  components: RouteComponents,
  { request }: TargetOptions,
): Soon<readonly Way[]> {
  const { domains, transports } = components
  const first = uriOf(path[0] ?? "")
  if (!first) return []
  if (!domains.isOurs(first)) return waysIfKnown(request, { uri: target, routes: path, nextHop: first }, components)
  const flow = first.user === undefined ? "forged" : transports.flowOfToken(first.user)
  return typeof flow === "string" ? [] : [{ uri: target, routes: path.slice(1), next: flow, isHop: false }]
}

/** A Request-URI, the Routes to go along, and whose places are looked for. */
export interface NextHop {
  readonly uri: string
  readonly routes?: readonly string[]
  readonly nextHop: SipUri
}

/** What fits into one datagram everywhere, and what this element adds: its Via and two Record-Routes. */
const maxDatagramBytes = 1300
const addedBytes = 400

/** One way for each place that a next hop may be at (RFC 3263 §4.3). Rejects where the DNS cannot tell. */
export function waysToPlaces(
  request: SipRequest,
  { uri, routes = [], nextHop }: NextHop,
  { transports }: Pick<RouteComponents, "transports">,
): Soon<readonly Way[]> {
  return whenKnown(transports.targetsOf(nextHop), (places) => {
    const isLong = places.some(({ protocol }) => protocol === "UDP") && request.byteLength + addedBytes > maxDatagramBytes
    const withTcp = isLong ? places.flatMap((place) => [...overTcp(place, transports), place]) : places
    // A peer of the overlay is the only one that has the phone's flow.
    return withTcp.map((next) => ({ uri, routes, next, isHop: next.protocol !== "P2P" }))
  })
}

/** {@link waysToPlaces}, none where the DNS cannot tell: a phone that is lost must not keep the others from ringing. */
function waysIfKnown(...place: Parameters<typeof waysToPlaces>): Soon<readonly Way[]> {
  try {
    const ways = waysToPlaces(...place)
    return ways instanceof Promise ? ways.catch(() => []) : ways
  } catch {
    return []
  }
}

/** RFC 3261 §18.1.1: what may not fit goes by TCP, and by UDP only where nobody listens. */
function overTcp(place: Place, transports: TransportSet): readonly Place[] {
  const isPossible = place.protocol === "UDP" && transports.transportFor("TCP", place.host) !== undefined
  return isPossible ? [{ ...place, protocol: "TCP" }] : []
}

function uriOf(route: string): SipUri | undefined {
  try {
    return parseNameAddress(route, "Path").parsedUri
  } catch {
    return undefined
  }
}

function instanceOf({ parameters }: Binding): string | undefined {
  if (!parameters.includes("+sip.instance")) return undefined
  const params = Params.parse(parameters, 0, "Contact")
  return params.has("reg-id") ? params.getUnquoted("+sip.instance") : undefined
}

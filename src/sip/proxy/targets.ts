/**
 * The target set (RFC 3261 §16.5): from bindings to ways.
 *
 * A target is one phone. It has one or more ways, which are tried one after
 * the other while they prove to lead nowhere.
 */
import { Params, parseNameAddress, SipUri } from "../message/index.ts"
import type { Binding } from "../registrar/location-service.ts"
import { protocolOf } from "../transport/index.ts"
import type { Flow, Target as Place } from "../transport/index.ts"
import type { RouteComponents } from "./own-routes.ts"

/** One way to a phone: Request-URI, Routes before those that the request has, and where it is sent. */
export interface Way {
  readonly uri: string
  readonly routes: readonly string[]
  /** A flow that exists, or a place that a flow is to be opened to. */
  readonly next: Flow | Place
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
    phone.along.push(...(await waysAlong(target, binding.path, components)))
    if (isReachedDirectly(binding, uri, options)) phone.direct.push(...(await waysToPlaces(target, [], uri, components)))
  }
  return [...phones.values()]
    .map(({ qThousandths, along, direct }) => ({ qThousandths, ways: [...along, ...direct] }))
    .filter(({ ways }) => ways.length > 0)
    .sort((a, b) => b.qThousandths - a.qThousandths)
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
function asRequestUri(contact: string, uri: SipUri, { isSips }: TargetOptions): string {
  const scheme = isSips ? uri.scheme : "sip"
  if (uri.scheme === scheme && uri.headers === undefined && !uri.params.has("method")) return contact
  return uri.with({ scheme, headers: undefined, params: uri.params.without("method") }).toString()
}

/** Behind a further proxy the address in the contact means nothing to us. */
function isReachedDirectly({ path }: Binding, uri: SipUri, { directFallback }: TargetOptions): boolean {
  if (path.length === 0) return true
  const protocol = protocolOf(uri)
  return directFallback && path.length === 1 && (protocol === "UDP" || protocol === "TCP")
}

/** Where the first hop is this peer itself, its token gives the flow at once. */
async function waysAlong(target: string, path: readonly string[], components: RouteComponents): Promise<readonly Way[]> {
  const { domains, transports } = components
  const first = uriOf(path[0] ?? "")
  if (!first) return []
  if (!domains.isOurs(first)) return waysToPlaces(target, path, first, components)
  const flow = first.user === undefined ? "forged" : transports.flowOfToken(first.user)
  return typeof flow === "string" ? [] : [{ uri: target, routes: path.slice(1), next: flow }]
}

/** One way for each place that a next hop may be at (RFC 3263 §4.3). */
export async function waysToPlaces(
  uri: string,
  routes: readonly string[],
  nextHop: SipUri,
  { transports }: RouteComponents,
): Promise<readonly Way[]> {
  const places = await transports.targetsOf(nextHop)
  return places.map((next) => ({ uri, routes, next }))
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

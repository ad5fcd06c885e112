/**
 * The target set (RFC 3261 §16.5): from bindings to ways.
 *
 * A target is one phone. It has one or more ways, which are tried one after
 * the other while they prove to lead nowhere.
 */
import { Params, parseNameAddress, SipUri } from "../message/index.ts"
import type { Binding } from "../registrar/location-service.ts"
import { destinationOf } from "./local-addresses.ts"
import type { RouteComponents } from "./own-routes.ts"

/** One way to a phone: Request-URI, Routes before those that the request has, and the flow where it is ours to choose. */
export interface Way {
  readonly uri: string
  readonly routes: readonly string[]
  /** Undefined: where the first Route or else the URI leads. */
  readonly flowKey: string | undefined
}

export interface Target {
  readonly qThousandths: number
  readonly ways: readonly Way[]
}

export interface TargetOptions {
  /** Whether a phone whose peer cannot be reached is tried at the IP address in its contact. */
  readonly directFallback: boolean
}

/** The targets, preferred first. Contacts that are no SIP URI lead nowhere for a proxy and are left out. */
export function targetsOf(bindings: readonly Binding[], components: RouteComponents, options: TargetOptions): readonly Target[] {
  const targets = new Map<string, Target>()
  for (const [index, binding] of bindings.entries()) {
    const uri = SipUri.tryParse(binding.contact)
    if (!uri?.isSip) continue
    const ways = waysTo(binding, uri, components, options)
    if (ways.length === 0) continue
    // RFC 5626 §4.2.1, §7: several flows of one instance are alternatives, not a fork.
    const phone = instanceOf(binding) ?? `#${index}`
    const known = targets.get(phone)
    const qThousandths = Math.max(binding.qThousandths, known?.qThousandths ?? 0)
    targets.set(phone, { qThousandths, ways: known ? [...known.ways, ...ways] : ways })
  }
  return [...targets.values()].sort((a, b) => b.qThousandths - a.qThousandths)
}

function waysTo({ contact, path }: Binding, uri: SipUri, components: RouteComponents, options: TargetOptions): readonly Way[] {
  const destination = destinationOf(uri)
  const isDirect = destination !== undefined && destination.protocol !== "P2P"
  const direct: Way = { uri: contact, routes: [], flowKey: undefined }
  if (path.length === 0) return isDirect ? [direct] : []
  const ways: Way[] = []
  const along = alongPath(contact, path, components)
  if (along) ways.push(along)
  // Behind a further proxy the address in the contact means nothing to us.
  const isPlain = destination?.protocol === "UDP" || destination?.protocol === "TCP"
  if (options.directFallback && path.length === 1 && isPlain) ways.push(direct)
  return ways
}

/** Where the first hop is this peer itself, its token gives the flow at once. Undefined for a Path that leads nowhere. */
function alongPath(contact: string, path: readonly string[], { domains, flowTokens }: RouteComponents): Way | undefined {
  const first = uriOf(path[0] ?? "")
  if (!first) return undefined
  if (!domains.isOurs(first)) return { uri: contact, routes: path, flowKey: undefined }
  const flowKey = first.user === undefined ? undefined : flowTokens.keyOf(first.user)
  return flowKey === undefined ? undefined : { uri: contact, routes: path.slice(1), flowKey }
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

/** The target set (RFC 3261 §16.5): where a request goes, and who may send it there. Throws Refusals. */
import { isIP } from "node:net"
import { isP2PSipError } from "../../errors.ts"
import type { Runtime } from "../../runtime/runtime.ts"
import { type Soon, whenKnown } from "../../soon.ts"
import type { SipRequest, SipUri } from "../message/index.ts"
import type { Authenticator } from "../registrar/authenticator.ts"
import type { Gruus, GruuTarget } from "../registrar/gruus.ts"
import type { Binding, LocationService } from "../registrar/location-service.ts"
import { refuse, Refusal } from "../registrar/refusal.ts"
import { requirePossible } from "../registrar/served-domains.ts"
import { bareHost, isOverlayHost } from "../transport/index.ts"
import type { Gateways } from "./gateways.ts"
import { topRoute, type KnownFlow, type OwnRoutes, type RouteComponents } from "./own-routes.ts"
import { Redirects } from "./redirects.ts"
import { asRequestUri, targetsOf, waysToPlaces, type Target, type Way } from "./targets.ts"

export interface DestinationComponents extends RouteComponents {
  readonly runtime: Runtime
  readonly location: LocationService
  readonly authenticator?: Authenticator | undefined
  readonly gateways: Gateways
  /** Without them a GRUU is a URI like any other. */
  readonly gruus?: Gruus | undefined
}

export interface DestinationOptions {
  readonly directFallback: boolean
  /** Contacts of 3xx responses that are followed for one request. */
  readonly maxRedirects: number
  readonly retryAfterSeconds: number
}

/** Where a request goes. */
export interface Destination {
  readonly targets: readonly Target[]
  /**
   * What it counts as when a way leads nowhere: 430 along a flow, 480 where
   * the phone was looked up, 500 abroad. Never 503: phones would take that for
   * the whole peer, and turn away from it (RFC 3261 §16.7 step 6).
   */
  readonly unreachableStatus: number
  /** Follows the 3xx of its branches; undefined where that is the caller's business. */
  readonly redirects?: Redirects
}

/** A request with our own Routes taken off. */
export interface RoutedRequest {
  readonly base: SipRequest
  readonly routes: OwnRoutes
  /** Whether it may leave for other people's domains. */
  readonly mayLeave: boolean
}

/** See the head of this file. */
export class Destinations {
  readonly #components: DestinationComponents
  readonly #options: DestinationOptions

  constructor(components: DestinationComponents, options: DestinationOptions) {
    this.#components = components
    this.#options = options
  }

  of({ base, routes, mayLeave }: RoutedRequest): Soon<Destination> {
    // RFC 5626 §5.3: as edge proxy, along the flow and no other way.
    if (routes.edgeFlow !== undefined) return oneTarget(430, waysOn(base, routes.edgeFlow))
    const nextRoute = topRoute(base)
    if (routes.dialogFlow !== undefined) return whenKnown(this.#waysInDialog(base, routes, nextRoute), (ways) => oneTarget(430, ways))
    // The token for the side of the overlay leads to another peer, and nowhere else.
    if (nextRoute && routes.isInDialog && isOverlayHost(nextRoute.host)) {
      return whenKnown(waysToPlaces(base, { uri: base.uri, nextHop: nextRoute }, this.#components), (ways) => oneTarget(430, ways))
    }
    if (nextRoute) {
      if (!mayLeave) throw refuse(403, "Not A Relay: Route To Others")
      return this.#abroad(base, [nextRoute])
    }
    const requestUri = this.#readNumber(base)
    if (this.#isGruu(requestUri)) return this.#deviceAt(requestUri, base).then((targets) => ({ targets, unreachableStatus: 480 }))
    const addressOfRecord = this.#components.domains.addressOfRecord(requestUri)
    if (addressOfRecord !== undefined) return this.#atHome(base, addressOfRecord, mayLeave)
    if (!mayLeave) throw refuse(403, "Not A Relay: Domain Not Served")
    return this.#abroad(base, this.#components.gateways.forOthers(requestUri) ?? [requestUri])
  }

  /** The Request-URI, from here on a SIP URI: a telephone number belongs to the domain of its caller. */
  #readNumber(base: SipRequest): SipUri {
    const { requestUri } = base
    const sip = this.#components.domains.asSip(requestUri, base.from.parsedUri)
    if (sip === undefined) throw refuse(416, "Unsupported URI Scheme")
    if (sip !== requestUri) base.uri = sip.toString()
    return sip
  }

  /** To the other side of a dialog: along its flow, and where else it may be found. */
  #waysInDialog(base: SipRequest, routes: OwnRoutes, nextRoute: SipUri | undefined): Soon<readonly Way[]> {
    const along = waysOn(base, routes.dialogFlow)
    return whenKnown(this.#isGruu(base.requestUri) ? this.#waysToRemoteTarget(base) : [], (device) => {
      const [contact] = device
      if (contact === undefined) {
        // Also for a GRUU that no longer counts: the phone that gave it may still be at the other end of the flow.
        return whenKnown(this.#besideFlow(base, routes, nextRoute ?? base.requestUri), (beside) => [...along, ...beside])
      }
      const toContact = along.map((way) => ({ ...way, uri: contact.uri }))
      // RFC 5627 §6.1: where the dialog has Routes of its own the Path does not count.
      return nextRoute === undefined ? [...device, ...toContact] : toContact
    })
  }

  async #waysToRemoteTarget(base: SipRequest): Promise<readonly Way[]> {
    try {
      return (await this.#deviceAt(base.requestUri, base)).flatMap(({ ways }) => ways)
    } catch (error) {
      if (error instanceof Refusal) return []
      throw error
    }
  }

  /**
   * Where else the other end of a dialog's flow may be: a phone that has lost
   * its connection may listen. Only at the address that the flow had, or a
   * token would open the way to everybody; and without the DNS while there is
   * a flow: a BYE must not wait for the name in a phone's Contact.
   */
  #besideFlow(base: SipRequest, { dialogFlow, dialogHost }: OwnRoutes, nextHop: SipUri): Soon<readonly Way[]> {
    if (dialogFlow !== "gone" && isIP(bareHost(nextHop.host)) === 0) return []
    const ways = this.#ask(waysToPlaces(base, { uri: base.uri, nextHop }, this.#components))
    return whenKnown(ways, (known) => known.filter(({ next }) => !("send" in next) && next.host === dialogHost))
  }

  /** To other people's domains, by the first of these next hops that works. */
  async #abroad(base: SipRequest, nextHops: readonly SipUri[]): Promise<Destination> {
    const ways: Way[] = []
    for (const nextHop of nextHops) ways.push(...(await this.#ask(waysToPlaces(base, { uri: base.uri, nextHop }, this.#components))))
    if (ways.length === 0) throw refuse(404, "No Server For That Domain")
    return oneTarget(500, ways)
  }

  /** RFC 3261 §21.5.5: the DNS is an external server that this one needs. */
  #ask<Result>(answer: Soon<Result>): Soon<Result> {
    if (!(answer instanceof Promise)) return answer
    return answer.catch((error: unknown) => {
      if (isP2PSipError(error, "P2PSIP_TIMEOUT") || isP2PSipError(error, "P2PSIP_UNREACHABLE")) throw refuse(504, "DNS Does Not Answer")
      if (isP2PSipError(error, "P2PSIP_LIMIT")) throw this.#notNow()
      throw error
    })
  }

  async #atHome(base: SipRequest, addressOfRecord: string, mayLeave: boolean): Promise<Destination> {
    requirePossible(addressOfRecord)
    const { requestUri } = base
    const gateways = mayLeave ? this.#components.gateways.forOurs(domainIn(addressOfRecord), requestUri) : undefined
    if (!(await this.#isKnown(requestUri.decodedUser ?? "", domainIn(addressOfRecord)))) {
      if (gateways === undefined) throw refuse(404, "Not Found")
      return this.#abroad(base, gateways)
    }
    const targets = await this.#phonesOf(addressOfRecord, base)
    const isNobodys = targets.length === 0 && this.#components.authenticator === undefined
    if (isNobodys && gateways !== undefined) return this.#abroad(base, gateways)
    return { targets, unreachableStatus: 480, redirects: this.#redirectsOf(base, mayLeave) }
  }

  async #isKnown(user: string, domain: string): Promise<boolean> {
    try {
      return (await this.#components.authenticator?.knows(user, domain)) ?? true
    } catch (error) {
      throw this.away(error)
    }
  }

  async #phonesOf(addressOfRecord: string, request: SipRequest): Promise<readonly Target[]> {
    let bindings: readonly Binding[]
    try {
      bindings = await this.#components.location.lookup(addressOfRecord)
    } catch (error) {
      throw this.away(error)
    }
    return this.#targetsOf(bindings, request)
  }

  #targetsOf(bindings: readonly Binding[], request: SipRequest): Promise<readonly Target[]> {
    const { directFallback } = this.#options
    return targetsOf(bindings, this.#components, { directFallback, isSips: request.requestUri.isSips, request })
  }

  #isGruu(uri: SipUri): boolean {
    return this.#components.gruus?.isGruu(uri) === true
  }

  /** RFC 5627 §6.1: the one device that a GRUU means, by its contact that was refreshed last, then by the one before. */
  async #deviceAt(gruu: SipUri, request: SipRequest): Promise<readonly Target[]> {
    let found: GruuTarget | undefined
    try {
      found = await this.#components.gruus?.resolve(gruu)
    } catch (error) {
      throw this.away(error)
    }
    if (found === undefined || !(await this.#isKnown(userIn(found.addressOfRecord), domainIn(found.addressOfRecord)))) throw refuse(404, "Not Found")
    const contacts = found.bindings.map((binding) => ({ ...binding, qThousandths: 1000 }))
    const targets = await this.#targetsOf(contacts, request)
    return oneTarget(480, targets.flatMap(({ ways }) => ways)).targets
  }

  /** §16.5: only for a resource that is ours may a proxy add targets. Elsewhere it goes for whoever may send it there anyway. */
  #redirectsOf(base: SipRequest, mayLeave: boolean): Redirects {
    const { domains, gateways } = this.#components
    const { isSips } = base.requestUri
    const nameOf = (uri: SipUri): string => (this.#isGruu(uri) ? undefined : domains.addressOfRecord(uri)) ?? uri.toString().toLowerCase()
    const targetsAt = (uri: SipUri): Promise<readonly Target[]> | undefined => {
      if (isSips && !uri.isSips) return undefined
      if (this.#isGruu(uri)) return this.#deviceAt(uri, base)
      const addressOfRecord = domains.addressOfRecord(uri)
      if (addressOfRecord !== undefined) return this.#phonesOrNumber(addressOfRecord, uri, base, mayLeave)
      if (!mayLeave || domains.isOurs(uri)) return undefined
      return this.#placesOf(gateways.forOthers(uri) ?? [uri], uri, base)
    }
    const asSip = (uri: SipUri): SipUri | undefined => domains.asSip(uri, base.from.parsedUri)
    return new Redirects({ asSip, nameOf, targetsOf: targetsAt }, base.requestUri, this.#options.maxRedirects)
  }

  /** Somebody sends the call on to a user of ours, or to a number that is nobody's here. */
  async #phonesOrNumber(addressOfRecord: string, uri: SipUri, base: SipRequest, mayLeave: boolean): Promise<readonly Target[]> {
    requirePossible(addressOfRecord)
    const phones = await this.#phonesOf(addressOfRecord, base)
    const domain = domainIn(addressOfRecord)
    const hops = mayLeave && phones.length === 0 ? this.#components.gateways.forOurs(domain, uri) : undefined
    const isNumber = hops !== undefined && (this.#components.authenticator === undefined || !(await this.#isKnown(uri.decodedUser ?? "", domain)))
    if (isNumber) return this.#placesOf(hops, uri, base)
    // The caller may have a way of his own to a number.
    if (phones.length === 0 && uri.params.get("user") === "phone") throw refuse(404, "Not Found")
    return phones
  }

  async #placesOf(hops: readonly SipUri[], uri: SipUri, base: SipRequest): Promise<readonly Target[]> {
    const text = asRequestUri(uri.toString(), uri, base.requestUri)
    const ways = await Promise.all(hops.map(async (nextHop) => waysToPlaces(base, { uri: text, nextHop }, this.#components)))
    return oneTarget(500, ways.flat()).targets
  }

  /** Where something about a user cannot be found out just now. */
  away(error: unknown): Refusal {
    // A peer that leaves says so itself.
    if (!isP2PSipError(error, "P2PSIP_NOT_OPEN")) this.#components.runtime.log.warn({ error }, "a user could not be looked up")
    return this.#notNow()
  }

  #notNow(): Refusal {
    const seconds = Math.ceil(this.#options.retryAfterSeconds * (1 + this.#components.runtime.random.float()))
    return refuse(503, "Service Unavailable", [["Retry-After", String(seconds)]])
  }
}

function oneTarget(unreachableStatus: number, ways: readonly Way[]): Destination {
  return { targets: ways.length === 0 ? [] : [{ qThousandths: 1000, ways }], unreachableStatus }
}

function waysOn({ uri }: SipRequest, flow: KnownFlow | undefined): readonly Way[] {
  return flow === undefined || flow === "gone" ? [] : [{ uri, routes: [], next: flow, isHop: false }]
}

function userIn(addressOfRecord: string): string {
  return addressOfRecord.slice("sip:".length, addressOfRecord.lastIndexOf("@"))
}

function domainIn(addressOfRecord: string): string {
  return addressOfRecord.slice(addressOfRecord.lastIndexOf("@") + 1)
}

/**
 * The proxy (RFC 3261 §16): stateful, forking, record-routing, edge proxy of
 * the phones whose flows this peer holds (RFC 5626 §5).
 */
import { isP2PSipError } from "../../errors.ts"
import type { Counter, Runtime } from "../../runtime/runtime.ts"
import { type Soon, whenKnown } from "../../soon.ts"
import { createResponse, reasonPhrase, SipRequest, SipSyntaxError } from "../message/index.ts"
import type { SipMessage, SipUri } from "../message/index.ts"
import type { Authenticator } from "../registrar/authenticator.ts"
import type { Gruus } from "../registrar/gruus.ts"
import type { LocationService } from "../registrar/location-service.ts"
import { Refusal, refuse } from "../registrar/refusal.ts"
import type { HeaderList } from "../registrar/refusal.ts"
import type { ClientHandlers, ClientTransaction, ServerTransaction, TransactionLayer } from "../transaction/index.ts"
import { isSecure } from "../transport/index.ts"
import type { Flow } from "../transport/index.ts"
import { dropUnprovedIdentities } from "./asserted-identities.ts"
import { authorize, consumeCredentials } from "./authorization.ts"
import { Destinations, type Destination } from "./destinations.ts"
import { prepare, recordRoute } from "./forwarding.ts"
import { Gateways, type Gateway } from "./gateways.ts"
import { loopHash } from "./loop-detection.ts"
import { overMedia, type MediaPath } from "./media-path.ts"
import { takeOwnRoutes } from "./own-routes.ts"
import type { OwnRoutes, RouteComponents } from "./own-routes.ts"
import { ProxiedRequest } from "./proxied-request.ts"
import type { Dispatch, ForwardingComponents } from "./proxied-request.ts"
import { widestRank } from "./targets.ts"
import type { Target, Way } from "./targets.ts"
import { breadthOf, requireHops, validate } from "./validation.ts"

/** Who answers in the place of phones what is asked about their users: a port, which `sip/events` implements. */
export interface Notifier {
  /** Which requests and which events it answers. */
  readonly abilities: { readonly methods: readonly string[]; readonly events: readonly string[] }
  /** Whether a request is of a subscription here: no credentials are asked for. */
  isOwn(request: SipRequest): boolean
  /** Whether a request is for it otherwise. */
  takes(request: SipRequest): boolean
  /** Answers one of these. Rejects with a Refusal or a SipSyntaxError. */
  accept(server: ServerTransaction, request: SipRequest): Promise<void>
}

/** What the proxy is built on. `transports` are those of the layer. */
export interface ProxyComponents extends RouteComponents {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly location: LocationService
  /** Without one, anybody may call in anybody's name. */
  readonly authenticator?: Authenticator | undefined
  /** Without them a GRUU is a URI like any other. */
  readonly gruus?: Gruus | undefined
  /** Without one the phones are asked themselves. */
  readonly notifier?: Notifier | undefined
  /** Without one, phones send their media to each other. */
  readonly media?: MediaPath | undefined
}

/** What a user may choose about the proxy. */
export interface ProxyOptions {
  /** Timer C: how long a callee may ring without a new provisional response; more than three minutes. @default 190000 */
  readonly timerCMs?: number
  /**
   * How long the peer of a phone may be silent on an INVITE before the phone's
   * own address is tried; a working peer sends a 100 after 200 ms. @default 2000
   */
  readonly silenceMs?: number
  /** The same for other requests, where the 100 comes after 3,500 ms (RFC 4320 §4.1). @default 5000 */
  readonly nonInviteSilenceMs?: number
  /** Whether phones whose peer cannot be reached are tried at the IP address in their contact. @default true */
  readonly directFallback?: boolean
  /** Branches of one request at a time (RFC 5393). @default 60 */
  readonly maxBreadth?: number
  /** What a 503 tells the phone; up to as much again is added at random. @default 5 */
  readonly retryAfterSeconds?: number
  /** How long the phones of one q may ring while those of a lower q wait. @default 20000 */
  readonly ringMs?: number
  /** How long one of several servers of another domain may be silent on an INVITE. @default 4000 */
  readonly hopSilenceMs?: number
  /** Contacts of 3xx responses that are followed for one request; 0 leaves them to the caller. @default 5 */
  readonly maxRedirects?: number
  /** Next hops for domains, instead of what the DNS says. @default none */
  readonly gateways?: readonly Gateway[]
  /**
   * Whose requests may leave for other people's domains: of users who have
   * proved who they are, of nobody, or of everybody, which makes an open relay.
   * @default "users"
   */
  readonly relayFor?: "users" | "nobody" | "everybody"
}

/** RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086. */
const knownMethods: ReadonlySet<string> = new Set(
  ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE"],
)

/** A request in the making. */
interface Work {
  readonly request: SipRequest
  readonly flow: Flow
  /** Without our own Routes. */
  readonly base: SipRequest
  readonly routes: OwnRoutes
  readonly ownHash: string
}

/** See the head of this file. */
export class SipProxy {
  readonly #components: ProxyComponents
  readonly #forwarding: ForwardingComponents
  readonly #gateways: Gateways
  readonly #destinations: Destinations
  readonly #maxBreadth: number
  readonly #relayFor: "users" | "nobody" | "everybody"
  readonly #refusals = new Map<number, Counter>()
  readonly #dropped: Counter
  readonly #branches: Counter

  constructor(components: ProxyComponents, options: ProxyOptions = {}) {
    this.#components = components
    const times = {
      timerCMs: options.timerCMs ?? 190_000,
      silenceMs: options.silenceMs ?? 2000,
      nonInviteSilenceMs: options.nonInviteSilenceMs ?? 5000,
      hopSilenceMs: options.hopSilenceMs ?? 4000,
      ringMs: options.ringMs ?? 20_000,
    }
    this.#forwarding = { runtime: components.runtime, times, suspect: (way) => this.#suspect(way), newTag: () => this.#newTag() }
    this.#gateways = new Gateways(options.gateways ?? [])
    this.#destinations = new Destinations({ ...components, gateways: this.#gateways }, {
      directFallback: options.directFallback ?? true,
      maxRedirects: options.maxRedirects ?? 5,
      retryAfterSeconds: options.retryAfterSeconds ?? 5,
    })
    this.#maxBreadth = options.maxBreadth ?? 60
    this.#relayFor = options.relayFor ?? "users"
    const { metrics } = components.runtime
    this.#dropped = metrics.counter("p2psip_proxy_dropped_total", "Stray responses and ACKs that lead nowhere")
    this.#branches = metrics.counter("p2psip_proxy_branches_total", "Requests sent on by the proxy")
  }

  /** Takes a request. Fits `TransactionLayer.onRequest`. */
  handle(server: ServerTransaction): void {
    try {
      const routed = this.#route(server)
      if (routed instanceof Promise) routed.catch((error: unknown) => this.#refuse(server, error))
    } catch (error) {
      this.#refuse(server, error)
    }
  }

  /** Takes an ACK for a 2xx; drops stray responses (RFC 6026 §8.7). Fits `TransactionLayer.onStray`. */
  handleStray(message: SipMessage, flow: Flow): void {
    if (!(message instanceof SipRequest) || message.method !== "ACK") {
      this.#dropped.add()
      return
    }
    const drop = (error: unknown): void => {
      this.#dropped.add()
      this.#components.runtime.log.debug({ error }, "an ACK leads nowhere")
    }
    try {
      const forwarded = this.#forwardAck(message, flow)
      if (forwarded instanceof Promise) forwarded.catch(drop)
    } catch (error) {
      drop(error)
    }
  }

  #route(server: ServerTransaction): Soon<void> {
    const { request, flow } = server
    const work = this.#check(request, flow)
    const { authenticator, domains, notifier } = this.#components
    if (this.#isForUs(work)) {
      this.#answerForUs(server)
      return
    }
    if (notifier?.isOwn(work.base) === true) return notifier.accept(server, work.base)
    requireHops(request)
    const isTrusted = work.routes.isInDialog || flow.transport.protocol === "P2P" || this.#isGateway(request.from.parsedUri, flow)
    const away = (error: unknown): Refusal => this.#destinations.away(error)
    return whenKnown(authorize(request, flow, { authenticator, domains, isTrusted, away }), () => {
      // Another peer would have answered it itself; who has not proved who he is by a password is told nothing here.
      if (!isTrusted && notifier?.takes(work.base) === true) return notifier.accept(server, work.base)
      this.#dropUnprovedIdentities(work)
      const breadth = breadthOf(request, this.#maxBreadth)
      const destination = this.#destinations.of({ ...work, mayLeave: this.#mayLeave(request, isTrusted) })
      return whenKnown(destination, (found) => this.#forward(server, work, breadth, found))
    })
  }

  /** §16.6: to all targets, as many at a time as it may be forked into. */
  #forward(server: ServerTransaction, work: Work, breadth: number, { targets, unreachableStatus, redirects }: Destination): void {
    if (targets.length === 0) throw refuse(unreachableStatus, reasonPhrase(unreachableStatus))
    const maxParallel = Math.min(breadth, widestRank(targets))
    work.base.headers.set("Max-Breadth", String(Math.floor(breadth / maxParallel)))
    const plan = { targets, maxParallel, unreachableStatus }
    const dispatch: Dispatch = {
      send: (way, handlers) => this.#send(work, way, handlers),
      redirect: (response) => redirects?.follow(response),
    }
    new ProxiedRequest(this.#forwarding, server, dispatch, plan).start()
  }

  /** Whether a request comes from a gateway that we trust to speak for that name. */
  #isGateway(name: SipUri, { remote }: Flow): boolean {
    if (this.#gateways.isEmpty) return false
    const domain = this.#components.domains.domainOf(name)
    return domain !== undefined && this.#gateways.speaksFor(domain, name, remote.host)
  }

  /** Where nobody has a password, nobody can prove anything; what another peer passes on, it has judged. */
  #dropUnprovedIdentities({ base, flow }: Work): void {
    const { authenticator, domains } = this.#components
    if (authenticator === undefined || flow.transport.protocol === "P2P") return
    dropUnprovedIdentities(base, domains, (name) => this.#isGateway(name, flow))
  }

  /** Who has passed `authorize` without being trusted, and calls as one of our users, is that user. */
  #mayLeave(request: SipRequest, isTrusted: boolean): boolean {
    const { authenticator, domains } = this.#components
    if (this.#relayFor !== "users") return this.#relayFor === "everybody"
    return authenticator !== undefined && !isTrusted && domains.domainOf(request.from.parsedUri) !== undefined
  }

  #suspect({ isHop, next }: Way): void {
    if (isHop && !("send" in next)) this.#components.transports.suspect(next)
  }

  /** §16.6. What other elements have written into Path or Route may turn out unusable only here. */
  #send(work: Work, way: Way, handlers: ClientHandlers): ClientTransaction | undefined {
    const { runtime, layer, transports, dialogTokens, media } = this.#components
    try {
      const outgoing = prepare(work.base, way, transports)
      if (!outgoing) return undefined
      recordRoute(outgoing, work.flow, dialogTokens)
      media?.pass(outgoing.request, work.flow, outgoing.flow)
      this.#branches.add()
      return layer.request(outgoing.request, outgoing.flow, media ? overMedia(media, work.flow, outgoing.flow, handlers) : handlers, { branchSuffix: work.ownHash })
    } catch (error) {
      runtime.log.debug({ error }, "a request cannot go along its way")
      return undefined
    }
  }

  /** §16.3 and §16.4. */
  #check(request: SipRequest, flow: Flow): Work {
    const { authenticator, domains, transports } = this.#components
    const ownHash = loopHash(request)
    const hasTls = (transports.transportFor("TLS") ?? transports.transportFor("WSS")) !== undefined
    validate(request, ownHash, { isLocalAddress: domains.isLocalAddress, hasTls })
    const base = request.clone()
    const routes = takeOwnRoutes(base, flow, this.#components)
    consumeCredentials(base, { authenticator, domains })
    // RFC 5630: a promise that is broken already cannot be kept. Calls that are up must still be hung up.
    const isBroken = request.requestUri.isSips && !isSecure(flow.transport.protocol)
    if (isBroken && !routes.isInDialog) throw refuse(403, "SIPS Over Insecure Transport")
    return { request, flow, base, routes, ownHash }
  }

  /** §16.11, §16.6: an ACK for a 2xx is a request without a transaction. */
  #forwardAck(ack: SipRequest, flow: Flow): Soon<void> {
    requireHops(ack)
    const work = this.#check(ack, flow)
    return whenKnown(this.#destinations.of({ ...work, mayLeave: false }), ({ targets }) => this.#sendAck(work, targets))
  }

  #sendAck(work: Work, targets: readonly Target[]): void {
    const { layer, transports, media } = this.#components
    let sent = 0
    for (const { ways } of targets.slice(0, this.#maxBreadth)) {
      for (const way of ways) {
        const outgoing = prepare(work.base, way, transports)
        if (!outgoing) continue
        media?.pass(outgoing.request, work.flow, outgoing.flow)
        layer.sendStateless(outgoing.request, outgoing.flow, { branchSuffix: work.ownHash })
        sent++
        break
      }
    }
    if (sent === 0) this.#dropped.add()
  }

  /** A request without a user part, to one of our domains or listeners, and with nowhere else to go. */
  #isForUs({ base, routes }: Work): boolean {
    if (routes.edgeFlow !== undefined || routes.dialogFlow !== undefined || base.headers.has("Route")) return false
    return base.requestUri.user === undefined && this.#components.domains.isOurs(base.requestUri)
  }

  /** §11.2: OPTIONS to a proxy asks what it can do; phones use it to see whether it is there. */
  #answerForUs(server: ServerTransaction): void {
    // §21.4.6, §21.5.2: a method that is not for us, and one that we do not even know.
    const status = server.method === "OPTIONS" ? 200 : knownMethods.has(server.method) ? 405 : 501
    this.#count(status).add()
    const { methods = [], events = [] } = this.#components.notifier?.abilities ?? {}
    const headers: HeaderList = [
      ["Allow", ["OPTIONS", "REGISTER", ...methods].join(", ")],
      ...(events.length === 0 ? [] : [["Allow-Events", events.join(", ")] as const]),
      ["Accept", "application/sdp"],
      ["Supported", "path"],
    ]
    server.respond(createResponse(server.request, status, undefined, { toTag: this.#newTag(), headers }))
  }

  #refuse(server: ServerTransaction, error: unknown): void {
    const refusal = this.#refusalFor(error)
    this.#count(refusal.status).add()
    server.respond(refusal.toResponse(server.request, this.#newTag()))
  }

  #refusalFor(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    if (error instanceof SipSyntaxError) return refuse(error.status, error.reason)
    if (isP2PSipError(error, "P2PSIP_LIMIT")) return refuse(400, "Too Many Header Fields")
    this.#components.runtime.log.error({ error }, "the proxy failed on a request")
    return refuse(500, "Server Internal Error")
  }

  #count(status: number): Counter {
    let counter = this.#refusals.get(status)
    if (!counter) {
      const labels = { status: String(status) }
      counter = this.#components.runtime.metrics.counter("p2psip_proxy_answers_total", "Requests that the proxy answered itself", labels)
      this.#refusals.set(status, counter)
    }
    return counter
  }

  #newTag(): string {
    return Buffer.from(this.#components.runtime.random.bytes(8)).toString("hex")
  }
}

/**
 * The proxy (RFC 3261 §16): stateful, forking, record-routing, edge proxy of
 * the phones whose flows this peer holds (RFC 5626 §5).
 */
import { isP2PSipError } from "../../errors.ts"
import type { Counter, Runtime } from "../../runtime/runtime.ts"
import { createResponse, reasonPhrase, SipRequest, SipSyntaxError } from "../message/index.ts"
import type { SipMessage, SipUri } from "../message/index.ts"
import type { Authenticator } from "../registrar/authenticator.ts"
import type { Binding, LocationService } from "../registrar/location-service.ts"
import { Refusal, refuse } from "../registrar/refusal.ts"
import type { HeaderList } from "../registrar/refusal.ts"
import type { ClientHandlers, ClientTransaction, ServerTransaction, TransactionLayer } from "../transaction/index.ts"
import { isSecure } from "../transport/index.ts"
import type { Flow } from "../transport/index.ts"
import { authorize } from "./authorization.ts"
import { prepare, recordRoute } from "./forwarding.ts"
import { loopHash } from "./loop-detection.ts"
import { takeOwnRoutes, topRoute } from "./own-routes.ts"
import type { KnownFlow, OwnRoutes, RouteComponents } from "./own-routes.ts"
import { ProxiedRequest } from "./proxied-request.ts"
import type { ForwardingTimes } from "./proxied-request.ts"
import { targetsOf, waysToPlaces } from "./targets.ts"
import type { Target, Way } from "./targets.ts"
import { breadthOf, validate } from "./validation.ts"

/** What the proxy is built on. `transports` are those of the layer. */
export interface ProxyComponents extends RouteComponents {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly location: LocationService
  /** Without one, anybody may call in anybody's name. */
  readonly authenticator?: Authenticator | undefined
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
}

/** Where a request goes. */
interface Destinations {
  readonly targets: readonly Target[]
  readonly unreachableStatus: number
}

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
  readonly #times: ForwardingTimes
  readonly #directFallback: boolean
  readonly #maxBreadth: number
  readonly #retryAfterSeconds: number
  readonly #refusals = new Map<number, Counter>()
  readonly #dropped: Counter
  readonly #branches: Counter

  constructor(components: ProxyComponents, options: ProxyOptions = {}) {
    this.#components = components
    this.#times = {
      timerCMs: options.timerCMs ?? 190_000,
      silenceMs: options.silenceMs ?? 2000,
      nonInviteSilenceMs: options.nonInviteSilenceMs ?? 5000,
    }
    this.#directFallback = options.directFallback ?? true
    this.#maxBreadth = options.maxBreadth ?? 60
    this.#retryAfterSeconds = options.retryAfterSeconds ?? 5
    const { metrics } = components.runtime
    this.#dropped = metrics.counter("p2psip_proxy_dropped_total", "Stray responses and ACKs that lead nowhere")
    this.#branches = metrics.counter("p2psip_proxy_branches_total", "Requests sent on by the proxy")
  }

  /** Takes a request. Fits `TransactionLayer.onRequest`. */
  handle(server: ServerTransaction): void {
    this.#route(server).catch((error: unknown) => this.#refuse(server, error))
  }

  /** Takes an ACK for a 2xx; drops stray responses (RFC 6026 §8.7). Fits `TransactionLayer.onStray`. */
  handleStray(message: SipMessage, flow: Flow): void {
    if (!(message instanceof SipRequest) || message.method !== "ACK") {
      this.#dropped.add()
      return
    }
    this.#forwardAck(message, flow).catch((error: unknown) => {
      this.#dropped.add()
      this.#components.runtime.log.debug({ error }, "an ACK leads nowhere")
    })
  }

  async #route(server: ServerTransaction): Promise<void> {
    const { request, flow } = server
    const work = this.#check(request, flow)
    const { authenticator, domains } = this.#components
    if (this.#isForUs(work)) {
      this.#answerForUs(server)
      return
    }
    const isTrusted = work.routes.isInDialog || flow.transport.protocol === "P2P"
    await authorize(request, flow, { authenticator, domains, isTrusted })
    const breadth = breadthOf(request, this.#maxBreadth)
    const { targets, unreachableStatus } = await this.#destinations(work)
    if (targets.length === 0) throw refuse(unreachableStatus, reasonPhrase(unreachableStatus))
    const maxParallel = Math.min(breadth, targets.length)
    work.base.headers.set("Max-Breadth", String(Math.floor(breadth / maxParallel)))
    const plan = { targets, maxParallel, unreachableStatus, toTag: this.#newTag() }
    const send = (way: Way, handlers: ClientHandlers) => this.#send(work, way, handlers)
    const forwarding = new ProxiedRequest({ runtime: this.#components.runtime, times: this.#times, send }, server, plan)
    forwarding.start()
  }

  /** §16.6. What other elements have written into Path or Route may turn out unusable only here. */
  #send(work: Work, way: Way, handlers: ClientHandlers): ClientTransaction | undefined {
    const { runtime, layer, transports, dialogTokens } = this.#components
    try {
      const outgoing = prepare(work.base, way, transports)
      if (!outgoing) return undefined
      recordRoute(outgoing, work.flow, dialogTokens)
      this.#branches.add()
      return layer.request(outgoing.request, outgoing.flow, handlers, { branchSuffix: work.ownHash })
    } catch (error) {
      runtime.log.debug({ error }, "a request cannot go along its way")
      return undefined
    }
  }

  /** §16.3 and §16.4. */
  #check(request: SipRequest, flow: Flow): Work {
    const { domains, transports } = this.#components
    const ownHash = loopHash(request)
    const hasTls = (transports.transportFor("TLS") ?? transports.transportFor("WSS")) !== undefined
    validate(request, ownHash, { isLocalAddress: domains.isLocalAddress, hasTls })
    const base = request.clone()
    const routes = takeOwnRoutes(base, this.#components)
    // RFC 5630: a promise that is broken already cannot be kept. Calls that are up must still be hung up.
    const isBroken = request.requestUri.isSips && !isSecure(flow.transport.protocol)
    if (isBroken && !routes.isInDialog) throw refuse(403, "SIPS Over Insecure Transport")
    return { request, flow, base, routes, ownHash }
  }

  /** §16.5. */
  async #destinations({ base, routes }: Work): Promise<Destinations> {
    // RFC 5626 §5.3: as edge proxy, along the flow and no other way.
    if (routes.edgeFlow !== undefined) return oneTarget(430, waysOn(base, routes.edgeFlow))
    const nextRoute = topRoute(base)
    if (routes.isInDialog && (routes.dialogFlow !== undefined || nextRoute)) {
      const onward = await waysToPlaces(base.uri, [], nextRoute ?? base.requestUri, this.#components)
      return oneTarget(503, [...waysOn(base, routes.dialogFlow), ...onward])
    }
    if (nextRoute) throw refuse(403, "Not A Relay: Route To Others")
    const { requestUri } = base
    const addressOfRecord = this.#components.domains.addressOfRecord(requestUri)
    if (addressOfRecord !== undefined) return this.#lookUp(addressOfRecord, requestUri)
    if (!routes.isInDialog) throw refuse(403, "Not A Relay: Domain Not Served")
    return oneTarget(503, await waysToPlaces(base.uri, [], requestUri, this.#components))
  }

  async #lookUp(addressOfRecord: string, { decodedUser = "", isSips }: SipUri): Promise<Destinations> {
    const { location, authenticator } = this.#components
    const domain = addressOfRecord.slice(addressOfRecord.lastIndexOf("@") + 1)
    let bindings: readonly Binding[]
    try {
      const isKnown = authenticator?.knows(decodedUser, domain) ?? true
      if (!(await isKnown)) throw refuse(404, "Not Found")
      bindings = await location.lookup(addressOfRecord)
    } catch (error) {
      if (error instanceof Refusal) throw error
      // A peer that leaves says so itself.
      if (!isP2PSipError(error, "P2PSIP_NOT_OPEN")) this.#components.runtime.log.warn({ error }, "a user could not be looked up")
      throw this.#notNow()
    }
    const targets = await targetsOf(bindings, this.#components, { directFallback: this.#directFallback, isSips })
    return { targets, unreachableStatus: 480 }
  }

  /** §16.11, §16.6: an ACK for a 2xx is a request without a transaction. */
  async #forwardAck(ack: SipRequest, flow: Flow): Promise<void> {
    const work = this.#check(ack, flow)
    const { targets } = await this.#destinations(work)
    const { layer, transports } = this.#components
    let sent = 0
    for (const { ways } of targets.slice(0, this.#maxBreadth)) {
      for (const way of ways) {
        const outgoing = prepare(work.base, way, transports)
        if (!outgoing) continue
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
    const status = server.method === "OPTIONS" ? 200 : 405
    this.#count(status).add()
    const headers: HeaderList = [
      ["Allow", "OPTIONS, REGISTER"],
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

  #notNow(): Refusal {
    const seconds = Math.ceil(this.#retryAfterSeconds * (1 + this.#components.runtime.random.float()))
    return refuse(503, "Service Unavailable", [["Retry-After", String(seconds)]])
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

function oneTarget(unreachableStatus: number, ways: readonly Way[]): Destinations {
  return { targets: ways.length === 0 ? [] : [{ qThousandths: 1000, ways }], unreachableStatus }
}

function waysOn({ uri }: SipRequest, flow: KnownFlow | undefined): readonly Way[] {
  return flow === undefined || flow === "gone" ? [] : [{ uri, routes: [], next: flow }]
}

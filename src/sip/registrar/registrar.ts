/**
 * The registrar (RFC 3261 §10.3): a stateless UAS (§8.2.7).
 *
 * Every response to one REGISTER, retransmitted or not, is made from the
 * request and the location service alone: the To tag and the operation's
 * identifier are hashes of what names the transaction. No transaction is kept;
 * the location service makes a repeated operation once.
 */
import { isP2PSipError } from "../../errors.ts"
import type { Counter, Runtime } from "../../runtime/runtime.ts"
import type { Soon } from "../../soon.ts"
import { createResponse, optionTags, SipSyntaxError } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import type { Authenticator, Verdict } from "./authenticator.ts"
import { contactValue, readChanges } from "./contacts.ts"
import type { ExpiryOptions } from "./contacts.ts"
import { ExpiryPolicy, type PartialExpiry } from "./expiry-policy.ts"
import { isReserved } from "./gruus.ts"
import type { Gruus } from "./gruus.ts"
import type { Binding, LocationService, RegistrationUpdate } from "./location-service.ts"
import { registrationOf, type Registration } from "./nat-keep-alive.ts"
import { operationIdOf, operationOf, toTagOf } from "./operation.ts"
import { isFirstHop, outboundUse } from "./outbound.ts"
import type { OutboundUse } from "./outbound.ts"
import { PlainRegistrar } from "./plain-registrar.ts"
import { Refusal, refuse, refuseExtensions } from "./refusal.ts"
import { requirePossible, type ServedDomains } from "./served-domains.ts"

/** What the registrar is built on. */
export interface RegistrarComponents {
  readonly runtime: Runtime
  readonly location: LocationService
  readonly domains: ServedDomains
  /** Without one, anybody may register anything. */
  readonly authenticator?: Authenticator | undefined
  /**
   * The Path value, `<sip:TOKEN@HOST;…;lr>`, along which requests come back to
   * the phone on this flow (RFC 3327, RFC 5626 §5); `isEdge` where nobody but
   * the phone is behind the flow, which the value then says with `;ob`.
   */
  readonly pathFor: (flow: Flow, isEdge: boolean) => string
  /** The route through this element for requests of the phone on this flow (RFC 3608). Without it phones get none. */
  readonly serviceRouteFor?: (flow: Flow, isSips: boolean) => string
  readonly send: (response: SipResponse, flow: Flow) => void
  /** Without them phones get no GRUUs. */
  readonly gruus?: Gruus | undefined
  /** Told of each flow on which a user was authentic. */
  readonly onAuthentic?: (flow: Flow) => void
  /** Told of what each REGISTER has done. */
  readonly onRegistered?: (registration: Registration) => void
}

/** What a user may choose about registrations. */
export interface RegistrarOptions extends Partial<ExpiryOptions> {
  /** Other values for single domains. */
  readonly byDomain?: Readonly<Record<string, PartialExpiry>>
  /**
   * Users that may register for others of their domain, as a gateway or a
   * provisioning system does (RFC 3261 §10.3 step 4). @default none
   */
  readonly thirdParties?: readonly string[]
  /** How long the flow of an Outbound phone may be silent, as its 200 says (RFC 5626 §5.4); 0 says nothing. @default 120 */
  readonly flowTimerSeconds?: number
  /** REGISTERs waiting for the location service; more are answered 503. @default 10000 */
  readonly maxPending?: number
  /** What a 503 tells the phone; up to as much again is added at random. @default 5 */
  readonly retryAfterSeconds?: number
}

/** What stays the same while one REGISTER is dealt with. */
interface Work {
  readonly request: SipRequest
  readonly flow: Flow
  /** 16 bytes in hexadecimal that name the transaction. */
  readonly operation: string
  readonly toTag: string
  outbound: OutboundUse
}

const supportedExtensions: ReadonlySet<string> = new Set(["path", "outbound", "gruu"])
const maxPathValues = 8
const maxPathLength = 512

/** See the head of this file. */
export class Registrar {
  readonly #components: RegistrarComponents
  readonly #expiry: ExpiryPolicy
  readonly #flowTimerSeconds: number
  readonly #thirdParties: ReadonlySet<string>
  readonly #maxPending: number
  readonly #retryAfterSeconds: number
  readonly #pending = new Set<string>()
  readonly #counts = new Map<number, Counter>()
  readonly #plain: PlainRegistrar | undefined
  #date = { second: -1, text: "" }

  constructor(components: RegistrarComponents, options: RegistrarOptions = {}) {
    this.#components = components
    this.#expiry = new ExpiryPolicy(options)
    this.#flowTimerSeconds = options.flowTimerSeconds ?? 120
    this.#thirdParties = new Set(options.thirdParties?.map((name) => Buffer.from(name, "utf8").toString("latin1")))
    this.#maxPending = options.maxPending ?? 10_000
    this.#retryAfterSeconds = options.retryAfterSeconds ?? 5
    this.#plain = components.authenticator === undefined ? this.#makePlain() : undefined
  }

  /** As {@link handle}, for the plainest of datagrams, which need not be parsed; false for all others. Fits `TransactionLayer.onUnparsed`. */
  handleUnparsed(bytes: Uint8Array, flow: Flow): boolean {
    return this.#plain?.handle(bytes, flow) === true
  }

  /** Takes a REGISTER for one of our domains and answers it; false for any other request. Fits `TransactionLayer.onStateless`. */
  handle(request: SipRequest, flow: Flow): boolean {
    if (request.method !== "REGISTER") return false
    const work = workOf(request, flow)
    try {
      // Step 1: other people's domains are the proxy's concern.
      if (this.#components.domains.domainOf(request.requestUri) === undefined) return false
      // The answer to the first transmission is on its way.
      if (!this.#pending.has(work.operation)) this.#process(work)
    } catch (error) {
      this.#fail(work, error)
    }
    return true
  }

  /** REGISTERs that wait for the location service. */
  get pending(): number {
    return this.#pending.size
  }

  #makePlain(): PlainRegistrar {
    const { location, domains, pathFor, onRegistered } = this.#components
    return new PlainRegistrar({
      location, domains, pathFor, onRegistered,
      expiry: this.#expiry,
      pending: this.#pending,
      maxPending: this.#maxPending,
      dateNow: () => this.#dateNow(),
      onAnswer: () => this.#count(200).add(),
      onFailure: (request, flow, error) => this.#fail(workOf(request, flow), error),
    })
  }

  #process(work: Work): void {
    refuseUnknownExtensions(work.request)
    const { authenticator } = this.#components
    if (!authenticator) return this.#update(work)
    const verdict = this.#judge(work, authenticator)
    if (!(verdict instanceof Promise)) return this.#admit(work, authenticator, verdict)
    this.#await(work, verdict, (known) => this.#admit(work, authenticator, known))
  }

  /** Step 3: who it is, among the users of the domain that is registered at. */
  #judge({ request, flow, operation }: Work, authenticator: Authenticator): Soon<Verdict> {
    const credentials = request.headers.getAll("Authorization")
    const domain = this.#domainOf(request)
    return authenticator.verify({ credentials, method: request.method, domain, source: flow.remote.host, retransmissionKey: operation })
  }

  /** Steps 3 and 4: who is not refused, and may change these bindings. */
  #admit(work: Work, authenticator: Authenticator, verdict: Verdict): void {
    const { request, flow } = work
    const { domains } = this.#components
    if (verdict.kind === "throttled") throw refuse(503, "Too Many Wrong Passwords", [["Retry-After", String(verdict.retryAfterSeconds)]])
    if (verdict.kind === "refused") {
      const challenges = authenticator.challenges(this.#domainOf(request), flow.remote.host, verdict.stale)
      throw refuse(401, "Unauthorized", challenges.map((challenge) => ["WWW-Authenticate", challenge]))
    }
    this.#components.onAuthentic?.(flow)
    const { username } = verdict
    const addressOfRecord = domains.addressOfRecord(request.to.parsedUri)
    const isSame = request.from.uri === request.to.uri
    const from = isSame ? addressOfRecord : domains.addressOfRecord(request.from.parsedUri)
    if (from === undefined ? !isSame : !owns(username, from)) throw refuse(403, "From Is Not You")
    if (addressOfRecord !== undefined && !owns(username, addressOfRecord) && !this.#mayRegister(username, addressOfRecord)) {
      throw refuse(403, "Not Your Address-Of-Record")
    }
    this.#update(work)
  }

  #mayRegister(username: string, addressOfRecord: string): boolean {
    if (this.#thirdParties.size === 0) return false
    return this.#thirdParties.has(username) || this.#thirdParties.has(`${username}@${domainPart(addressOfRecord)}`)
  }

  /** Steps 5 to 7. */
  #update(work: Work): void {
    const { request, operation } = work
    const { domains } = this.#components
    const addressOfRecord = domains.addressOfRecord(request.to.parsedUri)
    // Step 5.
    // RFC 4475 §3.3.4: a tel or mailto URI is nobody's address-of-record.
    if (!request.to.parsedUri.isSip) throw refuse(400, "To Is Not A SIP URI")
    if (addressOfRecord === undefined) throw refuse(404, "Not Found")
    requirePossible(addressOfRecord)
    if (isReserved(addressOfRecord)) throw refuse(403, "Reserved User Name")
    work.outbound = outboundUse(request, request.headers.getAll("Path"))
    const expiry = this.#expiry.for(addressOfRecord)
    const changes = readChanges(request, { path: this.#pathOf(work), outbound: work.outbound }, expiry)
    const { callId, cseq } = request
    if (this.#pending.size >= this.#maxPending) throw this.#notNow()
    const update = { callId, cseq: cseq.number, operationId: operationIdOf(operation), changes, maxBindings: expiry.maxContacts }
    const bindings = this.#apply(request, addressOfRecord, update)
    const accept = (settled: readonly Binding[]): void => {
      if (changes.length > 0) this.#components.onRegistered?.(registrationOf(work, addressOfRecord, changes))
      this.#accept(work, settled)
    }
    if (bindings instanceof Promise) this.#await(work, bindings, accept)
    else accept(bindings)
  }

  #apply(request: SipRequest, addressOfRecord: string, update: RegistrationUpdate): Soon<readonly Binding[]> {
    const { gruus, location } = this.#components
    if (gruus !== undefined && supports(request, "gruu")) return gruus.update(addressOfRecord, update)
    return update.changes.length === 0 ? location.lookup(addressOfRecord) : location.update(addressOfRecord, update)
  }

  /** Goes on when a promise does; until then retransmissions are absorbed. */
  #await<T>(work: Work, promise: Promise<T>, next: (value: T) => void): void {
    const { operation } = work
    if (this.#pending.size >= this.#maxPending) throw this.#notNow()
    this.#pending.add(operation)
    promise
      .then((value) => {
        this.#pending.delete(operation)
        next(value)
      })
      .catch((error: unknown) => {
        this.#pending.delete(operation)
        this.#fail(work, error)
      })
  }

  /** The domain whose users are meant. */
  #domainOf(request: SipRequest): string {
    const { domains } = this.#components
    return domains.domainOf(request.to.parsedUri) ?? domains.domainOf(request.requestUri) ?? ""
  }

  /** Our own Path value comes before those of proxies between the phone and us. */
  #pathOf({ request, flow, outbound }: Work): readonly string[] {
    const isEdge = (outbound === "applied" || outbound === "confirmed") && isFirstHop(request)
    const path = [this.#components.pathFor(flow, isEdge)]
    if (!request.headers.has("Path")) return path
    for (const value of request.headers.getAll("Path")) {
      if (path.length > maxPathValues || value.length > maxPathLength) throw refuse(400, "Path Too Long")
      path.push(value)
    }
    return path
  }

  /** Step 8. */
  #accept(work: Work, bindings: readonly Binding[]): void {
    const headers: [string, string][] = []
    for (const binding of bindings) headers.push(["Contact", contactValue(binding)])
    if (supports(work.request, "path")) {
      for (const value of this.#pathOf(work)) headers.push(["Path", value])
    }
    if (work.outbound === "confirmed") {
      headers.push(["Require", "outbound"])
      // A phone with flows to several peers: each request through the peer that has its flow, not any of the domain's.
      const route = isFirstHop(work.request) && this.#components.serviceRouteFor?.(work.flow, work.request.requestUri.isSips)
      if (route) headers.push(["Service-Route", route])
      if (this.#flowTimerSeconds > 0 && isFirstHop(work.request)) headers.push(["Flow-Timer", String(this.#flowTimerSeconds)])
    }
    headers.push(["Date", this.#dateNow()])
    this.#send(work, createResponse(work.request, 200, "OK", { toTag: work.toTag, headers }))
  }

  #fail(work: Work, error: unknown): void {
    const refusal = error instanceof Refusal ? error : this.#refusalFor(error)
    try {
      this.#send(work, refusal.toResponse(work.request, work.toTag))
    } catch (error) {
      this.#components.runtime.log.debug({ error }, "a REGISTER could not be answered")
    }
  }

  #refusalFor(error: unknown): Refusal {
    if (error instanceof SipSyntaxError) return refuse(error.status, error.reason)
    // §12.2.2 answers an old CSeq like this; the next REGISTER has a newer one.
    if (isP2PSipError(error, "P2PSIP_OUT_OF_ORDER")) return refuse(500, "CSeq Out Of Order")
    // Not 503: that would send the phone to the next peer with the same wish.
    if (isP2PSipError(error, "P2PSIP_TOO_MANY_VALUES")) return refuse(403, "Too Many Contacts")
    // A peer that leaves says so itself.
    if (!isP2PSipError(error, "P2PSIP_NOT_OPEN")) this.#components.runtime.log.warn({ error }, "the location service did not take a registration")
    return this.#notNow()
  }

  #notNow(): Refusal {
    const seconds = Math.ceil(this.#retryAfterSeconds * (1 + this.#components.runtime.random.float()))
    return refuse(503, "Service Unavailable", [["Retry-After", String(seconds)]])
  }

  #send({ flow }: Work, response: SipResponse): void {
    this.#count(response.status).add()
    this.#components.send(response, flow)
  }

  #count(status: number): Counter {
    let counter = this.#counts.get(status)
    if (!counter) {
      const labels = { status: String(status) }
      counter = this.#components.runtime.metrics.counter("p2psip_register_responses_total", "REGISTERs answered, by status", labels)
      this.#counts.set(status, counter)
    }
    return counter
  }

  #dateNow(): string {
    const second = Math.floor(this.#components.runtime.wallClock() / 1000)
    if (second !== this.#date.second) this.#date = { second, text: new Date(second * 1000).toUTCString() }
    return this.#date.text
  }
}

function workOf(request: SipRequest, flow: Flow): Work {
  const { headers } = request
  const [callId, cseq, from, via] = [headers.get("Call-ID"), headers.get("CSeq"), headers.get("From"), headers.get("Via")]
  const operation = operationOf({ callId, cseq, from, via })
  return { request, flow, operation, toTag: toTagOf(operation), outbound: "none" }
}

/** Step 2. */
function refuseUnknownExtensions(request: SipRequest): void {
  if (!request.headers.has("Require")) return
  const unknown = [...optionTags(request.headers, "Require")].filter((tag) => !supportedExtensions.has(tag))
  if (unknown.length > 0) throw refuseExtensions(unknown)
}

/** The user name is that of the address-of-record, with or without its domain. */
function owns(username: string, addressOfRecord: string): boolean {
  const address = addressOfRecord.slice("sip:".length)
  return username === address || username === address.slice(0, address.lastIndexOf("@"))
}

function domainPart(addressOfRecord: string): string {
  return addressOfRecord.slice(addressOfRecord.lastIndexOf("@") + 1)
}

function supports(request: SipRequest, optionTag: string): boolean {
  return request.headers.has("Supported") && optionTags(request.headers, "Supported").has(optionTag)
}

/**
 * Subscriptions to registrations (RFC 3680, RFC 6665), which the peer that they
 * come to answers itself. See README.md in this folder.
 */
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import { createResponse, Params, parseNameAddress, secondsOf } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import type { Binding, LocationService } from "../registrar/location-service.ts"
import { refuse } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"
import type { ServerTransaction, TransactionLayer } from "../transaction/index.ts"
import { formatHostPort } from "../transport/index.ts"
import type { Flow } from "../transport/index.ts"
import { reginfoType } from "./reginfo.ts"
import { nothingKnown, observe, type RegistrationState } from "./registration-state.ts"
import { Subscription, type SubscriptionHost } from "./subscription.ts"

/** What the notifier is built on. */
export interface RegistrationEventComponents {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly location: LocationService
  readonly domains: ServedDomains
}

/** What a user may choose about subscriptions. */
export interface RegistrationEventOptions {
  /** Subscriptions at a time; more are refused with 503. @default 2000 */
  readonly maxSubscriptions?: number
  /** To one address-of-record, so that nobody takes the places of all. @default 32 */
  readonly maxPerAddress?: number
  /** Users that may watch others of their domain besides themselves. @default none */
  readonly thirdParties?: readonly string[]
  /** Whether anybody may watch anybody: where nobody has a password. @default false */
  readonly isOpen?: boolean
  /** What a 503 tells the subscriber; up to as much again is added at random. @default 5 */
  readonly retryAfterSeconds?: number
}

/** RFC 3680 §4.10: nobody is told more often. So nobody needs to be looked up more often. */
const lookEveryMs = 5_000
/** Look-ups of all watched addresses together are this far apart on the average, however many there are. */
const lookSpacingMs = 5
const minExpiresSeconds = 60
/** §4.4. */
const defaultExpiresSeconds = 3761
const maxExpiresSeconds = 7200
/** The user part of our Contact: later requests of a subscription come to it. */
const contactUser = "registration-events"

/** One address-of-record that somebody watches. */
interface Watch {
  readonly addressOfRecord: string
  readonly subscriptions: Set<Subscription>
  state: RegistrationState
  isKnown: boolean
  isLooking: boolean
  /** When subscribers were told of a change last. */
  toldAt: number
  /** The first look, for those who wait for it. */
  firstLook: Promise<void> | undefined
  timer: Timer | undefined
}

/** See the head of this file. */
export class RegistrationEvents implements SubscriptionHost {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly #components: RegistrationEventComponents
  readonly #maxSubscriptions: number
  readonly #maxPerAddress: number
  readonly #thirdParties: ReadonlySet<string>
  readonly #isOpen: boolean
  readonly #retryAfterSeconds: number
  readonly #watches = new Map<string, Watch>()
  #count = 0

  constructor(components: RegistrationEventComponents, options: RegistrationEventOptions = {}) {
    this.runtime = components.runtime
    this.layer = components.layer
    this.#components = components
    this.#maxSubscriptions = options.maxSubscriptions ?? 2000
    this.#maxPerAddress = options.maxPerAddress ?? 32
    this.#thirdParties = new Set(options.thirdParties?.map((name) => Buffer.from(name, "utf8").toString("latin1")))
    this.#isOpen = options.isOpen ?? false
    this.#retryAfterSeconds = options.retryAfterSeconds ?? 5
    this.runtime.metrics.gauge("p2psip_registration_subscriptions", "Subscriptions to registrations at this peer", () => this.#count)
  }

  /** Whether a request is of a subscription here, or of one that has ended: its tags are its credentials. */
  isOwn(request: SipRequest): boolean {
    const { requestUri } = request
    return isForRegistrations(request) && request.to.tag !== undefined && requestUri.user === contactUser && this.#components.domains.isOurs(requestUri)
  }

  /** Whether a request is for a new one. */
  takes(request: SipRequest): boolean {
    if (!isForRegistrations(request) || request.to.tag !== undefined || request.headers.has("Route")) return false
    return !request.requestUri.params.has("gr") && this.#components.domains.addressOfRecord(request.requestUri) !== undefined
  }

  /** Answers a request that is one or the other. Rejects with a Refusal, or a SipSyntaxError. */
  async accept(server: ServerTransaction, request: SipRequest): Promise<void> {
    const expiresSeconds = expiresOf(request)
    const subscription = request.to.tag === undefined ? await this.#subscribe(request, server.flow) : this.#found(request, server.flow)
    const headers = [["Expires", String(expiresSeconds)], ["Contact", contactOf(server.flow)]] as const
    server.respond(createResponse(server.request, 200, undefined, { toTag: subscription.localTag, headers, withRecordRoute: true }))
    subscription.renew(expiresSeconds)
  }

  /** The location service, for this peer's registrar: those who watch what it changes need not wait for the next look. */
  get watched(): LocationService {
    const { location } = this.#components
    return {
      lookup: (addressOfRecord) => location.lookup(addressOfRecord),
      update: (addressOfRecord, update) => {
        const made = location.update(addressOfRecord, update)
        if (!this.#watches.has(addressOfRecord)) return made
        return made instanceof Promise ? made.then((bindings) => this.#changed(addressOfRecord, bindings)) : this.#changed(addressOfRecord, made)
      },
    }
  }

  /** Unless they have just been told something. */
  #changed(addressOfRecord: string, bindings: readonly Binding[]): readonly Binding[] {
    const watch = this.#watches.get(addressOfRecord)
    if (watch !== undefined && this.runtime.now() - watch.toldAt >= lookEveryMs) void this.#look(watch)
    return bindings
  }

  stateOf(addressOfRecord: string): RegistrationState {
    return this.#watches.get(addressOfRecord)?.state ?? nothingKnown
  }

  forget(subscription: Subscription): void {
    const watch = this.#watches.get(subscription.addressOfRecord)
    if (watch?.subscriptions.delete(subscription) !== true) return
    this.#count--
    this.#forgetIdle(watch)
  }

  /** Tells all subscribers to turn to another peer. */
  stop(): void {
    for (const { subscriptions } of [...this.#watches.values()]) for (const subscription of [...subscriptions]) subscription.end("deactivated")
  }

  /** RFC 6665 §4.1.2.2, §4.4.1. */
  #found(request: SipRequest, flow: Flow): Subscription {
    for (const { subscriptions } of this.#watches.values()) {
      for (const subscription of subscriptions) {
        if (!subscription.isOf(request)) continue
        if (!subscription.accepts(request, flow)) throw refuse(500, "CSeq Out Of Order")
        return subscription
      }
    }
    throw refuse(481, "Subscription Does Not Exist")
  }

  async #subscribe(request: SipRequest, flow: Flow): Promise<Subscription> {
    const addressOfRecord = this.#components.domains.addressOfRecord(request.requestUri) ?? ""
    this.#authorize(request, addressOfRecord)
    requireUsable(request)
    const isFull = (this.#watches.get(addressOfRecord)?.subscriptions.size ?? 0) >= this.#maxPerAddress
    if (isFull || this.#count >= this.#maxSubscriptions) throw this.#notNow()
    const watch = this.#watchFor(addressOfRecord)
    const localTag = Buffer.from(this.runtime.random.bytes(8)).toString("hex")
    const subscription = new Subscription(this, request, flow, { addressOfRecord, localTag, eventId: eventIdOf(request), contact: contactOf(flow) })
    watch.subscriptions.add(subscription)
    this.#count++
    await watch.firstLook
    // It could not be looked up: nothing would be known of it.
    if (!watch.isKnown) {
      this.forget(subscription)
      throw this.#notNow()
    }
    return subscription
  }

  /** §4.6. Whoever calls as one of our users has proved to be that user. */
  #authorize({ from }: SipRequest, addressOfRecord: string): void {
    if (this.#isOpen) return
    const subscriber = this.#components.domains.addressOfRecord(from.parsedUri)
    if (subscriber === addressOfRecord) return
    const [user, domain] = subscriber === undefined ? [] : partsOf(subscriber)
    const isThirdParty = user !== undefined && (this.#thirdParties.has(user) || this.#thirdParties.has(`${user}@${domain}`))
    if (!isThirdParty || domain !== partsOf(addressOfRecord)[1]) throw refuse(403, "Not Your Registration")
  }

  #watchFor(addressOfRecord: string): Watch {
    const known = this.#watches.get(addressOfRecord)
    if (known !== undefined) return known
    const watch: Watch = {
      addressOfRecord, subscriptions: new Set(), state: nothingKnown, isKnown: false, isLooking: false, toldAt: -Infinity, firstLook: undefined, timer: undefined,
    }
    this.#watches.set(addressOfRecord, watch)
    watch.firstLook = this.#look(watch)
    return watch
  }

  async #look(watch: Watch): Promise<void> {
    if (watch.isLooking) return
    watch.isLooking = true
    watch.timer?.cancel()
    watch.timer = undefined
    try {
      this.#tell(watch, await this.#components.location.lookup(watch.addressOfRecord))
    } catch (error) {
      this.runtime.log.debug({ error }, "a registration that is watched could not be looked up")
    }
    watch.isLooking = false
    if (watch.subscriptions.size === 0) return this.#forgetIdle(watch)
    const intervalMs = Math.max(lookEveryMs, this.#watches.size * lookSpacingMs)
    watch.timer = this.runtime.setTimer(intervalMs, () => void this.#look(watch))
  }

  #tell(watch: Watch, bindings: readonly Binding[]): void {
    const now = this.runtime.now()
    const { state, changes } = observe(watch.state, bindings, now)
    watch.state = state
    // The first subscribers are told when they have been answered.
    const isNews = watch.isKnown && changes.length > 0
    watch.isKnown = true
    if (!isNews) return
    watch.toldAt = now
    for (const subscription of [...watch.subscriptions]) subscription.notify(changes)
  }

  #forgetIdle(watch: Watch): void {
    if (watch.subscriptions.size > 0 || this.#watches.get(watch.addressOfRecord) !== watch) return
    watch.timer?.cancel()
    this.#watches.delete(watch.addressOfRecord)
  }

  #notNow(): Error {
    const seconds = Math.ceil(this.#retryAfterSeconds * (1 + this.runtime.random.float()))
    return refuse(503, "Service Unavailable", [["Retry-After", String(seconds)]])
  }
}

function isForRegistrations({ method, headers }: SipRequest): boolean {
  return method === "SUBSCRIBE" && /^reg\s*(?:;|$)/i.test(headers.get("Event") ?? "")
}

function eventIdOf({ headers }: SipRequest): string | undefined {
  const event = headers.get("Event") ?? ""
  const semicolon = event.indexOf(";")
  return semicolon < 0 ? undefined : Params.parse(event, semicolon, "Event").get("id")
}

/** §4.4, RFC 6665 §4.2.1.1. */
function expiresOf({ headers }: SipRequest): number {
  const asked = headers.has("Expires") ? secondsOf(headers, "Expires") : defaultExpiresSeconds
  if (asked === undefined) throw refuse(400, "Malformed Expires")
  if (asked > 0 && asked < minExpiresSeconds) throw refuse(423, "Interval Too Brief", [["Min-Expires", String(minExpiresSeconds)]])
  return Math.min(asked, maxExpiresSeconds)
}

/** §4.5; RFC 6665 §4.1.3: NOTIFYs need somewhere to go. */
function requireUsable({ headers }: SipRequest): void {
  const accepted = headers.getAll("Accept").map((value) => value.split(";")[0]?.trim().toLowerCase())
  if (accepted.length > 0 && ![reginfoType, "application/*", "*/*"].some((type) => accepted.includes(type))) {
    throw refuse(406, "Not Acceptable", [["Accept", reginfoType]])
  }
  const contacts = headers.getAll("Contact")
  const [contact] = contacts
  if (contact === undefined || contacts.length > 1 || !parseNameAddress(contact, "Contact").parsedUri.isSip) throw refuse(400, "One SIP URI As Contact Is Needed")
}

function contactOf({ transport }: Flow): string {
  const { protocol, advertised } = transport
  return `<sip:${contactUser}@${formatHostPort(advertised)};transport=${protocol === "WSS" ? "ws" : protocol.toLowerCase()}>`
}

function partsOf(addressOfRecord: string): [user: string, domain: string] {
  const at = addressOfRecord.lastIndexOf("@")
  return [addressOfRecord.slice("sip:".length, at), addressOfRecord.slice(at + 1)]
}

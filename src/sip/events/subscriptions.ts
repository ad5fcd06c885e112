/** All subscriptions at this peer, of whatever package (RFC 6665 §4.2). See README.md in this folder. */
import type { Runtime } from "../../runtime/runtime.ts"
import { Dialog } from "../agent/dialog.ts"
import { createResponse, parseNameAddress } from "../message/index.ts"
import type { SipRequest } from "../message/index.ts"
import { refuse } from "../registrar/refusal.ts"
import { requirePossible, type ServedDomains } from "../registrar/served-domains.ts"
import type { ServerTransaction, TransactionLayer } from "../transaction/index.ts"
import { formatHostPort } from "../transport/index.ts"
import type { Flow } from "../transport/index.ts"
import type { EventAuthorization } from "./event-authorization.ts"
import { eventIdOf, eventOf, expiresOf, refuseEvent, requireNoExtensions } from "./event-header.ts"
import type { EventPackage } from "./event-package.ts"
import { Subscription, type SubscriptionHost } from "./subscription.ts"
import { Watch } from "./watch.ts"

/** What they are built on. */
export interface SubscriptionsComponents {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly domains: ServedDomains
  readonly authorization: EventAuthorization
  readonly packages: ReadonlyMap<string, EventPackage>
  /** What to refuse with who may ask again later. */
  readonly notNow: () => Error
}

/** How many there may be. */
export interface SubscriptionsOptions {
  readonly maxSubscriptions: number
  /** Of one user, who may watch many. */
  readonly maxPerSubscriber: number
}

/** A dialog keeps what its first SUBSCRIBE says of names and ways, for hours. */
const maxRequestBytes = 8192

/** The user part of our Contact: later requests of a subscription come to it. */
const contactUser = "subscriptions"

/** See the head of this file. */
export class Subscriptions implements SubscriptionHost {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly #components: SubscriptionsComponents
  readonly #options: SubscriptionsOptions
  /** By package and address-of-record. */
  readonly #watches = new Map<string, Watch>()
  /** Those of them that tell of registrations, by address-of-record. */
  readonly #ofRegistrations = new Map<string, readonly Watch[]>()
  readonly #byTag = new Map<string, Subscription>()
  readonly #bySubscriber = new Map<string, number>()

  constructor(components: SubscriptionsComponents, options: SubscriptionsOptions) {
    this.runtime = components.runtime
    this.layer = components.layer
    this.#components = components
    this.#options = options
    this.runtime.metrics.gauge("p2psip_subscriptions", "Subscriptions that this peer keeps.", () => this.#byTag.size)
  }

  /** Whether a SUBSCRIBE is of a subscription here, or of one that has ended: its tags are its credentials. */
  isOwn(request: SipRequest): boolean {
    const { requestUri } = request
    return request.to.tag !== undefined && requestUri.user === contactUser && this.#components.domains.isOurs(requestUri)
  }

  /** Whether somebody here has to be told when the registrations of an address-of-record change. */
  watchesRegistrations(addressOfRecord: string): boolean {
    return this.#ofRegistrations.has(addressOfRecord)
  }

  registrationsChanged(addressOfRecord: string): void {
    for (const watch of this.#ofRegistrations.get(addressOfRecord) ?? []) watch.changed()
  }

  /** What has been published for an address-of-record is no longer what it was. */
  publicationsChanged(event: string, addressOfRecord: string): void {
    this.#watches.get(nameOf(event, addressOfRecord))?.changed()
  }

  /** Answers a SUBSCRIBE to an address-of-record of ours, or one that `isOwn`. Rejects with a Refusal, or a SipSyntaxError. */
  async accept(server: ServerTransaction, request: SipRequest): Promise<void> {
    const { packages } = this.#components
    requireNoExtensions(request)
    const eventPackage = packages.get(eventOf(request))
    if (eventPackage === undefined) throw refuseEvent(packages.keys())
    const expiresSeconds = expiresOf(request, eventPackage.defaultExpiresSeconds)
    const isNew = request.to.tag === undefined
    const subscription = isNew ? await this.#subscribe(eventPackage, request, server.flow) : this.#found(eventPackage, request, server.flow)
    const headers = [["Expires", String(expiresSeconds)], ["Contact", contactOf(server.flow)]] as const
    server.respond(createResponse(server.request, 200, undefined, { toTag: subscription.parts.localTag, headers, withRecordRoute: true }))
    subscription.renew(expiresSeconds)
  }

  forget(subscription: Subscription): void {
    const { localTag, subscriber, watch } = subscription.parts
    if (!this.#byTag.delete(localTag)) return
    this.#count(subscriber, -1)
    watch.subscriptions.delete(subscription)
    if (watch.subscriptions.size > 0) return
    watch.stop()
    const { eventPackage, addressOfRecord } = watch
    this.#watches.delete(nameOf(eventPackage.name, addressOfRecord))
    this.#setOfRegistrations(addressOfRecord, (this.#ofRegistrations.get(addressOfRecord) ?? []).filter((other) => other !== watch))
  }

  /** Tells all subscribers to turn to another peer. */
  stop(): void {
    for (const subscription of [...this.#byTag.values()]) subscription.end("deactivated")
  }

  /** RFC 6665 §4.1.2.2, §4.4.1. */
  #found(eventPackage: EventPackage, request: SipRequest, flow: Flow): Subscription {
    const subscription = this.#byTag.get(request.to.tag ?? "")
    if (subscription?.isOf(request, flow) !== true || subscription.parts.watch.eventPackage !== eventPackage) throw refuse(481, "Subscription Does Not Exist")
    if (!subscription.accepts(request, flow)) throw refuse(500, "CSeq Out Of Order")
    return subscription
  }

  async #subscribe(eventPackage: EventPackage, request: SipRequest, flow: Flow): Promise<Subscription> {
    const { authorization, domains, notNow } = this.#components
    const addressOfRecord = domains.addressOfRecord(request.requestUri) ?? ""
    requirePossible(addressOfRecord)
    const subscriber = authorization.require(eventPackage.watchers, request, addressOfRecord)
    if (request.byteLength > maxRequestBytes) throw refuse(513, "Message Too Large")
    requireUsable(request, eventPackage)
    // Whatever may be malformed comes before the watch, which only its subscriptions keep.
    const eventId = eventIdOf(request)
    const localTag = Buffer.from(this.runtime.random.bytes(8)).toString("hex")
    const dialog = Dialog.ofCallee(request, localTag)
    const known = this.#watches.get(nameOf(eventPackage.name, addressOfRecord))
    if ((known?.subscriptions.size ?? 0) >= eventPackage.maxPerAddress || !this.#hasPlaceFor(subscriber)) throw notNow()
    const watch = known ?? this.#watch(eventPackage, addressOfRecord)
    // With a password goes a nonce that came to the address, and so does all that is sent over a connection.
    const isProven = !authorization.isOpen || flow.transport.isReliable
    const subscription = new Subscription(this, dialog, flow, { watch, subscriber, localTag, eventId, contact: contactOf(flow) }, isProven)
    watch.subscriptions.add(subscription)
    this.#byTag.set(localTag, subscription)
    this.#count(subscriber, 1)
    if (await watch.isKnown()) return subscription
    // It could not be looked up: nothing would be known of it.
    this.forget(subscription)
    throw notNow()
  }

  #watch(eventPackage: EventPackage, addressOfRecord: string): Watch {
    const watch = new Watch(this.runtime, () => this.#watches.size, eventPackage, addressOfRecord)
    this.#watches.set(nameOf(eventPackage.name, addressOfRecord), watch)
    if (eventPackage.tellsRegistrations) this.#setOfRegistrations(addressOfRecord, [...this.#ofRegistrations.get(addressOfRecord) ?? [], watch])
    return watch
  }

  #setOfRegistrations(addressOfRecord: string, watches: readonly Watch[]): void {
    if (watches.length === 0) this.#ofRegistrations.delete(addressOfRecord)
    else this.#ofRegistrations.set(addressOfRecord, watches)
  }

  #hasPlaceFor(subscriber: string | undefined): boolean {
    const { maxSubscriptions, maxPerSubscriber } = this.#options
    return this.#byTag.size < maxSubscriptions && (subscriber === undefined || (this.#bySubscriber.get(subscriber) ?? 0) < maxPerSubscriber)
  }

  #count(subscriber: string | undefined, change: number): void {
    if (subscriber === undefined) return
    const count = (this.#bySubscriber.get(subscriber) ?? 0) + change
    if (count === 0) this.#bySubscriber.delete(subscriber)
    else this.#bySubscriber.set(subscriber, count)
  }
}

/** No name of a package holds a space. */
function nameOf(event: string, addressOfRecord: string): string {
  return `${event} ${addressOfRecord}`
}

/** RFC 6665 §4.2.1.3, §4.1.3: documents that the subscriber can read, and somewhere to send them. */
function requireUsable({ headers }: SipRequest, { contentType }: EventPackage): void {
  const accepted = headers.getAll("Accept").map((value) => value.split(";")[0]?.trim().toLowerCase())
  if (accepted.length > 0 && ![contentType, "application/*", "*/*"].some((type) => accepted.includes(type))) {
    throw refuse(406, "Not Acceptable", [["Accept", contentType]])
  }
  const contacts = headers.getAll("Contact")
  const [contact] = contacts
  if (contact === undefined || contacts.length > 1 || !parseNameAddress(contact, "Contact").parsedUri.isSip) throw refuse(400, "One SIP URI As Contact Is Needed")
}

function contactOf({ transport }: Flow): string {
  const { protocol, advertised } = transport
  return `<sip:${contactUser}@${formatHostPort(advertised)};transport=${protocol === "WSS" ? "ws" : protocol.toLowerCase()}>`
}

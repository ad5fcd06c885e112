/** Answers in the place of phones what is asked about their users. See README.md in this folder. */
import type { Runtime } from "../../runtime/runtime.ts"
import type { SipRequest } from "../message/index.ts"
import type { Binding, LocationService } from "../registrar/location-service.ts"
import { refuse } from "../registrar/refusal.ts"
import type { ServedDomains } from "../registrar/served-domains.ts"
import type { ServerTransaction, TransactionLayer } from "../transaction/index.ts"
import { Compositor } from "./compositor.ts"
import { EventAuthorization, type EventAuthorizationOptions } from "./event-authorization.ts"
import { eventOf } from "./event-header.ts"
import type { EventPackage } from "./event-package.ts"
import type { PublicationService } from "./publications.ts"
import { publishedPackages } from "./published-packages.ts"
import { registrationPackage } from "./registration-package.ts"
import { Subscriptions } from "./subscriptions.ts"

/** What it is built on. */
export interface EventServerComponents {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly location: LocationService
  readonly domains: ServedDomains
  /** Without it users publish nothing, and nobody is told of their presence. */
  readonly publications?: PublicationService | undefined
}

/** What a user may choose about it. */
export interface EventServerOptions extends EventAuthorizationOptions {
  /** Subscriptions at a time; more are refused with 503. @default 10000 */
  readonly maxSubscriptions?: number
  /** Of one user who is no third party, so that nobody takes the places of all. @default 256 */
  readonly maxPerSubscriber?: number
  /** What a 503 tells the phone; up to as much again is added at random. @default 5 */
  readonly retryAfterSeconds?: number
}

/** See the head of this file. */
export class EventServer {
  readonly #runtime: Runtime
  readonly #location: LocationService
  readonly #domains: ServedDomains
  readonly #packages: ReadonlyMap<string, EventPackage>
  readonly #compositor: Compositor | undefined
  readonly #subscriptions: Subscriptions
  readonly #retryAfterSeconds: number

  constructor({ runtime, layer, location, domains, publications }: EventServerComponents, options: EventServerOptions = {}) {
    this.#runtime = runtime
    this.#location = location
    this.#domains = domains
    const { maxSubscriptions = 10_000, maxPerSubscriber = 256, retryAfterSeconds = 5 } = options
    this.#retryAfterSeconds = retryAfterSeconds
    const published = byName(publications === undefined ? [] : publishedPackages({ location, publications }))
    this.#packages = new Map<string, EventPackage>([...byName([registrationPackage({ runtime, location })]), ...published])
    const authorization = new EventAuthorization(domains, options)
    const common = { runtime, domains, authorization, notNow: () => this.#notNow() }
    const subscriptions = new Subscriptions({ ...common, layer, packages: this.#packages }, { maxSubscriptions, maxPerSubscriber })
    this.#subscriptions = subscriptions
    const onChange = (event: string, addressOfRecord: string): void => subscriptions.publicationsChanged(event, addressOfRecord)
    this.#compositor = publications && new Compositor({ ...common, publications, packages: published, onChange })
  }

  /** What it does, as answers to OPTIONS say it (RFC 3903 §7). */
  get abilities(): { readonly methods: readonly string[]; readonly events: readonly string[] } {
    return { methods: this.#compositor === undefined ? ["SUBSCRIBE"] : ["SUBSCRIBE", "PUBLISH"], events: [...this.#packages.keys()] }
  }

  /** Whether a request is of a subscription here, or of one that has ended: no other credentials are asked for. */
  isOwn(request: SipRequest): boolean {
    return request.method === "SUBSCRIBE" && this.#subscriptions.isOwn(request)
  }

  /**
   * Whether a request, outside of dialogs, is for this element. Subscriptions to other events are the
   * phones' own business; of publications there is one place for each address-of-record (RFC 3903 §6).
   */
  takes(request: SipRequest): boolean {
    if (!this.#isOfOurs(request) || request.to.tag !== undefined || request.headers.has("Route")) return false
    return !request.requestUri.params.has("gr") && this.#domains.addressOfRecord(request.requestUri) !== undefined
  }

  #isOfOurs(request: SipRequest): boolean {
    if (request.method === "PUBLISH") return this.#compositor !== undefined
    return request.method === "SUBSCRIBE" && this.#packages.has(eventOf(request))
  }

  /** Answers a request that is one or the other. Rejects with a Refusal, or a SipSyntaxError. */
  accept(server: ServerTransaction, request: SipRequest): Promise<void> {
    if (this.#compositor !== undefined && request.method === "PUBLISH") return this.#compositor.accept(server, request)
    return this.#subscriptions.accept(server, request)
  }

  /** The location service, for this peer's registrar: those who watch what it changes need not wait for the next look. */
  get watched(): LocationService {
    const location = this.#location
    const subscriptions = this.#subscriptions
    return {
      lookup: (addressOfRecord) => location.lookup(addressOfRecord),
      update: (addressOfRecord, update) => {
        const made = location.update(addressOfRecord, update)
        if (!subscriptions.watchesRegistrations(addressOfRecord)) return made
        const tell = (bindings: readonly Binding[]): readonly Binding[] => {
          subscriptions.registrationsChanged(addressOfRecord)
          return bindings
        }
        return made instanceof Promise ? made.then(tell) : tell(made)
      },
    }
  }

  /** Tells all subscribers to turn to another peer. */
  stop(): void {
    this.#subscriptions.stop()
  }

  #notNow(): Error {
    const seconds = Math.ceil(this.#retryAfterSeconds * (1 + this.#runtime.random.float()))
    return refuse(503, "Service Unavailable", [["Retry-After", String(seconds)]])
  }
}

function byName<P extends EventPackage>(packages: readonly P[]): ReadonlyMap<string, P> {
  return new Map(packages.map((eventPackage) => [eventPackage.name, eventPackage]))
}

/**
 * The SIP side of a peer: listeners, transactions, registrar, proxy.
 *
 * The same code serves a phone of this peer and one of another: a request for
 * the latter leaves through the overlay transport, along the binding's Path.
 */
import { hkdfSync } from "node:crypto"
import { BlockList } from "node:net"
import { CachingDns, DnsClient, parseDnsServer } from "../dns/index.ts"
import type { Link } from "../link/link.ts"
import type { Runtime } from "../runtime/runtime.ts"
import { DigestAuthenticator } from "../security/digest-authenticator.ts"
import { parseNetwork, SourceGuard } from "../security/source-guard.ts"
import type { UserDirectory } from "../security/users.ts"
import { EventServer } from "../sip/events/index.ts"
import type { PublicationService } from "../sip/events/index.ts"
import { DialogTokens, type Gateway, type MediaPath, pathThrough, serviceRoute, SipProxy } from "../sip/proxy/index.ts"
import type { GruuKeys } from "../sip/registrar/gruu-key.ts"
import { Gruus } from "../sip/registrar/gruus.ts"
import type { LocationService } from "../sip/registrar/location-service.ts"
import { NatKeepAlive } from "../sip/registrar/nat-keep-alive.ts"
import { Registrar } from "../sip/registrar/registrar.ts"
import { ServedDomains } from "../sip/registrar/served-domains.ts"
import { TransactionLayer } from "../sip/transaction/index.ts"
import { Certificates, DnsTargetResolver, formatHostPort, localAddresses, OverlayTransport, TransportSet, type Transport } from "../sip/transport/index.ts"
import { noteOnAddress } from "./advertised.ts"
import type { PeerConfig } from "./config.ts"
import { createListener } from "./sip-listener.ts"

export interface SipEdgeComponents {
  readonly runtime: Runtime
  readonly link: Link
  readonly location: LocationService
  /** Without it phones tell nobody of their presence. */
  readonly publications?: PublicationService | undefined
  /** Without them phones get no GRUUs (RFC 5627). */
  readonly gruuKeys?: GruuKeys | undefined
  /** Without one, anybody may register anything. */
  readonly users?: UserDirectory | undefined
  /** At least 32 secret bytes. The same ones after a restart keep calls and UDP phones reachable. */
  readonly secret: Uint8Array
  /** Without one, phones send their media to each other. */
  readonly media?: MediaPath | undefined
  /** Take the place of the configuration's: for networks that are simulated. */
  readonly listeners?: readonly Transport[] | undefined
}

/** Counts for status pages. */
export interface SipEdgeStatus {
  readonly transactions: number
  readonly pendingRegistrations: number
}

/** See the head of this file. */
export class SipEdge {
  readonly #runtime: Runtime
  readonly #config: PeerConfig
  readonly #listeners: readonly Transport[]
  readonly #certificates: Certificates | undefined
  readonly #transports: TransportSet
  readonly #layer: TransactionLayer
  readonly #registrar: Registrar
  readonly #events: EventServer
  readonly #keepAlive: NatKeepAlive

  constructor({ runtime, link, location: bindings, publications, gruuKeys, users, secret, media, listeners }: SipEdgeComponents, config: PeerConfig) {
    this.#runtime = runtime
    this.#config = config
    const overlay = new OverlayTransport({ runtime, link })
    this.#certificates = config.tls && new Certificates({ runtime }, config.tls)
    const guard = new SourceGuard({ runtime }, config.sources)
    const listenerComponents = { runtime, certificates: this.#certificates, gate: guard }
    // A page of any site may reach loopback from a browser of this machine: it must not register where passwords are not asked for.
    const isOpenToAll = users !== undefined || config.openRegistration
    const origins = config.webOrigins ?? (isOpenToAll ? undefined : "loopback")
    const { maxConnections: maxConnectionsPerSource } = config.sources
    this.#listeners = listeners ?? config.sip.map((text) => createListener(text, listenerComponents, { origins, maxConnectionsPerSource }))
    const resolver = createResolver(runtime, this.#listeners, config)
    const transports = new TransportSet(
      { runtime, transports: [...this.#listeners, overlay], resolver },
      { flowTokenSecret: derive(secret, "flow tokens") },
    )
    this.#transports = transports
    const { maxTransactions, maxPendingRegistrations, maxSubscriptions } = config.limits
    const layer = new TransactionLayer({ runtime, transports: transports.all }, { maxTransactions })
    this.#layer = layer
    const domains = new ServedDomains(config.domains, (host, port) => transports.isSelf(host, port))
    const dialogTokens = new DialogTokens(derive(secret, "dialog tokens"))
    const { realm, digestAlgorithms: algorithms } = config
    const authenticator = users && new DigestAuthenticator({ runtime, users }, { realm, algorithms })
    const { thirdParties, natKeepAliveSeconds: intervalSeconds } = config.registration
    const keepAlive = new NatKeepAlive({ runtime, send: (request, flow) => layer.sendStateless(request, flow) }, { intervalSeconds })
    this.#keepAlive = keepAlive
    const events = new EventServer({ runtime, layer, location: bindings, domains, publications }, { thirdParties, maxSubscriptions, isOpen: users === undefined })
    this.#events = events
    const location = events.watched
    const gruus = gruuKeys && new Gruus({ runtime, location, domains, keys: gruuKeys })
    this.#registrar = new Registrar({
      runtime,
      location,
      domains,
      gruus,
      authenticator,
      pathFor: pathThrough(transports),
      serviceRouteFor: serviceRoute,
      send: (response, flow) => layer.sendStateless(response, flow),
      onAuthentic: (flow) => guard.vouch(flow),
      onRegistered: (registration) => keepAlive.note(registration),
    }, { ...config.registration, maxPending: maxPendingRegistrations })
    const { maxRingingSeconds, ringSeconds, directFallback = config.mesh === undefined, ...calls } = config.calls
    const proxy = new SipProxy(
      { runtime, layer, transports, location, gruus, domains, authenticator, dialogTokens, notifier: events, media },
      { ...calls, directFallback, timerCMs: maxRingingSeconds * 1000, ringMs: ringSeconds * 1000, gateways: config.gateways.map(toGateway) },
    )
    layer.onUnparsed((bytes, flow) => this.#registrar.handleUnparsed(bytes, flow))
    layer.onStateless((request, flow) => this.#registrar.handle(request, flow))
    layer.onRequest((transaction) => proxy.handle(transaction))
    layer.onMalformed((flow) => guard.penalise(flow))
    layer.onStray((message, flow) => {
      if (!keepAlive.takes(message, flow)) proxy.handleStray(message, flow)
    })
  }

  /** `udp:127.0.0.1:5060` and the like, as bound. */
  get addresses(): readonly string[] {
    return this.#listeners.map(({ protocol, bound, advertised }) => `${protocol.toLowerCase()}:${formatHostPort(bound ?? advertised)}`)
  }

  get status(): SipEdgeStatus {
    return { transactions: this.#layer.size, pendingRegistrations: this.#registrar.pending }
  }

  /**
   * Begins to listen. Rejects with `P2PSIP_BAD_CONFIG` where the certificate
   * cannot be used, with `P2PSIP_PORT_IN_USE` where that is the reason.
   */
  async start(): Promise<void> {
    await this.#certificates?.start()
    await this.#transports.start()
    this.#tellAddresses()
  }

  #tellAddresses(): void {
    const local = [...localAddresses(4), ...localAddresses(6)]
    for (const [index, listener] of this.#config.sip.entries()) {
      const advertised = this.#listeners[index]?.advertised
      const note = advertised && noteOnAddress(listener, advertised, local)
      if (note !== undefined) this.#runtime.log[note.isDoubtful ? "warn" : "info"]({}, note.text)
    }
  }

  async stop(): Promise<void> {
    this.#events.stop()
    this.#keepAlive.stop()
    this.#layer.stop()
    await this.#transports.stop()
    this.#certificates?.stop()
  }

  /** Reads the certificate again. Rejects with `P2PSIP_BAD_CONFIG`, and keeps the old one, where the new one cannot be used. */
  async reloadCertificates(): Promise<void> {
    await this.#certificates?.reload()
  }
}

function toGateway({ trusted, ...gateway }: PeerConfig["gateways"][number]): Gateway {
  const networks = new BlockList()
  for (const network of trusted ?? []) {
    const parsed = parseNetwork(network)
    if (parsed !== undefined) networks.addSubnet(...parsed)
  }
  return { ...gateway, trusted: networks }
}

/** Finds the SIP servers of other domains (RFC 3263). */
function createResolver(runtime: Runtime, transports: readonly Transport[], { dns }: PeerConfig): DnsTargetResolver {
  const servers = dns.servers?.map(parseDnsServer).filter((server) => server !== undefined)
  return new DnsTargetResolver({ runtime, transports, dns: new CachingDns({ runtime, client: new DnsClient({ runtime }, { servers }) }) })
}

function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), `p2psip ${purpose}`, 32))
}

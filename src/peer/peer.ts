/** One peer: a member of the overlay that serves phones. */
import { hash, hkdfSync } from "node:crypto"
import type { PrivateKey } from "@libp2p/interface"
import { peerIdFromPrivateKey } from "@libp2p/peer-id"
import { loadBackend } from "../../backends/index.ts"
import { badArgument, P2PSipError } from "../errors.ts"
import { createKey, loadOrCreateKey } from "../link/identity.ts"
import { Libp2pLink } from "../link/libp2p.ts"
import type { Link, PeerId } from "../link/link.ts"
import type { Settings } from "../link/settings.ts"
import { MediaRelay } from "../media/media-relay.ts"
import { UdpPortPairs } from "../media/relay-ports.ts"
import { RegistryMetrics } from "../runtime/metrics.ts"
import { NodeRuntime } from "../runtime/node.ts"
import type { Runtime } from "../runtime/runtime.ts"
import type { UserDirectory } from "../security/users.ts"
import type { NetworkLink, P2PSipServlet, ServletStatus } from "../servlet/index.ts"
import { adminRoutes } from "./admin-api.ts"
import { explain, parseConfig, parsePortRange, type PeerConfig, type PeerConfigInput } from "./config.ts"
import { OverlayGruuKeys } from "./gruu-keys.ts"
import { HttpServer } from "./http-server.ts"
import { ServletLocation } from "./location.ts"
import { oncePerTurn } from "./once-per-turn.ts"
import { joinPatiently } from "./patient-join.ts"
import { ServletPublications } from "./publications.ts"
import { ReadinessProbe, type Readiness } from "./readiness.ts"
import { SipEdge, type SipEdgeStatus } from "./sip-edge.ts"
import { userDirectoryOf, type FindUser } from "./user-directories.ts"

/** What a program may bring along instead of what the configuration would make. */
export interface PeerComponents {
  /** @default the real machine's, with the log level of the configuration */
  readonly runtime?: Runtime
  /** @default a registry of this peer's own; what `/metrics` shows */
  readonly metrics?: RegistryMetrics
  /** @default libp2p */
  readonly link?: Link
  /** Knows users besides those of the configuration. */
  readonly findUser?: FindUser
}

/** Where a started peer can be reached. */
export interface PeerAddresses {
  readonly peerId: PeerId
  /** Multiaddrs for other peers. */
  readonly listen: readonly string[]
  /** For phones: `udp:127.0.0.1:5060`. */
  readonly sip: readonly string[]
  /** For monitors and the command line: `http://127.0.0.1:8080`. */
  readonly http?: string
}

/** A snapshot for people and monitors; plain data, fit for JSON. */
export interface PeerStatus extends PeerAddresses {
  readonly state: "new" | "starting" | "running" | "leaving" | "stopped"
  readonly domains: readonly string[]
  readonly uptimeSeconds: number
  readonly servlet: ServletStatus
  readonly sipEdge: SipEdgeStatus
  /** Every counter, by its Prometheus name. */
  readonly counters: Readonly<Record<string, number>>
}

/** For handing the records over; the Link has its own two seconds after that. */
const leaveTimeoutMs = 6000
/** How long a servlet may take to notice that it is to hurry. */
const hurryTimeoutMs = 500

/**
 * Builds a peer; nothing is opened before {@link Peer.start}.
 *
 * Rejects with `P2PSIP_BAD_CONFIG`, `P2PSIP_NO_BACKEND` or `P2PSIP_STORAGE`.
 *
 * @example
 * const peer = await createPeer({ domains: ["example.org"], sip: ["udp:127.0.0.1:5060"] })
 * await peer.start()
 * process.once("SIGTERM", () => void peer.leave())
 */
export async function createPeer(input: PeerConfigInput, components: PeerComponents = {}): Promise<Peer> {
  const config = parseConfig(input)
  const metrics = components.metrics ?? new RegistryMetrics()
  const runtime = components.runtime ?? new NodeRuntime({ logLevel: config.logLevel }, { metrics })
  const backend = await loadBackend(config.backend)
  const { backendOptions, replication, acks, storage, mesh } = config
  const wanted = {
    ...backendOptions,
    ...(replication === undefined ? {} : { replication }),
    ...(acks === undefined ? {} : { acks }),
    ...(storage === undefined ? {} : { storage }),
    ...(mesh === undefined ? {} : { mesh }),
  }
  const options = backend.optionsSchema.safeParse(wanted)
  if (!options.success) throw explain(options.error, wanted, () => `for backend ${config.backend}`, "backendOptions")
  const privateKey = config.data === undefined ? await createKey() : await loadOrCreateKey(config.data)
  const beneath = (): Link => components.link ?? createLibp2pLink(runtime, privateKey, config)
  const network = backend.createLink?.({ runtime, name: peerIdFromPrivateKey(privateKey).toString(), beneath }, options.data)
  const link = network ?? beneath()
  const servlet = backend.create({ runtime, link, dataFolder: config.data }, options.data)
  const secret = new Uint8Array(hkdfSync("sha256", privateKey.raw, new Uint8Array(0), "p2psip sip edge", 32))
  const users = userDirectoryOf({ runtime, servlet, findUser: components.findUser }, config)
  return new Peer({ runtime, metrics, link, network, servlet, users, secret }, config)
}

function createLibp2pLink(runtime: Runtime, privateKey: PrivateKey, config: PeerConfig): Link {
  const { maxConnections, maxFrameBytes, maxQueuedBytes, maxKnownPeers } = config.limits
  const { listen, announce, secret } = config
  return new Libp2pLink({ runtime, privateKey }, { settings: commonSettings(config), secret, listen, announce, maxConnections, maxFrameBytes, maxQueuedBytes, maxKnownPeers })
}

/** What a phone would notice if two peers had it otherwise. Who may be a user is told as a hash, passwords not at all. */
function commonSettings({ domains, realm, users }: PeerConfig): Settings {
  const token = (parts: readonly string[]): string => hash("sha256", parts.join("\n"), "hex").slice(0, 8)
  return {
    domains: token(domains.map((domain) => domain.toLowerCase()).sort()),
    users: token([users.length === 0 ? "" : realm ?? domains[0] ?? "", ...users.map(({ username }) => username).sort()]),
  }
}

function createMediaRelay(
  components: { readonly runtime: Runtime; readonly link: Link },
  { ports, address, advertise }: NonNullable<PeerConfig["mediaRelay"]>,
  { maxRingingSeconds }: PeerConfig["calls"],
): MediaRelay {
  const pairs = new UdpPortPairs(address, parsePortRange(ports) ?? badArgument("mediaRelay.ports", "a range of ports", ports))
  return new MediaRelay({ ...components, ports: pairs }, { advertise, idleMs: (maxRingingSeconds + 50) * 1000 })
}

interface PeerParts {
  readonly runtime: Runtime
  readonly metrics: RegistryMetrics
  readonly link: Link
  /** The Link, if it is a network. */
  readonly network: NetworkLink | undefined
  readonly servlet: P2PSipServlet
  readonly users: UserDirectory | undefined
  readonly secret: Uint8Array
}

/** See {@link createPeer}. */
export class Peer {
  readonly config: PeerConfig
  /** The overlay as a hash table: put, get, remove, lookup. */
  readonly servlet: P2PSipServlet
  readonly #runtime: Runtime
  readonly #metrics: RegistryMetrics
  readonly #link: Link
  readonly #media: MediaRelay | undefined
  readonly #sip: SipEdge
  readonly #probe: ReadinessProbe
  readonly #http: HttpServer | undefined
  readonly #ended = Promise.withResolvers<void>()
  #state: PeerStatus["state"] = "new"
  #startedAt = 0
  /** The listeners that {@link start} opens. */
  #opening: Promise<void> | undefined
  #leaving: Promise<void> | undefined

  constructor(parts: PeerParts, config: PeerConfig) {
    const { runtime, metrics, link, network, servlet, users, secret } = parts
    this.config = config
    this.servlet = servlet
    this.#runtime = runtime
    this.#metrics = metrics
    this.#link = link
    const [location, gruuKeys] = [new ServletLocation({ runtime, servlet }), new OverlayGruuKeys({ runtime, servlet })]
    const publications = new ServletPublications({ runtime, servlet })
    this.#media = config.mediaRelay && createMediaRelay({ runtime, link }, config.mediaRelay, config.calls)
    this.#sip = new SipEdge({ runtime, link, location, publications, gruuKeys, users, secret, media: this.#media }, config)
    this.#probe = new ReadinessProbe({ runtime, servlet })
    this.#http = config.http === undefined ? undefined : this.#createHttp(config.http, network)
    const overlay = oncePerTurn(() => servlet.status())
    metrics.gauge("p2psip_records_owned", "Live values for which this peer is responsible.", () => overlay().records.owned)
    metrics.gauge("p2psip_records_copies", "Live values that this peer keeps as a copy.", () => overlay().records.copies)
    metrics.gauge("p2psip_peers_known", "Peers that this one knows of.", () => overlay().peersKnown)
  }

  /** Where this peer can be reached; complete once it has started. */
  get addresses(): PeerAddresses {
    const { peerId, addresses } = this.#link.self
    const isOpen = this.#state !== "new" && this.#state !== "stopped"
    return { peerId, listen: addresses, sip: this.#sip.addresses, ...(isOpen && this.#http !== undefined ? { http: this.#http.url } : {}) }
  }

  /** Resolves when the peer has stopped, whoever wanted that. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /**
   * Opens all listeners and joins the overlay; resolves when phones are served.
   * Where that fails everything is closed again, and it rejects with
   * `P2PSIP_PORT_IN_USE`, `P2PSIP_BOOTSTRAP_FAILED` or the like; with
   * `P2PSIP_NOT_OPEN` where the peer is stopped, or leaves, meanwhile.
   */
  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#state !== "new") throw new P2PSipError("P2PSIP_NOT_OPEN", "a peer starts once; create another one")
    this.#state = "starting"
    this.#startedAt = this.#runtime.now()
    try {
      // Ports first: what can fail at once fails before anybody has heard of this peer.
      this.#opening = this.#open()
      await this.#opening
      const { bootstrap, bootstrapSeconds } = this.config
      await joinPatiently({ runtime: this.#runtime, servlet: this.servlet }, { ...options, bootstrap, patienceMs: bootstrapSeconds * 1000 })
      this.#requireStarting()
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#become("running")
    this.#runtime.log.info({ ...this.addresses, backend: this.servlet.backend }, "peer is ready")
  }

  /** Hands the records over to the other peers, then stops; within 10 s in any case. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** Closes everything without handing anything over. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === "stopped") return this.#ended.promise
    this.#state = "stopped"
    // What is just being opened can be closed when it is open, and only then.
    await this.#opening?.catch(() => undefined)
    await Promise.all([this.#sip.stop(), this.#media?.stop(), this.#http?.stop()])
    await this.#abandon()
    await this.#link.stop()
    this.#ended.resolve()
  }

  /** Reads the SIP listeners' certificate again. Rejects with `P2PSIP_BAD_CONFIG`, and keeps the old one, where the new one cannot be used. */
  reloadCertificates(): Promise<void> {
    return this.#sip.reloadCertificates()
  }

  /** Whether a put and a get work just now. */
  ready(): Promise<Readiness> {
    return this.#state === "running" ? this.#probe.check() : Promise.resolve({ ready: false, reason: `this peer is ${this.#state}`, elapsedMs: 0 })
  }

  status(): PeerStatus {
    return {
      ...this.addresses,
      state: this.#state,
      domains: this.config.domains,
      uptimeSeconds: Math.floor((this.#runtime.now() - this.#startedAt) / 1000),
      servlet: this.servlet.status(),
      sipEdge: this.#sip.status,
      counters: this.#metrics.counts(),
    }
  }

  /** One after the other, until somebody stops the peer. */
  async #open(): Promise<void> {
    for (const part of [this.#link, this.#media, this.#sip, this.#http]) {
      await part?.start()
      this.#requireStarting()
    }
  }

  #requireStarting(): void {
    if (this.#state !== "starting") throw new P2PSipError("P2PSIP_NOT_OPEN", "the peer was stopped before it had started")
  }

  async #leave(): Promise<void> {
    if (this.#state === "stopped") return
    this.#become("leaving")
    const patience = new AbortController()
    const timer = this.#runtime.setTimer(leaveTimeoutMs, () => patience.abort())
    await this.#leaveServlet(patience.signal)
    timer.cancel()
    await this.stop()
  }

  /** Leaves in no time: the servlet ends its timers, and others find out on their own. */
  #abandon(): Promise<void> {
    return this.#leaveServlet(AbortSignal.abort())
  }

  /** Never rejects, and does not wait long for a servlet that does not obey the signal. */
  async #leaveServlet(signal: AbortSignal): Promise<void> {
    const left = this.servlet.leave({ signal }).catch((error: unknown) => {
      this.#runtime.log.warn({ error: String(error) }, "the hand-over did not finish")
    })
    const late = Promise.withResolvers<void>()
    const hurry = (): void => void this.#runtime.setTimer(hurryTimeoutMs, () => late.resolve())
    if (signal.aborted) hurry()
    else signal.addEventListener("abort", hurry, { once: true })
    await Promise.race([left, late.promise])
  }

  #become(state: PeerStatus["state"]): void {
    this.#state = state
  }

  #createHttp(address: string, network: NetworkLink | undefined): HttpServer {
    const routes = adminRoutes({
      runtime: this.#runtime,
      servlet: this.servlet,
      network,
      check: () => this.ready(),
      status: () => this.status(),
      metrics: async () => ({ text: await this.#metrics.text(), contentType: this.#metrics.contentType }),
      leave: () => void this.leave(),
    })
    return new HttpServer({ runtime: this.#runtime }, { address, token: this.config.httpToken }, routes)
  }
}

/** Peers with registrar and proxy, and phones played by the test, on one virtual clock. */
import { createResponse, parseMessage, SipRequest, SipResponse } from "../../src/sip/message/index.ts"
import type { SipMessage } from "../../src/sip/message/index.ts"
import { EventServer } from "../../src/sip/events/index.ts"
import { DialogTokens } from "../../src/sip/proxy/dialog-tokens.ts"
import { pathThrough } from "../../src/sip/proxy/forwarding.ts"
import { SipProxy } from "../../src/sip/proxy/proxy.ts"
import type { ProxyOptions } from "../../src/sip/proxy/proxy.ts"
import type { Authenticator } from "../../src/sip/registrar/authenticator.ts"
import { Registrar } from "../../src/sip/registrar/registrar.ts"
import { ServedDomains } from "../../src/sip/registrar/served-domains.ts"
import { TransactionLayer } from "../../src/sip/transaction/index.ts"
import { TransportSet } from "../../src/sip/transport/index.ts"
import type { Flow, HostPort } from "../../src/sip/transport/index.ts"
import { ManualRuntime } from "./manual-runtime.ts"
import { MapLocation } from "./map-location.ts"
import { MapPublications } from "./map-publications.ts"
import { MemoryNetwork } from "./memory-transport.ts"
import type { MemoryTransport } from "./memory-transport.ts"

export const domain = "example.org"

export class World {
  readonly runtime = new ManualRuntime()
  readonly network = new MemoryNetwork(this.runtime)
  readonly location = new MapLocation()
  readonly publications = new MapPublications()

  /** A peer at `10.0.0.<number>`. */
  addPeer(number: number, options: PeerOptions = {}): Peer {
    return new Peer(this, number, options)
  }

  /** A phone at that address; its first message goes to `peer`. */
  addPhone(name: string, host: string, peer: Peer, protocol: "UDP" | "TCP" = "UDP"): Phone {
    return new Phone(this, name, this.network.add(protocol, host), peer)
  }

  /** Lets messages and promises run, for a moment of virtual time. */
  async run(ms = 10): Promise<void> {
    await this.runtime.advanceAsync(ms)
    await this.runtime.advanceAsync(0)
  }
}

export interface PeerOptions extends ProxyOptions {
  readonly authenticator?: Authenticator
  readonly domains?: readonly string[]
}

export class Peer {
  readonly udp: MemoryTransport
  readonly tcp: MemoryTransport
  readonly overlay: MemoryTransport
  readonly layer: TransactionLayer
  readonly registrar: Registrar
  readonly proxy: SipProxy
  readonly transports: TransportSet
  readonly address: HostPort

  constructor({ runtime, network, location, publications }: World, number: number, options: PeerOptions) {
    const { authenticator } = options
    const host = `10.0.0.${number}`
    const overlayHost = `peer${number}.p2psip.invalid`
    this.address = { host, port: 5060 }
    this.udp = network.add("UDP", host)
    this.tcp = network.add("TCP", host)
    this.overlay = network.add("P2P", overlayHost)
    const transports = new TransportSet({ runtime, transports: [this.udp, this.tcp, this.overlay] })
    this.transports = transports
    this.layer = new TransactionLayer({ runtime, transports: transports.all })
    const dialogTokens = new DialogTokens(runtime.random.bytes(32))
    const domains = new ServedDomains(options.domains ?? [domain], (host, port) => transports.isSelf(host, port))
    const send = (response: SipResponse, flow: Flow) => this.layer.sendStateless(response, flow)
    this.registrar = new Registrar({ runtime, location, domains, authenticator, pathFor: pathThrough(transports), send })
    const notifier = new EventServer({ runtime, layer: this.layer, location, domains, publications }, { isOpen: authenticator === undefined })
    const components = { runtime, layer: this.layer, transports, location, domains, authenticator, dialogTokens, notifier }
    this.proxy = new SipProxy(components, options)
    this.layer.onStateless((request, flow) => this.registrar.handle(request, flow))
    this.layer.onRequest((transaction) => this.proxy.handle(transaction))
    this.layer.onStray((message, flow) => this.proxy.handleStray(message, flow))
  }

  /** The peer is gone without a word. */
  kill(): void {
    for (const transport of [this.udp, this.tcp, this.overlay]) transport.onMessage(() => undefined)
    this.layer.stop()
  }
}

let unique = 0

export type HeaderChanges = Readonly<Record<string, string | readonly string[]>>

export class Phone {
  readonly transport: MemoryTransport
  readonly name: string
  readonly peer: Peer
  readonly #world: World
  /** On what each request came. */
  readonly #flows = new Map<SipRequest, Flow>()
  /** What has come and was not taken. */
  readonly inbox: { readonly message: SipMessage; readonly flow: Flow }[] = []

  constructor(world: World, name: string, transport: MemoryTransport, peer: Peer) {
    this.#world = world
    this.name = name
    this.transport = transport
    this.peer = peer
    transport.onMessage((bytes, flow) => void this.inbox.push({ message: parseMessage(bytes), flow }))
  }

  get contact(): string {
    const { protocol, advertised } = this.transport
    return `sip:${this.name}@${advertised.host}:${advertised.port}${protocol === "TCP" ? ";transport=tcp" : ""}`
  }

  /** A request of this phone, with a Via of its own. Headers in `changes` replace the usual ones. */
  request(method: string, uri: string, changes: HeaderChanges = {}): SipRequest {
    const { protocol, advertised } = this.transport
    const id = ++unique
    const request = SipRequest.create(method, uri, [
      ["Via", `SIP/2.0/${protocol} ${advertised.host}:${advertised.port};branch=z9hG4bK-${this.name}-${id};rport`],
      ["Max-Forwards", "70"],
      ["From", `<sip:${this.name}@${domain}>;tag=${this.name}`],
      ["To", `<${uri}>`],
      ["Call-ID", `call-${id}`],
      ["CSeq", `1 ${method}`],
      ["Contact", `<${this.contact}>`],
    ])
    for (const [name, value] of Object.entries(changes)) {
      request.headers.remove(name)
      for (const one of typeof value === "string" ? [value] : value) request.headers.append(name, one)
    }
    return request
  }

  send(message: SipMessage, to: HostPort = this.peer.address): void {
    this.transport.flowTo(to).send(message.toBytes())
  }

  /** Sends a request and gives what came back first, after a moment. */
  async ask(request: SipRequest): Promise<SipResponse> {
    this.send(request)
    await this.#world.run()
    return this.takeResponse()
  }

  async register(changes: HeaderChanges = {}, user = this.name): Promise<SipResponse> {
    return this.ask(this.request("REGISTER", `sip:${domain}`, { To: `<sip:${user}@${domain}>`, ...changes }))
  }

  /** Answers a request on the flow it came on. */
  reply(request: SipRequest, status: number, headers: [string, string][] = []): void {
    const flow = this.#flows.get(request) ?? this.transport.flowTo(this.peer.address)
    const response = createResponse(request, status, undefined, {
      toTag: this.name,
      headers: [["Contact", `<${this.contact}>`], ...headers],
      withRecordRoute: true,
    })
    flow.send(response.toBytes())
  }

  /** The oldest request that has come. */
  takeRequest(method: string): SipRequest {
    const index = this.inbox.findIndex(({ message }) => message instanceof SipRequest && message.method === method)
    const [taken] = index === -1 ? [] : this.inbox.splice(index, 1)
    if (!(taken?.message instanceof SipRequest)) throw new Error(`${this.name} has no ${method}: ${this.summary().join(", ")}`)
    this.#flows.set(taken.message, taken.flow)
    return taken.message
  }

  /** The oldest response that has come, the 100s left out. */
  takeResponse(): SipResponse {
    for (;;) {
      const index = this.inbox.findIndex(({ message }) => message instanceof SipResponse)
      const [taken] = index === -1 ? [] : this.inbox.splice(index, 1)
      if (!(taken?.message instanceof SipResponse)) throw new Error(`${this.name} has no response: ${this.summary().join(", ")}`)
      if (taken.message.status !== 100) return taken.message
    }
  }

  /** Methods and statuses in the inbox, the 100s left out. */
  summary(): string[] {
    return this.inbox
      .map(({ message }) => (message instanceof SipRequest ? message.method : message instanceof SipResponse ? String(message.status) : "?"))
      .filter((text) => text !== "100")
  }

  /** An in-dialog request to the other side, along the route set that a message of the dialog has given. */
  inDialog(method: string, from: SipMessage, cseq = 2): SipRequest {
    const isCaller = from instanceof SipResponse
    const routes = from.headers.getAll("Record-Route")
    const target = from.headers.getAll("Contact")[0] ?? ""
    const own = isCaller ? from.headers.get("From") : `${from.headers.get("To")};tag=${this.name}`
    return this.request(method, target.slice(1, target.indexOf(">")), {
      Route: isCaller ? routes.toReversed() : routes,
      From: own ?? "",
      To: (isCaller ? from.headers.get("To") : from.headers.get("From")) ?? "",
      "Call-ID": from.callId,
      CSeq: `${cseq} ${method}`,
    })
  }
}

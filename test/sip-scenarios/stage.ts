/** Peers and phones of one scenario, their common time, and the story so far. */
import { expect } from "vitest"
import { MemoryServlet } from "../../backends/memory/index.ts"
import { MemoryLink, MemoryNetwork } from "../../src/link/memory.ts"
import { MediaRelay } from "../../src/media/media-relay.ts"
import { parseConfig, type PeerConfigInput } from "../../src/peer/config.ts"
import { OverlayGruuKeys } from "../../src/peer/gruu-keys.ts"
import { ServletLocation } from "../../src/peer/location.ts"
import { ServletPublications } from "../../src/peer/publications.ts"
import { SipEdge } from "../../src/peer/sip-edge.ts"
import { userDirectoryOf } from "../../src/peer/user-directories.ts"
import type { LocationService } from "../../src/sip/registrar/location-service.ts"
import type { HostPort } from "../../src/sip/transport/index.ts"
import { parseHostPort } from "../../src/sip/transport/host-port.ts"
import type { TestDnsServer } from "../support/dns-server.ts"
import { TestPortPairs } from "../support/port-pairs.ts"
import { SocketRuntime } from "../support/socket-runtime.ts"
import { Phone } from "./phone.ts"
import type { Home, PhoneProtocol, PhoneSettings } from "./phone-settings.ts"

/** Longer than a call may ring and a transaction may linger, in virtual milliseconds. */
const untilAllIsOverMs = 300_000

/** See the head of this file. */
export class Stage {
  readonly runtime = new SocketRuntime()
  readonly servlet = new MemoryServlet({ runtime: this.runtime })
  /** Where all peers keep and find bindings. */
  readonly location: LocationService = new ServletLocation({ runtime: this.runtime, servlet: this.servlet })
  readonly links = new MemoryNetwork()
  readonly peers: StagePeer[] = []
  readonly phones: Phone[] = []
  readonly dns: TestDnsServer
  readonly #story: string[] = []

  constructor(dns: TestDnsServer) {
    this.dns = dns
  }

  /** Starts a peer; the first one is the phones' home. */
  async addPeer(config: PeerConfigInput = {}): Promise<StagePeer> {
    const peer = new StagePeer(this, config)
    this.peers.push(peer)
    await peer.start()
    for (const other of this.peers) {
      if (other === peer) continue
      other.link.learn(peer.link.self)
      peer.link.learn(other.link.self)
    }
    return peer
  }

  /** A phone that is plugged in and has said nothing. */
  async addPhone(name: string, settings: PhoneSettings = {}): Promise<Phone> {
    const [home] = this.peers
    if (home === undefined) throw new Error("a phone needs a peer")
    const { runtime } = this
    const phone = new Phone({ runtime, home, note: (line) => this.note(line), story: () => this.story() }, name, settings)
    this.phones.push(phone)
    await phone.start()
    return phone
  }

  /** Lets time pass, after all that was sent has arrived. */
  async pass(ms: number): Promise<void> {
    await this.settle()
    this.note(`${ms} ms pass`)
    await this.runtime.advanceAsync(ms)
    await this.settle()
  }

  /** Resolves when what phones have sent is dealt with, and what follows from it has come. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) await Promise.all(this.phones.filter(({ home }) => this.#isRunning(home)).map((phone) => phone.ping()))
  }

  note(line: string): void {
    this.#story.push(line)
  }

  story(): string {
    return this.#story.map((line) => `    ${line}`).join("\n")
  }

  /** What must hold at the end of each scenario. */
  async check(): Promise<void> {
    await this.settle()
    const left = this.phones.flatMap(({ name, inbox }) => inbox.map((summary) => `${name}: ${summary}`))
    expect(left, `nobody has asked for what came\n${this.story()}`).toEqual([])
    const missing = this.phones.filter(({ unacknowledged }) => unacknowledged > 0).map(({ name }) => name)
    expect(missing, `refusals without an ACK\n${this.story()}`).toEqual([])
    await this.runtime.advanceAsync(untilAllIsOverMs)
    const transactions = this.peers.map(({ edge }) => edge.status.transactions)
    expect(transactions, `transactions that never end\n${this.story()}`).toEqual(transactions.map(() => 0))
    expect(this.runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
  }

  async end(): Promise<void> {
    await Promise.all(this.phones.map((phone) => phone.unplug()))
    await Promise.all(this.peers.map((peer) => peer.stop()))
  }

  #isRunning(home: Home): boolean {
    return this.peers.some((peer) => peer === home && peer.isRunning)
  }
}

/** The SIP side of one peer. */
export class StagePeer implements Home {
  readonly edge: SipEdge
  readonly media: MediaRelay | undefined
  /** Those of the relay, which have no network. */
  readonly ports: TestPortPairs | undefined
  readonly link: MemoryLink
  readonly domain: string
  isRunning = false

  constructor({ runtime, links, location, servlet, dns }: Stage, input: PeerConfigInput) {
    const config = parseConfig({ domains: ["example.org"], sip: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], dns: { servers: [dns.address] }, ...input })
    this.domain = config.domains[0] ?? ""
    this.link = new MemoryLink({ runtime, network: links })
    const users = userDirectoryOf({ runtime, servlet, findUser: undefined }, config)
    const gruuKeys = new OverlayGruuKeys({ runtime, servlet })
    const publications = new ServletPublications({ runtime, servlet })
    this.ports = config.mediaRelay && new TestPortPairs("127.0.0.1", 4)
    this.media = this.ports && new MediaRelay({ runtime, link: this.link, ports: this.ports })
    this.edge = new SipEdge({ runtime, link: this.link, location, publications, gruuKeys, users, secret: runtime.random.bytes(32), media: this.media }, config)
  }

  async start(): Promise<void> {
    await this.link.start()
    await this.media?.start()
    await this.edge.start()
    this.isRunning = true
  }

  /** Also without a word to phones and other peers. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.isRunning = false
    await this.edge.stop()
    await this.media?.stop()
    await this.link.stop()
  }

  addressFor(protocol: PhoneProtocol): HostPort {
    const prefix = `${protocol.toLowerCase()}:`
    const found = this.edge.addresses.find((address) => address.startsWith(prefix))
    const address = found === undefined ? undefined : parseHostPort(found.slice(prefix.length))
    if (address === undefined) throw new Error(`the peer does not listen for ${protocol}`)
    return address
  }
}

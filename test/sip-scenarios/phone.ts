/** A phone that does what the script says, on a socket of its own. */
import { chooseChallenge, credentialsFor } from "../../src/security/digest-client.ts"
import { createResponse, parseMessage, SipRequest, SipResponse, type SipMessage } from "../../src/sip/message/index.ts"
import { formatHostPort, TcpTransport, TlsTransport, UdpTransport, WssTransport, type Flow, type HostPort, type Transport } from "../../src/sip/transport/index.ts"
import type { Runtime } from "../../src/runtime/runtime.ts"
import { Acknowledgements, derived } from "./acknowledgements.ts"
import { changed, describing, labelOf, summaryOf, within } from "./messages.ts"
import type { HeaderChanges, Home, PhoneProtocol, PhoneSettings } from "./phone-settings.ts"

const pingPrefix = "ping-"
let serial = 0

const transportParameters = { UDP: "", TCP: ";transport=tcp", TLS: ";transport=tls", WSS: ";transport=ws" } as const

function transportOf(protocol: PhoneProtocol, runtime: Runtime, { host = "127.0.0.1", port = 0, certificates }: PhoneSettings): Transport {
  const components = { runtime, certificates }
  switch (protocol) {
    case "UDP":
      return new UdpTransport(components, { host, port })
    case "TCP":
      return new TcpTransport(components, { host, port })
    // Nobody calls such a phone but over the connection that it has made.
    case "TLS":
      return new TlsTransport(components, { host, port, listens: false })
    case "WSS":
      return new WssTransport(components, { host, port, listens: false })
  }
}

/** What a phone needs of the stage. */
export interface PhoneWorld {
  readonly runtime: Runtime
  readonly home: Home
  /** Adds a line to the story. */
  note(line: string): void
  /** All lines so far. */
  story(): string
}

/** See the head of this file. */
export class Phone {
  readonly name: string
  /** Its To tag, and part of whatever must be unique. */
  readonly tag = `t${++serial}`
  readonly user: string
  readonly home: Home
  /** What came and was left aside: `100`, retransmissions, ACKs for refusals. */
  readonly absorbed: string[] = []
  readonly #world: PhoneWorld
  readonly #settings: PhoneSettings
  readonly #transport: Transport
  readonly #acknowledgements = new Acknowledgements()
  readonly #flows = new Map<SipRequest, Flow>()
  readonly #inbox: SipMessage[] = []
  readonly #pings = new Map<string, () => void>()
  #wake: (() => void) | undefined
  #lastFlow: Flow | undefined
  #isOn = false

  constructor(world: PhoneWorld, name: string, settings: PhoneSettings) {
    this.name = name
    this.user = settings.user ?? name
    this.home = settings.peer ?? world.home
    this.#world = world
    this.#settings = settings
    this.#transport = transportOf(this.protocol, world.runtime, settings)
    this.#transport.onMessage((bytes, flow) => this.#receive(bytes, flow))
  }

  get protocol(): PhoneProtocol {
    return this.#settings.protocol ?? "UDP"
  }

  get address(): HostPort {
    return this.#transport.advertised
  }

  /** `sip:bob@example.org`. */
  get uri(): string {
    return `sip:${this.user}@${this.home.domain}`
  }

  /** The URI of its Contact. */
  get contact(): string {
    return `sip:${this.user}@${formatHostPort(this.address)}${transportParameters[this.protocol]}`
  }

  /** The flow on which something came last. */
  get lastFlow(): Flow | undefined {
    return this.#lastFlow
  }

  /** What has come and was not taken. */
  get inbox(): readonly string[] {
    return this.#inbox.map(summaryOf)
  }

  /** Refusals of this phone that nobody has acknowledged. */
  get unacknowledged(): number {
    return this.#acknowledgements.missing
  }

  async start(): Promise<void> {
    await this.#transport.start()
    this.#isOn = true
  }

  /** Goes away without a word; its connections break. */
  async unplug(): Promise<void> {
    if (!this.#isOn) return
    this.#isOn = false
    await this.#transport.stop()
  }

  /** A request with headers as phones send them; `changes` replace them. */
  request(method: string, uri: string, changes: HeaderChanges = {}): SipRequest {
    const id = `${this.tag}-${++serial}`
    const request = SipRequest.create(method, uri, [
      ["Via", `SIP/2.0/${this.protocol} ${formatHostPort(this.address)};branch=z9hG4bK${id};rport`],
      ["Max-Forwards", "70"],
      ["From", `<${this.uri}>;tag=${this.tag}`],
      ["To", `<${uri}>`],
      ["Call-ID", `call-${id}`],
      ["CSeq", `1 ${method}`],
      ["Contact", `<${this.contact}>${this.#settings.contactParameters ?? ""}`],
    ])
    return changed(request, changes)
  }

  /** A REGISTER of its user; `changes` as for {@link request}. */
  registration(changes: HeaderChanges = {}): SipRequest {
    return this.request("REGISTER", `sip:${this.home.domain}`, { To: `<${this.uri}>`, ...changes })
  }

  /** Sends a message, or bytes as they are. @default to its peer */
  sends<M extends SipMessage | string>(message: M, to: HostPort = this.home.addressFor(this.protocol)): M {
    const flow = this.#transport.flowTo(to)
    if (flow === undefined) throw new Error(`${this.name} has no way to ${formatHostPort(to)}`)
    this.#write(message, flow)
    return message
  }

  /** Sends an INVITE to a user of the domain, or to a URI. */
  calls(whom: string, changes: HeaderChanges = {}): SipRequest {
    return this.sends(this.request("INVITE", this.#uriOf(whom), changes))
  }

  /** Sends any request to a user of the domain, or to a URI. */
  asks(method: string, whom: string, changes: HeaderChanges = {}): SipRequest {
    return this.sends(this.request(method, this.#uriOf(whom), changes))
  }

  /** Sends an INVITE, and again with the credentials that the challenge asks for; gives the second. */
  async callsWithPassword(whom: string, changes: HeaderChanges = {}): Promise<SipRequest> {
    const invite = this.calls(whom, changes)
    return this.sends(this.withCredentials(invite, await this.gets(407)))
  }

  /** Registers, and gives the answer to the last REGISTER; answers a challenge where it has a password. */
  async registers(changes: HeaderChanges = {}): Promise<SipResponse> {
    return this.#settled(this.registration(changes))
  }

  /** {@link sends}, then the next final response; answers a challenge where it has a password. */
  async #settled(request: SipRequest): Promise<SipResponse> {
    this.sends(request)
    const response = await this.getsFinal()
    const isChallenged = response.status === 401 || response.status === 407
    if (!isChallenged || this.#settings.password === undefined) return response
    this.sends(this.withCredentials(request, response))
    return this.getsFinal()
  }

  /** The same request again with the answer to a challenge: next number, a branch of its own. */
  withCredentials(request: SipRequest, challenge: SipResponse, nonceCount = 1): SipRequest {
    const name = challenge.status === 401 ? "WWW-Authenticate" : "Proxy-Authenticate"
    const accepted = chooseChallenge(challenge.headers.getAll(name))
    if (accepted === undefined) throw new Error(`${this.name} cannot answer ${challenge.toString()}`)
    const again = request.clone()
    again.headers.set("CSeq", `${request.cseq.number + 1} ${request.method}`)
    again.headers.replaceFirst("Via", `SIP/2.0/${this.protocol} ${formatHostPort(this.address)};branch=z9hG4bK${this.tag}-${++serial};rport`)
    const { password = "" } = this.#settings
    const { method, uri } = request
    const credentials = credentialsFor(accepted, { username: this.user, password, method, uri, nonceCount, cnonce: this.tag })
    again.headers.append(challenge.status === 401 ? "Authorization" : "Proxy-Authorization", credentials)
    return again
  }

  /** Takes the next message, which must be a request of that method or a response of that status. */
  async gets(what: number): Promise<SipResponse>
  async gets(what: string): Promise<SipRequest>
  async gets(what: number | string): Promise<SipMessage> {
    const message = await this.#next(String(what))
    if (labelOf(message) !== String(what)) this.#fail(`expected ${what}, got ${summaryOf(message)}`)
    return message
  }

  /** Takes the next NOTIFY that tells something. One without a document asks only whether there is somebody here, and is answered. */
  async isNotified(): Promise<SipRequest> {
    const notify = await this.gets("NOTIFY")
    if (!notify.headers.get("Subscription-State")?.startsWith("pending")) return notify
    this.answers(notify, 200)
    if (notify.body.length > 0) this.#fail("expected no document before anybody has answered, got one")
    return this.gets("NOTIFY")
  }

  /** Takes the next message, which must be a final response. */
  async getsFinal(): Promise<SipResponse> {
    const message = await this.#next("a final response")
    if (!(message instanceof SipResponse) || message.status < 200) this.#fail(`expected a final response, got ${summaryOf(message)}`)
    return message
  }

  /** Takes as many messages as there are labels, which may come in any order; gives them in the order of the labels. */
  async getsAll(...labels: readonly (number | string)[]): Promise<SipMessage[]> {
    const taken: SipMessage[] = []
    for (const _ of labels) taken.push(await this.#next(labels.join(", ")))
    const sorted = labels.map((label) => taken.splice(taken.findIndex((message) => labelOf(message) === String(label)) >>> 0, 1)[0])
    if (sorted.includes(undefined)) this.#fail(`expected ${labels.join(", ")} in any order, got ${taken.map(summaryOf).join(", ")} besides`)
    return sorted.filter((message) => message !== undefined)
  }

  /** Answers a request, on the flow on which it came; with a session description where one is given. */
  answers(request: SipRequest, status: number, changes: HeaderChanges = {}, session = ""): SipResponse {
    const flow = this.#flows.get(request)
    if (flow === undefined) throw new Error(`${this.name} never got that ${request.method}`)
    const response = createResponse(request, status, undefined, {
      toTag: this.tag,
      headers: [["Contact", `<${this.contact}>`]],
      withRecordRoute: true,
    })
    this.#write(describing(changed(response, changes), session), flow)
    return response
  }

  /** A request inside the dialog that a message has made: the INVITE that this phone got, or the response to its own. */
  within(message: SipMessage, method: string, changes: HeaderChanges = {}): SipRequest {
    const isCaller = message instanceof SipResponse
    const { headers } = message
    const routes = headers.getAll("Record-Route")
    const contact = headers.getAll("Contact")[0] ?? ""
    const local = isCaller ? headers.get("From") : `${headers.get("To")};tag=${this.tag}`
    return this.request(method, contact.slice(contact.indexOf("<") + 1, contact.indexOf(">")), {
      Route: isCaller ? routes.toReversed() : routes,
      From: local,
      To: isCaller ? headers.get("To") : headers.get("From"),
      "Call-ID": message.callId,
      CSeq: `${method === "ACK" ? message.cseq.number : message.cseq.number + 1} ${method}`,
      ...changes,
    })
  }

  /** Acknowledges a 2xx. */
  acks(ok: SipResponse): SipRequest {
    return this.sends(this.within(ok, "ACK"))
  }

  /** Cancels an INVITE of its own, and takes the 200 for that. */
  async cancels(invite: SipRequest, changes: HeaderChanges = {}): Promise<void> {
    this.sends(changed(derived(invite, "CANCEL"), changes))
    const isAnswer = (message: SipMessage): boolean => message instanceof SipResponse && message.cseq.method === "CANCEL"
    const response = await this.#next("200 to CANCEL", isAnswer)
    if (labelOf(response) !== "200") this.#fail(`expected 200 to CANCEL, got ${summaryOf(response)}`)
  }

  /** Answers a CANCEL, and ends the INVITE with 487. */
  obeys(cancel: SipRequest): void {
    const branch = cancel.via?.branch
    const invite = [...this.#flows.keys()].find((request) => request.method === "INVITE" && request.via?.branch === branch)
    if (invite === undefined) this.#fail("got a CANCEL for an INVITE that never came")
    this.answers(cancel, 200)
    this.answers(invite, 487)
  }

  /** Resolves when whatever its peer had sent before has come. */
  async ping(): Promise<void> {
    if (!this.#isOn) return
    const callId = `${pingPrefix}${++serial}`
    const host = formatHostPort(this.home.addressFor(this.protocol))
    const answered = new Promise<void>((resolve) => this.#pings.set(callId, resolve))
    this.sends(this.request("OPTIONS", `sip:${host}`, { "Call-ID": callId }))
    await within(answered, () => `${this.name}: its peer does not answer OPTIONS`)
  }

  #receive(bytes: Uint8Array, flow: Flow): void {
    if (!this.#isOn) return
    const message = parseMessage(bytes)
    this.#lastFlow = flow
    const answered = message instanceof SipResponse ? this.#pings.get(message.callId) : undefined
    if (answered !== undefined) return answered()
    const { ack, isAbsorbed } = this.#acknowledgements.judge(message)
    this.#world.note(`${this.name} <- ${summaryOf(message)}${isAbsorbed ? " (absorbed)" : ""}`)
    if (ack !== undefined) this.#write(ack, flow)
    if (isAbsorbed) {
      this.absorbed.push(labelOf(message))
      return
    }
    if (message instanceof SipRequest) this.#flows.set(message, flow)
    this.#inbox.push(message)
    this.#wake?.()
  }

  #write(message: SipMessage | string, flow: Flow): void {
    if (typeof message === "string") {
      this.#world.note(`${this.name} -> ${message.slice(0, message.indexOf("\r\n"))}`)
      flow.send(Buffer.from(message, "latin1"))
      return
    }
    if (!message.callId.startsWith(pingPrefix)) this.#world.note(`${this.name} -> ${summaryOf(message)}`)
    this.#acknowledgements.noteSent(message)
    flow.send(message.toBytes())
  }

  /** Takes the first message that is wanted, and waits for it where need be. */
  async #next(expected: string, isWanted: (message: SipMessage) => boolean = () => true): Promise<SipMessage> {
    for (;;) {
      const index = this.#inbox.findIndex(isWanted)
      const [message] = index === -1 ? [] : this.#inbox.splice(index, 1)
      if (message !== undefined) return message
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      await within(woken, () => `${this.name} expected ${expected}, got nothing\n${this.#world.story()}`)
    }
  }

  #fail(what: string): never {
    throw new Error(`${this.name} ${what}\n${this.#world.story()}`)
  }

  #uriOf(whom: string): string {
    return whom.includes(":") ? whom : `sip:${whom}@${this.home.domain}`
  }
}

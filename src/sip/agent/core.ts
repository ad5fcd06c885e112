/** What the parts of a user agent share: identity, sending, the table of calls. */
import { isIP } from "node:net"
import type { Runtime } from "../../runtime/runtime.ts"
import { createResponse, SipRequest, SipUri } from "../message/index.ts"
import type { SipResponse } from "../message/index.ts"
import { TransactionLayer } from "../transaction/index.ts"
import type { ClientTransaction, TransactionOptions } from "../transaction/index.ts"
import { formatHostPort, LiteralResolver, TransportSet } from "../transport/index.ts"
import type { Flow, Remote, Transport } from "../transport/index.ts"
import type { Call } from "./call.ts"
import { Credentials } from "./credentials.ts"
import type { Dialog } from "./dialog.ts"
import type { AgentEvent, AgentListener } from "./events.ts"
import { audioSession } from "./sdp.ts"

/** What a user agent is built on. */
export interface AgentComponents {
  readonly runtime: Runtime
  /** The agent's own; the agent starts and stops it. */
  readonly transport: Transport
}

/** Who a user agent is, and where it sends. */
export interface AgentOptions {
  /** Who the agent is: `sip:alice@example.org`; a SIPS URI makes its contact one as well. */
  readonly addressOfRecord: string
  /** Where everything is sent first. */
  readonly proxy: Remote
  /** For challenges. @default the user part of the address-of-record */
  readonly username?: string
  /** Without one, challenges are not answered. */
  readonly password?: string
  readonly displayName?: string
  readonly transactions?: TransactionOptions
}

/** An established call. */
export interface OngoingCall {
  readonly call: Call
  readonly dialog: Dialog
}

/** Of one request, whose first CSeq number is 1: two proxies that challenge it, and a nonce of each that is stale. */
const maxAttempts = 5

/** See the head of this file. */
export class AgentCore {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  readonly addressOfRecord: string
  readonly credentials: Credentials | undefined
  proxy: Remote
  readonly #transports: TransportSet
  readonly #transport: Transport
  readonly #displayName: string | undefined
  readonly #listeners = new Set<AgentListener>()
  readonly #calls = new Map<string, OngoingCall>()
  /** What to do when the ACK of a call comes. */
  readonly #awaited = new Map<string, () => void>()

  constructor({ runtime, transport }: AgentComponents, options: AgentOptions) {
    this.runtime = runtime
    this.#transport = transport
    this.#transports = new TransportSet({ runtime, transports: [transport], resolver: new LiteralResolver() })
    this.layer = new TransactionLayer({ runtime, transports: [transport] }, options.transactions)
    this.addressOfRecord = options.addressOfRecord
    this.#displayName = options.displayName
    this.proxy = options.proxy
    const username = options.username ?? SipUri.parse(options.addressOfRecord).decodedUser ?? ""
    this.credentials = options.password === undefined ? undefined : new Credentials(runtime.random, username, options.password)
  }

  get transport(): Transport {
    return this.#transport
  }

  /** As registered. */
  get contact(): string {
    return this.contactFor(this.addressOfRecord)
  }

  /** In a dialog that began with this Request-URI: SIPS if that is, and not otherwise (RFC 5630). */
  contactFor(requestUri: string): string {
    const { protocol, advertised } = this.#transport
    const { user = "anonymous" } = SipUri.parse(this.addressOfRecord)
    const isSips = /^sips:/i.test(requestUri)
    // RFC 7118 §5.2: `ws` for both. In a SIPS URI TLS goes without saying.
    const isImplied = protocol === "UDP" || (protocol === "TLS" && isSips)
    const transport = isImplied ? "" : `;transport=${protocol === "WSS" ? "ws" : protocol.toLowerCase()}`
    return `${isSips ? "sips" : "sip"}:${user}@${formatHostPort(advertised)}${transport}`
  }

  onEvent(listener: AgentListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  emit(event: AgentEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  newTag(): string {
    return Buffer.from(this.runtime.random.bytes(8)).toString("hex")
  }

  /** A request outside of any dialog. */
  newRequest(method: string, target: string, headers: readonly (readonly [string, string])[] = []): SipRequest {
    const name = this.#displayName === undefined ? "" : `"${this.#displayName.replaceAll(/["\\]/g, "")}" `
    return SipRequest.create(method, target, [
      ["Max-Forwards", "70"],
      ["From", `${Buffer.from(name).toString("latin1")}<${this.addressOfRecord}>;tag=${this.newTag()}`],
      ["To", `<${target}>`],
      ["Call-ID", `${this.newTag()}${this.newTag()}`],
      ["CSeq", `1 ${method}`],
      ["User-Agent", "p2psip"],
      ...headers,
    ])
  }

  /**
   * A challenged request once more, with the next number and without Via and
   * credentials (RFC 3261 §22.2): `send` adds those that it has now. Undefined
   * for what is no challenge, or one that has been answered in vain.
   */
  repeat(request: SipRequest, response: SipResponse): SipRequest | undefined {
    const isChallenge = response.status === 401 || response.status === 407
    // A nonce may go stale on the way, but not each one.
    if (!isChallenge || request.cseq.number >= maxAttempts || this.credentials?.learn(response, request) !== true) return undefined
    const again = request.clone()
    for (const name of ["Via", "Authorization", "Proxy-Authorization"]) again.headers.remove(name)
    again.headers.set("CSeq", `${request.cseq.number + 1} ${request.method}`)
    return again
  }

  /** Sends to the proxy. What goes wrong on the way becomes a response that this agent makes itself: 408 or 503. */
  send(request: SipRequest, onResponse: (response: SipResponse) => void): ClientTransaction | undefined {
    this.credentials?.apply(request)
    return this.#sendOn(this.#transport.flowTo(this.proxy), request, onResponse)
  }

  /** Sends a request within a dialog and does not care for the answer. */
  sendWithin(dialog: Dialog, method: string): void {
    void this.#flowTowards(dialog.nextHop).then((flow) => this.#sendOn(flow, dialog.request(method), () => undefined))
  }

  sendAck(ack: SipRequest, nextHop: SipUri): void {
    void this.#flowTowards(nextHop).then((flow) => {
      if (flow) this.layer.sendStateless(ack, flow)
    })
  }

  sessionHeaders(requestUri: string): [string, string][] {
    return [
      ["Contact", `<${this.contactFor(requestUri)}>`],
      ["Content-Type", "application/sdp"],
      ["Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE"],
    ]
  }

  session(): Uint8Array {
    const { host } = this.#transport.advertised
    return audioSession(isIP(host) === 0 ? "0.0.0.0" : host, this.runtime.random.uint32())
  }

  remember(ongoing: OngoingCall): void {
    this.#calls.set(ongoing.call.callId, ongoing)
  }

  forget(callId: string): void {
    this.#calls.delete(callId)
    this.acknowledge(callId)
  }

  ongoing(callId: string): OngoingCall | undefined {
    return this.#calls.get(callId)
  }

  /** Calls that are established. */
  get calls(): readonly Call[] {
    return [...this.#calls.values()].map(({ call }) => call)
  }

  awaitAck(callId: string, onAck: () => void): void {
    this.acknowledge(callId)
    this.#awaited.set(callId, onAck)
  }

  acknowledge(callId: string): void {
    this.#awaited.get(callId)?.()
    this.#awaited.delete(callId)
  }

  /** Ends calls and their timers, telling no other element. */
  stop(): void {
    for (const { call } of this.#calls.values()) {
      if (call.advance("ended")) this.emit({ name: "ended", call, by: "local" })
    }
    this.#calls.clear()
    for (const onAck of this.#awaited.values()) onAck()
    this.#awaited.clear()
    this.layer.stop()
  }

  #sendOn(flow: Flow | undefined, request: SipRequest, onResponse: (response: SipResponse) => void): ClientTransaction | undefined {
    if (!flow) {
      this.runtime.defer(() => onResponse(createResponse(request, 503)))
      return undefined
    }
    let hasEnded = false
    const fail = (status: number): void => {
      if (!hasEnded) pass(createResponse(request, status))
    }
    const pass = (response: SipResponse): void => {
      hasEnded ||= response.status >= 200
      onResponse(response)
    }
    return this.layer.request(request, flow, {
      onResponse: pass,
      onTimeout: () => fail(408),
      onTransportError: () => fail(503),
      onEnd: () => fail(503),
    })
  }

  /**
   * The next hop by its address; a name, or another transport, is left to the
   * proxy. An agent that nobody can connect to has one flow for everything (RFC 5626 §4.3).
   */
  async #flowTowards(nextHop: SipUri): Promise<Flow | undefined> {
    if (this.#transport.advertised.port === 0) return this.#transport.flowTo(this.proxy)
    const [place] = await this.#transports.targetsOf(nextHop)
    return (place && this.#transports.flowTo(place)) ?? this.#transport.flowTo(this.proxy)
  }
}

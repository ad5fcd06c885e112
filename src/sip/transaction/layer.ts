import { P2PSipError } from "../../errors.ts"
import type { Runtime } from "../../runtime/runtime.ts"
import {
  createResponse,
  parseMessage,
  SipRequest,
  SipSyntaxError,
  validateRequest,
  validateResponse,
  type HeaderEntries,
  type SipMessage,
  type SipResponse,
} from "../message/index.ts"
import { ownText } from "../message/characters.ts"
import type { Flow, Transport, TransportProtocol } from "../transport/transport.ts"
import { AdmissionControl, queueOf } from "./admission.ts"
import { InviteClientTransaction, NonInviteClientTransaction, type AnyClientTransaction } from "./client-transaction.ts"
import { LayerCounters } from "./counters.ts"
import { Door, type Verdict } from "./door.ts"
import { clientKey, hasCookie, isOldKey, serverKey } from "./keys.ts"
import { transactionSettings, type TransactionOptions, type TransactionSettings } from "./options.ts"
import { InviteServerTransaction, NonInviteServerTransaction, type AnyServerTransaction, type ServerParts } from "./server-transaction.ts"
import { StatelessAnswers, topViaOf } from "./stateless.ts"
import { TimerLists } from "./timer-lists.ts"
import type { TransactionHost } from "./transaction.ts"
import type { ClientHandlers, ClientTransaction, RequestOptions, ServerTransaction } from "./types.ts"
import { magicCookie, markReceived, pushVia } from "./via.ts"

/** What the transaction layer is built on. */
export interface TransactionComponents {
  readonly runtime: Runtime
  /** The layer becomes the receiver of their messages. */
  readonly transports: readonly Transport[]
}

/**
 * Turns messages into transactions, and the other way round (RFC 3261 §17, §18).
 *
 * A message goes to the transaction that it matches. A new request is checked,
 * then offered to the stateless filter, then becomes a server transaction.
 * Everything is bounded, and whatever is left out is counted.
 */
export class TransactionLayer {
  readonly #runtime: Runtime
  readonly #transports: readonly Transport[]
  readonly #settings: TransactionSettings
  readonly #timers: TimerLists
  readonly #counters: LayerCounters
  readonly #host: TransactionHost
  readonly #answers: StatelessAnswers
  readonly #admission: AdmissionControl
  readonly #door: Door
  readonly #servers = new Map<string, AnyServerTransaction>()
  readonly #clients = new Map<string, AnyClientTransaction>()
  #serverBytes = 0
  #handler: (transaction: ServerTransaction, request: SipRequest) => void = refuseAll
  #filter: ((request: SipRequest, flow: Flow) => boolean) | undefined
  #unparsed: ((bytes: Uint8Array, flow: Flow) => boolean) | undefined
  #malformed: ((flow: Flow) => void) | undefined
  #stray: ((message: SipMessage, flow: Flow) => void) | undefined
  #isStopped = false

  constructor(components: TransactionComponents, options: TransactionOptions = {}) {
    const { runtime, transports } = components
    this.#runtime = runtime
    this.#transports = transports
    this.#settings = transactionSettings(options)
    this.#timers = new TimerLists(runtime)
    this.#counters = new LayerCounters(runtime.metrics, {
      client: () => this.#clients.size,
      server: () => this.#servers.size,
    })
    this.#answers = new StatelessAnswers(this.#counters, runtime.random.bytes(16))
    this.#admission = new AdmissionControl(runtime, () => queueOf(transports))
    this.#door = new Door({
      admission: this.#admission,
      answers: this.#answers,
      counters: this.#counters,
      repeat: (key) => this.#repeat(key),
      retryAfterSeconds: this.#settings.retryAfterSeconds,
    })
    this.#host = this.#makeHost()
    for (const transport of transports) transport.onMessage((bytes, flow) => this.#receive(bytes, flow))
  }

  /** Transactions that exist just now. */
  get size(): number {
    return this.#servers.size + this.#clients.size
  }

  /** Sets who gets each new request but ACK and CANCEL. What it throws becomes a 400 or 500. */
  onRequest(handler: (transaction: ServerTransaction, request: SipRequest) => void): void {
    this.#handler = handler
  }

  /** Sets who is asked before a new request becomes a transaction; true means that it has taken the request and answers with {@link reply}. */
  onStateless(filter: (request: SipRequest, flow: Flow) => boolean): void {
    this.#filter = filter
  }

  /**
   * Sets who is asked before anything is parsed; true means that it has taken
   * a REGISTER, which it answers itself as its stateless filter would. Under
   * overload it is asked for what is let in.
   */
  onUnparsed(taker: (bytes: Uint8Array, flow: Flow) => boolean): void {
    this.#unparsed = taker
  }

  /** Sets who gets responses without a transaction, and ACKs that no transaction absorbs. */
  onStray(handler: (message: SipMessage, flow: Flow) => void): void {
    this.#stray = handler
  }

  /** Sets who hears of a flow on which something came that is no sound SIP message. */
  onMalformed(handler: (flow: Flow) => void): void {
    this.#malformed = handler
  }

  /**
   * Sends a request in a new client transaction. Puts this element's Via on
   * top of `request`, which belongs to the transaction from then on. What goes
   * wrong is told through the handlers, after the return.
   */
  request(request: SipRequest, flow: Flow, handlers: ClientHandlers, options: RequestOptions = {}): ClientTransaction {
    const branch = this.#newBranch(options.branchSuffix)
    pushVia(request, flow.transport, branch)
    return this.#startClient(request, flow, handlers, branch)
  }

  /**
   * Sends a message without a transaction. A response goes where its topmost
   * Via wants it; a request (an ACK for a 2xx) gets this element's Via.
   */
  sendStateless(message: SipRequest | SipResponse, flow: Flow, options: RequestOptions = {}): void {
    if (!(message instanceof SipRequest)) return this.#answers.send(message, flow)
    pushVia(message, flow.transport, this.#newBranch(options.branchSuffix))
    flow.send(message.toBytes())
  }

  /**
   * Answers a request without a transaction (RFC 3261 §8.2.7). The To tag is
   * the same for each retransmission of the request.
   */
  reply(request: SipRequest, flow: Flow, status: number, reason?: string, headers: HeaderEntries = []): void {
    this.#answers.reply(request, flow, status, reason, headers)
  }

  /** The first transport of that protocol. */
  transportFor(protocol: TransportProtocol): Transport | undefined {
    return this.#transports.find((transport) => transport.protocol === protocol)
  }

  /** Ends every transaction; nothing is sent or received afterwards. The transports are their owner's to stop. */
  stop(): void {
    this.#isStopped = true
    for (const transaction of [...this.#servers.values(), ...this.#clients.values()]) transaction.abandon()
    this.#timers.stop()
  }

  #makeHost(): TransactionHost {
    return {
      settings: this.#settings,
      timers: this.#timers,
      defer: (callback) => this.#runtime.defer(callback),
      forgetClient: (key) => void this.#clients.delete(key),
      forgetServer: (key, weightBytes) => {
        if (this.#servers.delete(key)) this.#serverBytes -= weightBytes
      },
      passStray: (message, flow) => this.#passStray(message, flow),
      sendCancel: (cancel, flow, branch) => void this.#startClient(cancel, flow, noHandlers, branch),
      countSuppressed: (reason) => this.#counters.suppressed(reason),
      countRetransmission: (kind) => this.#counters.retransmission(kind),
      reportDefect: (error) => this.#reportDefect(error),
    }
  }

  #startClient(request: SipRequest, flow: Flow, handlers: ClientHandlers, branch: string): ClientTransaction {
    const parts = { key: ownText(clientKey(branch, request.method)), request, flow, handlers }
    const isInvite = request.method === "INVITE"
    const transaction = isInvite ? new InviteClientTransaction(this.#host, parts) : new NonInviteClientTransaction(this.#host, parts)
    const refusal = this.#refusal()
    if (refusal === undefined) {
      this.#clients.set(parts.key, transaction)
      transaction.start()
    } else this.#runtime.defer(() => transaction.breakOff(refusal))
    return transaction
  }

  #refusal(): Error | undefined {
    if (this.#isStopped) return new P2PSipError("P2PSIP_LINK_CLOSED", "the SIP stack has been stopped")
    if (this.#clients.size < 2 * this.#settings.maxTransactions) return undefined
    return new P2PSipError("P2PSIP_LIMIT", `${this.#clients.size} client transactions are under way: try again later`)
  }

  #receive(bytes: Uint8Array, flow: Flow): void {
    if (this.#isStopped) return
    this.#admission.onMessage()
    try {
      const verdict = this.#door.judge(bytes, flow)
      if (verdict === "done") return
      if (verdict !== "refused" && this.#unparsed?.(bytes, flow) === true) return this.#counters.request("REGISTER")
      const message = parseMessage(bytes)
      if (message instanceof SipRequest) this.#receiveRequest(message, flow, { requestBytes: bytes.length, verdict })
      else this.#receiveResponse(message, flow)
    } catch (error) {
      if (error instanceof SipSyntaxError) {
        this.#malformed?.(flow)
        this.#answers.refuse(error, flow)
      } else this.#reportDefect(error)
    }
  }

  #repeat(key: string): boolean {
    const transaction = this.#servers.get(key)
    transaction?.step("retransmission")
    return transaction !== undefined
  }

  #receiveResponse(response: SipResponse, flow: Flow): void {
    this.#counters.response(response.status)
    validateResponse(response)
    const branch = response.via?.branch
    const transaction = branch === undefined ? undefined : this.#clients.get(clientKey(branch, response.cseq.method))
    if (transaction !== undefined) transaction.receive(response)
    else this.#passStray(response, flow)
  }

  #receiveRequest(request: SipRequest, flow: Flow, { requestBytes, verdict }: Received): void {
    const { method } = request
    this.#counters.request(method)
    const via = topViaOf(request)
    markReceived(request, via, flow)
    const isInvites = method === "ACK" || method === "CANCEL"
    // Without the cookie the key is made of headers that must first be known to be sound.
    if (isInvites || !hasCookie(via)) validateRequest(request)
    const key = serverKey(request, via, isInvites ? "INVITE" : method)
    const transaction = this.#servers.get(key)
    if (isInvites) this.#receiveForInvite(request, flow, key, transaction)
    else if (transaction !== undefined) transaction.step("retransmission")
    else this.#receiveNew({ key, request, requestBytes, flow }, verdict)
  }

  #receiveForInvite(request: SipRequest, flow: Flow, key: string, transaction: AnyServerTransaction | undefined): void {
    const invite = transaction?.isInvite === true ? transaction : undefined
    if (request.method === "ACK") {
      if (invite === undefined && this.#answers.isAcknowledgedBy(request)) return
      // §17.2.3: an old client's ACK for a 2xx differs from one for a 4xx by the To tag alone.
      if (invite !== undefined && (!isOldKey(key) || request.to.tag === invite.toTag)) invite.acknowledge(request, flow)
      else this.#passStray(request, flow)
      return
    }
    // §9.2: answered here; a CANCEL that matches nothing gets a 481.
    const toTag = invite?.toTag ?? this.#answers.tagFor(request)
    this.sendStateless(createResponse(request, invite === undefined ? 481 : 200, undefined, { toTag }), flow)
    invite?.cancel(request)
  }

  #receiveNew(parts: ServerParts, verdict: Verdict): void {
    const { request, flow } = parts
    if (this.#door.turnsAway(request, flow, verdict)) return
    validateRequest(request)
    if (this.#isTaken(request, flow)) return
    const { maxTransactions, maxTransactionBytes, retryAfterSeconds } = this.#settings
    if (this.#servers.size >= maxTransactions || this.#serverBytes >= maxTransactionBytes) {
      this.#counters.refused(503)
      this.reply(request, flow, 503, undefined, [["Retry-After", String(retryAfterSeconds)]])
      return
    }
    const isInvite = request.method === "INVITE"
    const kept = { ...parts, key: ownText(parts.key) }
    const transaction = isInvite ? new InviteServerTransaction(this.#host, kept) : new NonInviteServerTransaction(this.#host, kept)
    this.#servers.set(kept.key, transaction)
    this.#serverBytes += transaction.weightBytes
    transaction.start()
    this.#handle(transaction, request)
  }

  /** Asks the stateless filter. */
  #isTaken(request: SipRequest, flow: Flow): boolean {
    try {
      return this.#filter?.(request, flow) === true
    } catch (error) {
      this.reply(request, flow, ...this.#answerTo(error))
      return true
    }
  }

  #handle(transaction: ServerTransaction, request: SipRequest): void {
    try {
      this.#handler(transaction, request)
    } catch (error) {
      const [status, reason] = this.#answerTo(error)
      transaction.respond(createResponse(request, status, reason, { toTag: this.#answers.tagFor(request) }))
    }
  }

  /** What the user threw, as a response. */
  #answerTo(error: unknown): [status: number, reason: string | undefined] {
    if (!(error instanceof SipSyntaxError)) this.#reportDefect(error)
    const status = error instanceof SipSyntaxError ? error.status : 500
    this.#counters.refused(status)
    return [status, error instanceof SipSyntaxError ? error.reason : undefined]
  }

  #passStray(message: SipMessage, flow: Flow): void {
    if (this.#stray !== undefined) this.#stray(message, flow)
    else this.#counters.dropped("stray")
  }

  #newBranch(suffix: string | undefined): string {
    const { random } = this.#runtime
    const branch = `${magicCookie}${random.uint32().toString(36)}${random.uint32().toString(36)}`
    return suffix === undefined ? branch : `${branch}.${suffix}`
  }

  #reportDefect(error: unknown): void {
    this.#counters.dropped("defect")
    this.#runtime.log.error({ error }, "a SIP message met a defect of this program")
  }
}

/** What is known of a request before it is parsed. */
interface Received {
  readonly requestBytes: number
  readonly verdict: Verdict
}

const noHandlers: ClientHandlers = { onResponse() {}, onTimeout() {}, onTransportError() {} }

function refuseAll(transaction: ServerTransaction, request: SipRequest): void {
  transaction.respond(createResponse(request, 501))
}

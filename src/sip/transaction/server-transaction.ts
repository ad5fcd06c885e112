import { createResponse, type SipRequest, type SipResponse } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import { inviteServer, startInviteServer, type InviteServerInput, type InviteServerState } from "./invite-server.ts"
import type { ServerActions } from "./machine.ts"
import {
  nonInviteServer,
  startNonInviteServer,
  type NonInviteServerInput,
  type NonInviteServerState,
} from "./non-invite-server.ts"
import { answered, Outline } from "./outline.ts"
import { Transaction, type TransactionHost } from "./transaction.ts"
import type { ServerTransaction } from "./types.ts"
import { flowOfResponse } from "./via.ts"

/** Either kind, as the layer keeps it in its table. */
export type AnyServerTransaction = InviteServerTransaction | NonInviteServerTransaction

/** What a server transaction is made of. */
export interface ServerParts {
  /** A text of its own. */
  readonly key: string
  readonly request: SipRequest
  /** The length of the request as it came. */
  readonly requestBytes: number
  readonly flow: Flow
}

abstract class BaseServerTransaction<State extends string, Input extends string>
  extends Transaction<State, Input>
  implements ServerTransaction, ServerActions<State>
{
  readonly flow: Flow
  readonly method: string
  /** What this transaction takes of the memory that the layer allows. */
  readonly weightBytes: number
  readonly #key: string
  #request: SipRequest | Outline
  /** The response that the user has just passed. */
  #response: SipResponse | undefined
  /** What `resend` sends, as latin1 text: bytes would keep the whole block alive from which Node took them. */
  #latest: string | undefined
  #onEnd: (() => void)[] | undefined

  constructor(host: TransactionHost, parts: ServerParts, state: State) {
    super(host, parts.flow.transport.isReliable, state)
    this.#key = parts.key
    this.#request = parts.request
    this.flow = parts.flow
    this.method = parts.request.method
    // The request, a response that repeats its headers, and the objects around them.
    this.weightBytes = 2 * parts.requestBytes + 4096
  }

  get request(): SipRequest {
    return this.#request instanceof Outline ? this.#request.toRequest() : this.#request
  }

  abstract onCancel(callback: (cancel: SipRequest) => void): void
  protected abstract inputOf(response: SipResponse): Input | undefined

  respond(response: SipResponse): void {
    const input = this.inputOf(response)
    if (input === undefined) return
    this.#response = response
    this.step(input)
    this.#response = undefined
  }

  onEnd(callback: () => void): void {
    if (this.isTerminated) callback()
    else (this.#onEnd ??= []).push(callback)
  }

  get hasResponded(): boolean {
    return this.#latest !== undefined
  }

  sendResponse(): void {
    const response = this.#response
    if (response === undefined) return
    const bytes = response.toBytes()
    this.#latest = bytes.toString("latin1")
    this.#transmit(bytes)
  }

  resend(): void {
    if (this.#latest === undefined) return
    this.host.countRetransmission("response")
    this.#transmit(Buffer.from(this.#latest, "latin1"))
  }

  sendTrying(): void {
    this.respond(createResponse(this.request, 100))
  }

  abstract passAck(): void

  protected leaveTable(): void {
    this.host.forgetServer(this.#key, this.weightBytes)
  }

  protected ended(): void {
    const listeners = this.#onEnd ?? []
    this.#onEnd = undefined
    this.#latest = undefined
    for (const listener of listeners) listener()
  }

  protected settle(): void {
    this.#request = new Outline(this.request, answered)
  }

  protected forgetResponse(): void {
    this.#latest = undefined
  }

  #transmit(bytes: Uint8Array): void {
    const flow = flowOfResponse(this.request, this.flow)
    // RFC 6026 §8.8: no way back is no reason to leave the state; the client will ask again.
    if (flow === undefined) this.host.countSuppressed("no-way-back")
    else flow.send(bytes)
  }
}

export class InviteServerTransaction extends BaseServerTransaction<InviteServerState, InviteServerInput> {
  readonly isInvite = true
  /** The To tag of the latest response, which a CANCEL's 200 should share (RFC 3261 §9.2). */
  toTag: string | undefined
  #ack: SipRequest | undefined
  #ackFlow: Flow | undefined
  #cancel: SipRequest | undefined
  #onCancel: ((cancel: SipRequest) => void) | undefined

  constructor(host: TransactionHost, parts: ServerParts) {
    super(host, parts, "proceeding")
  }

  start(): void {
    startInviteServer(this)
  }

  get isDone(): boolean {
    return this.state !== "proceeding"
  }

  /** An ACK of this transaction's key. */
  acknowledge(ack: SipRequest, flow: Flow): void {
    this.#ack = ack
    this.#ackFlow = flow
    this.step("ack")
    this.#ack = this.#ackFlow = undefined
  }

  /** A CANCEL of this transaction's key; it has no effect after a final response (RFC 3261 §9.2). */
  cancel(cancel: SipRequest): void {
    if (this.isDone || this.#cancel !== undefined) return
    this.#cancel = cancel
    this.#onCancel?.(cancel)
  }

  onCancel(callback: (cancel: SipRequest) => void): void {
    const isLate = this.#cancel !== undefined && !this.isDone
    this.#onCancel = callback
    if (isLate && this.#cancel !== undefined) callback(this.#cancel)
  }

  protected override settle(): void {
    super.settle()
    this.#cancel = this.#onCancel = undefined
    // RFC 6026 §7.1: an INVITE that comes again is absorbed.
    if (this.state === "accepted") this.forgetResponse()
  }

  passAck(): void {
    if (this.#ack !== undefined && this.#ackFlow !== undefined) this.host.passStray(this.#ack, this.#ackFlow)
  }

  protected override run(input: InviteServerInput): void {
    if (this.state !== "terminated") inviteServer[this.state](this, input)
  }

  protected override inputOf(response: SipResponse): InviteServerInput | undefined {
    const { status } = response
    if (status >= 200 && this.isDone && (status >= 300 || this.state !== "accepted")) {
      this.host.countSuppressed("second-final")
      return undefined
    }
    if (status > 100) this.toTag = response.to.tag
    return status < 200 ? "1xx" : status < 300 ? "2xx" : "300-699"
  }
}

export class NonInviteServerTransaction extends BaseServerTransaction<NonInviteServerState, NonInviteServerInput> {
  readonly isInvite = false
  #mayTry: boolean

  constructor(host: TransactionHost, parts: ServerParts) {
    super(host, parts, "trying")
    // RFC 4320 §4.1: a 100 at any time over a reliable transport, only when it is due over another.
    this.#mayTry = this.isReliable
  }

  start(): void {
    startNonInviteServer(this)
  }

  get isDone(): boolean {
    return this.state === "completed" || this.state === "terminated"
  }

  onCancel(): void {
    // RFC 3261 §9.2: only an INVITE can be cancelled.
  }

  passAck(): void {
    // Only an INVITE is acknowledged.
  }

  override sendTrying(): void {
    this.#mayTry = true
    super.sendTrying()
  }

  protected override run(input: NonInviteServerInput): void {
    if (this.state !== "terminated") nonInviteServer[this.state](this, input)
  }

  protected override inputOf(response: SipResponse): NonInviteServerInput | undefined {
    const { status } = response
    if (status >= 200) {
      if (!this.isDone && status !== 408) return "200-699"
      // RFC 4320 §4.2: no 408 to anything but INVITE; the client has timed out by itself.
      this.host.countSuppressed(status === 408 ? "408" : "second-final")
      return undefined
    }
    // RFC 4320 §4.1: no provisional response but the 100.
    if (status === 100 && this.#mayTry) return "1xx"
    this.host.countSuppressed("1xx")
    return undefined
  }
}

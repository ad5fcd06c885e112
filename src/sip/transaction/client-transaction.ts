import { P2PSipError } from "../../errors.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import { ackFor, cancelFor } from "./derived-requests.ts"
import { inviteClient, startInviteClient, type InviteClientInput, type InviteClientState } from "./invite-client.ts"
import { branchOf } from "./keys.ts"
import type { ClientActions } from "./machine.ts"
import {
  nonInviteClient,
  startNonInviteClient,
  type NonInviteClientInput,
  type NonInviteClientState,
} from "./non-invite-client.ts"
import { acknowledged, Outline } from "./outline.ts"
import { Transaction, type TransactionHost } from "./transaction.ts"
import type { ClientHandlers, ClientTransaction } from "./types.ts"

/** Either kind, as the layer keeps it in its table. */
export type AnyClientTransaction = InviteClientTransaction | NonInviteClientTransaction

/** What a client transaction is made of. */
export interface ClientParts {
  /** A text of its own. */
  readonly key: string
  /** With this element's Via on top. */
  readonly request: SipRequest
  readonly flow: Flow
  readonly handlers: ClientHandlers
}

abstract class BaseClientTransaction<State extends string, Input extends string>
  extends Transaction<State, Input>
  implements ClientTransaction, ClientActions<State>
{
  readonly flow: Flow
  readonly method: string
  /** The response that is the machine's input just now. */
  protected response: SipResponse | undefined
  readonly #key: string
  #handlers: ClientHandlers | undefined
  #request: SipRequest | Outline
  #bytes: Uint8Array | undefined
  #error: Error | undefined
  #stopListening: (() => void) | undefined

  constructor(host: TransactionHost, parts: ClientParts, state: State) {
    super(host, parts.flow.transport.isReliable, state)
    this.#key = parts.key
    this.#request = parts.request
    this.flow = parts.flow
    this.method = parts.request.method
    this.#handlers = parts.handlers
  }

  get branch(): string {
    return branchOf(this.#key)
  }

  get request(): SipRequest {
    return this.#request instanceof Outline ? this.#request.toRequest() : this.#request
  }

  /** A refusal that may have to be acknowledged again. */
  protected abstract readonly isRefused: boolean
  /** Nothing more is passed to the user. */
  protected abstract readonly isOver: boolean
  abstract cancel(reason?: string): void
  protected abstract begin(): void
  protected abstract inputOf(status: number): Input
  protected abstract fail(): void

  /** Sends the request for the first time. */
  start(): void {
    this.#stopListening = this.flow.onClose((error) => this.breakOff(error))
    this.begin()
    // Whoever sends must have the transaction in hand before it is told of the end.
    if (!this.flow.isOpen) this.host.defer(() => this.breakOff(undefined))
  }

  /** A response of this transaction's key. */
  receive(response: SipResponse): void {
    this.response = response
    this.step(this.inputOf(response.status))
    this.response = undefined
  }

  /** The flow has broken. */
  breakOff(error: Error | undefined): void {
    this.#error = error
    try {
      this.fail()
    } catch (defect) {
      // Others wait for the end of the flow as well.
      this.host.reportDefect(defect)
    }
  }

  sendRequest(): void {
    if (this.#bytes === undefined) this.#bytes = this.request.toBytes()
    else this.host.countRetransmission("request")
    const { maxMessageBytes = Infinity, protocol } = this.flow.transport
    if (this.#bytes.length > maxMessageBytes) this.#breakOffLater(this.#bytes.length, maxMessageBytes, protocol)
    else this.flow.send(this.#bytes)
  }

  /** RFC 3261 §18.4 would have it told as any other failure of the transport. */
  #breakOffLater(bytes: number, maxBytes: number, protocol: string): void {
    const error = new P2PSipError("P2PSIP_LIMIT", `a message over ${protocol}: expected at most ${maxBytes} bytes, found ${bytes}`)
    this.host.defer(() => this.breakOff(error))
  }

  /** What is not sent again need not be kept for the 32 seconds that a transaction lingers. */
  override stopRetransmission(): void {
    super.stopRetransmission()
    this.#bytes = undefined
  }

  sendAck(): void {
    if (this.response !== undefined) this.flow.send(ackFor(this.request, this.response).toBytes())
  }

  passResponse(): void {
    if (this.response !== undefined) this.#handlers?.onResponse(this.response, this)
  }

  reportTimeout(): void {
    this.#handlers?.onTimeout(this)
  }

  reportTransportError(): void {
    this.#handlers?.onTransportError(this.#error, this)
  }

  protected leaveTable(): void {
    this.#stopListening?.()
    this.host.forgetClient(this.#key)
  }

  protected settle(): void {
    this.#request = new Outline(this.request, this.isRefused ? acknowledged : [])
    // What becomes of the flow now is no news to anybody.
    this.#stopListening?.()
    this.#stopListening = undefined
    if (this.isOver) this.ended()
  }

  /** Lets go of the user, who may hold much. */
  protected ended(): void {
    const handlers = this.#handlers
    this.#handlers = undefined
    handlers?.onEnd?.(this)
  }
}

export class InviteClientTransaction extends BaseClientTransaction<InviteClientState, InviteClientInput> {
  #cancel: "no" | "wanted" | "sent" = "no"
  #cancelReason: string | undefined

  constructor(host: TransactionHost, parts: ClientParts) {
    super(host, parts, "calling")
  }

  get isDone(): boolean {
    return this.state !== "calling" && this.state !== "proceeding"
  }

  protected override get isRefused(): boolean {
    return this.state === "completed"
  }

  protected override get isOver(): boolean {
    return this.state !== "accepted"
  }

  cancel(reason?: string): void {
    if (this.isDone || this.#cancel !== "no") return
    this.#cancel = "wanted"
    this.#cancelReason = reason
    this.#cancelWhenAllowed()
  }

  protected override begin(): void {
    startInviteClient(this)
  }

  protected override run(input: InviteClientInput): void {
    if (this.state !== "terminated") inviteClient[this.state](this, input)
    this.#cancelWhenAllowed()
  }

  protected override fail(): void {
    this.step("transportError")
  }

  protected override inputOf(status: number): InviteClientInput {
    return status < 200 ? "1xx" : status < 300 ? "2xx" : "300-699"
  }

  /** RFC 3261 §9.1: not before a provisional response: the CANCEL might overtake the INVITE. */
  #cancelWhenAllowed(): void {
    if (this.#cancel !== "wanted" || this.state !== "proceeding") return
    this.#cancel = "sent"
    this.host.sendCancel(cancelFor(this.request, this.#cancelReason), this.flow, this.branch)
    this.step("cancelled")
  }
}

export class NonInviteClientTransaction extends BaseClientTransaction<NonInviteClientState, NonInviteClientInput> {
  constructor(host: TransactionHost, parts: ClientParts) {
    super(host, parts, "trying")
  }

  get isDone(): boolean {
    return this.state === "completed" || this.state === "terminated"
  }

  protected override get isRefused(): boolean {
    return false
  }

  protected override get isOver(): boolean {
    return true
  }

  cancel(): void {
    // RFC 3261 §9.1: only an INVITE may be cancelled.
  }

  protected override begin(): void {
    startNonInviteClient(this)
  }

  protected override run(input: NonInviteClientInput): void {
    if (this.state !== "terminated") nonInviteClient[this.state](this, input)
  }

  protected override fail(): void {
    this.step("transportError")
  }

  protected override inputOf(status: number): NonInviteClientInput {
    return status < 200 ? "1xx" : "200-699"
  }
}

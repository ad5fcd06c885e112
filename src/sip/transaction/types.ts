/** Transactions as their user (registrar, proxy, user agent) sees them. */
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"

/** A request from the network that waits for this element's response. */
export interface ServerTransaction {
  /**
   * As received, with `received` and `rport` filled in. To forward it, clone it.
   * Once `isDone` it is another one, with no more than what answers copy.
   */
  readonly request: SipRequest
  /** The flow that the request came on. */
  readonly flow: Flow
  readonly method: string
  /** A final response has been passed, or the transaction has ended. */
  readonly isDone: boolean
  /**
   * Sends a response and, as the state machine demands, repeats it. Ignored
   * where the RFCs forbid it: after another final response (further 2xx to
   * INVITE excepted), after the end, 408 and early 1xx to anything but INVITE (RFC 4320).
   */
  respond(response: SipResponse): void
  /** Sets who is told, once, that a CANCEL came before a final response; INVITE only. The CANCEL has been answered. */
  onCancel(callback: (cancel: SipRequest) => void): void
  /** Adds a listener for the end of the transaction, whatever the cause. Called at once if it has ended. */
  onEnd(callback: () => void): void
}

/** What comes back for a request that was sent. */
export interface ClientHandlers {
  /** Each response: 1xx, one final (retransmissions are absorbed), and every 2xx to an INVITE (RFC 6026: retransmissions too). */
  onResponse(response: SipResponse, transaction: ClientTransaction): void
  /** No final response in time; nothing more will come. */
  onTimeout(transaction: ClientTransaction): void
  /** The flow broke before a final response; nothing more will come. */
  onTransportError(error: Error | undefined, transaction: ClientTransaction): void
  /** Nothing more will come, whatever the cause; the last call. */
  onEnd?(transaction: ClientTransaction): void
}

/** A request on its way. */
export interface ClientTransaction {
  /** With this element's Via on top. Once `isDone` it is another one, with no more than what the ACK for a refusal copies. */
  readonly request: SipRequest
  readonly flow: Flow
  readonly method: string
  /** Of the topmost Via; starts with the magic cookie. */
  readonly branch: string
  /** A final response has come, or the transaction has ended. */
  readonly isDone: boolean
  /**
   * Sends a CANCEL as soon as a provisional response has come (RFC 3261 §9.1);
   * nothing after a final one, and nothing for other methods than INVITE.
   * `reason` is the value of the Reason header (RFC 3326). The INVITE's final
   * response still comes, or `onTimeout` 64*T1 later.
   */
  cancel(reason?: string): void
}

/** How a request is sent. */
export interface RequestOptions {
  /** Letters and digits that become part of the branch; a proxy's hash for loop detection (RFC 3261 §16.6 step 8). */
  readonly branchSuffix?: string
}

/** A call, from either side. */
import type { NameAddress, SipRequest, SipResponse } from "../message/index.ts"

/** What the agent does for a call. */
export interface CallActions {
  ring(): void
  accept(): void
  /** Refuses an incoming call that was not answered. */
  refuse(status: number, reason: string | undefined): void
  /** Gives up an outgoing call that was not answered. */
  cancel(): void
  bye(): void
}

/** calling: nothing heard yet; ringing: a provisional response has gone by. */
export type CallState = "calling" | "ringing" | "established" | "ended"

/** How the attempt to set up a call ended. */
export type CallOutcome =
  | { readonly kind: "established" }
  | { readonly kind: "failed"; readonly status: number; readonly reason: string }

/** A call as its owner sees it: state, promises, and what can be done about it. */
export class Call {
  readonly direction: "incoming" | "outgoing"
  readonly callId: string
  readonly remote: NameAddress
  /** Resolves once the call is established, or has failed; never rejects. */
  readonly outcome: Promise<CallOutcome>
  /** Resolves when the call is over, whatever the cause. */
  readonly ended: Promise<void>
  readonly #actions: CallActions
  readonly #settleOutcome: (outcome: CallOutcome) => void
  readonly #settleEnded: () => void
  #state: CallState = "calling"

  constructor(direction: "incoming" | "outgoing", invite: SipRequest, actions: CallActions) {
    this.direction = direction
    this.callId = invite.callId
    this.remote = direction === "incoming" ? invite.from : invite.to
    this.#actions = actions
    const outcome = Promise.withResolvers<CallOutcome>()
    const ended = Promise.withResolvers<undefined>()
    this.outcome = outcome.promise
    this.ended = ended.promise
    this.#settleOutcome = outcome.resolve
    this.#settleEnded = () => ended.resolve(undefined)
  }

  get state(): CallState {
    return this.#state
  }

  /** Sends a 180 for an incoming call. */
  ring(): void {
    if (this.direction === "incoming" && this.#state === "calling") this.#actions.ring()
  }

  /** Answers an incoming call with a 200. */
  answer(): void {
    if (this.direction === "incoming" && this.#isPending) this.#actions.accept()
  }

  /** Refuses an incoming call. @param status 300 to 699 */
  reject(status = 486, reason?: string): void {
    if (this.direction === "incoming" && this.#isPending) this.#actions.refuse(status, reason)
  }

  /** Ends the call in whatever state it is: BYE, CANCEL, or 480 to a caller who waits. */
  hangUp(): void {
    if (this.#state === "established") this.#actions.bye()
    else if (!this.#isPending) return
    else if (this.direction === "outgoing") this.#actions.cancel()
    else this.#actions.refuse(480, undefined)
  }

  /** For the agent: moves on, and settles the promises. False where the call is past it. */
  advance(state: "ringing" | "established" | "ended", failure?: Pick<SipResponse, "status" | "reason">): boolean {
    if (this.#state === "ended" || (this.#state === "established" && state !== "ended")) return false
    this.#state = state
    if (state === "established") this.#settleOutcome({ kind: "established" })
    if (state === "ended") {
      this.#settleOutcome({ kind: "failed", status: failure?.status ?? 487, reason: failure?.reason ?? "" })
      this.#settleEnded()
    }
    return true
  }

  get #isPending(): boolean {
    return this.#state === "calling" || this.#state === "ringing"
  }
}

/** The caller's side of a call (RFC 3261 §13.2). */
import { SipSyntaxError } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { ClientTransaction } from "../transaction/index.ts"
import type { AgentCore } from "./core.ts"
import { Call } from "./call.ts"
import { Dialog } from "./dialog.ts"

/** Sends the INVITE; the result tells the rest. */
export function placeCall(core: AgentCore, target: string): Call {
  return new OutgoingCall(core, target).call
}

class OutgoingCall {
  readonly call: Call
  readonly #core: AgentCore
  #client: ClientTransaction | undefined
  #isCancelled = false
  /** By the callee's tag: forks may answer more than once. */
  readonly #dialogs = new Map<string, Dialog>()
  #established: Dialog | undefined

  constructor(core: AgentCore, target: string) {
    this.#core = core
    const invite = core.newRequest("INVITE", target, core.sessionHeaders(target))
    invite.body = core.session()
    const nothing = () => undefined
    const cancel = () => {
      this.#isCancelled = true
      this.#client?.cancel()
    }
    this.call = new Call("outgoing", invite, { ring: nothing, accept: nothing, refuse: nothing, cancel, bye: () => this.#bye() })
    this.#send(invite)
  }

  #send(invite: SipRequest): void {
    this.#client = this.#core.send(invite, (response) => this.#onResponse(response, invite))
    if (this.#isCancelled) this.#client?.cancel()
  }

  #onResponse(response: SipResponse, invite: SipRequest): void {
    const { status } = response
    if (status < 200) {
      if (status > 100 && this.call.advance("ringing")) this.#core.emit({ name: "ringing", call: this.call, status })
    } else if (status < 300) {
      this.#onAnswer(response)
    } else {
      const again = this.#isCancelled ? undefined : this.#core.repeat(invite, response)
      if (again === undefined) this.#fail(status, response.reason)
      else this.#send(again)
    }
  }

  #fail(status: number, reason: string): void {
    if (!this.call.advance("ended", { status, reason })) return
    this.#core.forget(this.call.callId)
    this.#core.emit({ name: "failed", call: this.call, status, reason })
  }

  /** §13.2.2.4: each 2xx is acknowledged, retransmissions too; of several dialogs the first one is kept. */
  #onAnswer(response: SipResponse): void {
    const tag = response.to.tag ?? ""
    let dialog = this.#dialogs.get(tag)
    const isNew = dialog === undefined
    try {
      dialog ??= Dialog.ofCaller(response)
    } catch (error) {
      // Nobody knows where an ACK would go; the callee ends what is not acknowledged.
      if (!(error instanceof SipSyntaxError)) throw error
      return this.#fail(502, error.reason)
    }
    this.#dialogs.set(tag, dialog)
    this.#core.sendAck(dialog.request("ACK", response.cseq.number), dialog.nextHop)
    if (!isNew) return
    if (this.#established === undefined && this.call.advance("established")) {
      this.#established = dialog
      this.#core.remember({ call: this.call, dialog })
      this.#core.emit({ name: "established", call: this.call })
      // The answer has overtaken the CANCEL.
      if (this.#isCancelled) this.#bye()
    } else {
      this.#core.sendWithin(dialog, "BYE")
    }
  }

  #bye(): void {
    if (!this.#established || !this.call.advance("ended")) return
    this.#core.forget(this.call.callId)
    this.#core.sendWithin(this.#established, "BYE")
    this.#core.emit({ name: "ended", call: this.call, by: "local" })
  }
}

/** The callee's side of a call (RFC 3261 §13.3). */
import { createResponse } from "../message/index.ts"
import type { SipResponse } from "../message/index.ts"
import type { ServerTransaction } from "../transaction/index.ts"
import { sendAnswer } from "./answer.ts"
import { Call } from "./call.ts"
import type { AgentCore } from "./core.ts"
import { Dialog } from "./dialog.ts"

/** Makes a call of an INVITE that begins a dialog. */
export function receiveCall(core: AgentCore, server: ServerTransaction): Call {
  return new IncomingCall(core, server).call
}

class IncomingCall {
  readonly call: Call
  readonly #core: AgentCore
  readonly #server: ServerTransaction
  readonly #tag: string
  readonly #dialog: Dialog

  constructor(core: AgentCore, server: ServerTransaction) {
    this.#core = core
    this.#server = server
    this.#tag = core.newTag()
    this.#dialog = Dialog.ofCallee(server.request, this.#tag)
    this.call = new Call("incoming", server.request, {
      ring: () => this.#ring(),
      accept: () => this.#accept(),
      refuse: (status, reason) => this.#refuse(status, reason),
      cancel: () => undefined,
      bye: () => this.#bye(),
    })
    server.onCancel(() => this.#refuse(487, undefined))
    // Without an answer it ends with the agent only.
    server.onEnd(() => this.call.reject(503))
  }

  #ring(): void {
    if (!this.call.advance("ringing")) return
    this.#server.respond(this.#response(180))
    this.#core.emit({ name: "ringing", call: this.call, status: 180 })
  }

  #accept(): void {
    if (!this.call.advance("established")) return
    this.#core.remember({ call: this.call, dialog: this.#dialog })
    sendAnswer(this.#core, this.#server, this.#tag, () => this.#bye())
    this.#core.emit({ name: "established", call: this.call })
  }

  #refuse(status: number, reason: string | undefined): void {
    const response = this.#response(status, reason)
    if (!this.call.advance("ended", response)) return
    this.#server.respond(response)
    this.#core.emit({ name: "failed", call: this.call, status, reason: response.reason })
  }

  #bye(): void {
    if (!this.call.advance("ended")) return
    this.#core.forget(this.call.callId)
    this.#core.sendWithin(this.#dialog, "BYE")
    this.#core.emit({ name: "ended", call: this.call, by: "local" })
  }

  #response(status: number, reason?: string): SipResponse {
    const headers: [string, string][] = status < 300 ? [["Contact", `<${this.#core.contactFor(this.#server.request.uri)}>`]] : []
    return createResponse(this.#server.request, status, reason, { toTag: this.#tag, headers, withRecordRoute: status < 300 })
  }
}

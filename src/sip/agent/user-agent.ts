/**
 * A small SIP phone without sound (RFC 3261 §8): registers, calls, answers.
 * For the demo, tests and benches, and for programs that want to send a
 * message or see whether somebody answers.
 */
import { createResponse, SipRequest } from "../message/index.ts"
import type { SipResponse } from "../message/index.ts"
import type { ServerTransaction } from "../transaction/index.ts"
import type { Remote } from "../transport/index.ts"
import { sendAnswer } from "./answer.ts"
import type { Call } from "./call.ts"
import { AgentCore } from "./core.ts"
import type { AgentComponents, AgentOptions, OngoingCall } from "./core.ts"
import type { AgentListener, RegisterOutcome } from "./events.ts"
import { receiveCall } from "./incoming.ts"
import { placeCall } from "./outgoing.ts"
import { Registration } from "./registration.ts"

const allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE"

/** See the head of this file. Nothing is sent before `start`. */
export class UserAgent {
  readonly #core: AgentCore
  readonly #registration: Registration
  /** INVITEs under way that began a dialog, against copies of them (§8.2.2.2). */
  readonly #invites = new Set<string>()

  constructor(components: AgentComponents, options: AgentOptions) {
    this.#core = new AgentCore(components, options)
    this.#registration = new Registration(this.#core)
    this.#core.layer.onRequest((server) => this.#receive(server))
    this.#core.layer.onStray((message) => {
      if (message instanceof SipRequest) this.#core.acknowledge(message.callId)
    })
  }

  get addressOfRecord(): string {
    return this.#core.addressOfRecord
  }

  /** The URI that others reach this agent at, valid once started. */
  get contact(): string {
    return this.#core.contact
  }

  /** Calls that are established. */
  get calls(): readonly Call[] {
    return this.#core.calls
  }

  /** Adds a listener; the result removes it. */
  onEvent(listener: AgentListener): () => void {
    return this.#core.onEvent(listener)
  }

  /** Begins to listen. Rejects as the transport does. */
  async start(): Promise<void> {
    await this.#core.transport.start()
  }

  /** Stops at once, telling nobody: hang up and unregister before, where that matters. */
  async stop(): Promise<void> {
    this.#registration.stop()
    this.#core.stop()
    await this.#core.transport.stop()
  }

  /** Sends everything to another proxy from now on, as a phone does whose proxy is gone. */
  useProxy(proxy: Remote): void {
    this.#core.proxy = proxy
  }

  /** Registers, and registers again before the time is over. Never rejects. */
  register(options: { readonly expiresSeconds?: number } = {}): Promise<RegisterOutcome> {
    return this.#registration.register(options.expiresSeconds ?? 3600)
  }

  /** Takes the binding back. */
  unregister(): Promise<RegisterOutcome> {
    return this.#registration.register(0)
  }

  /** Calls `target`, a SIP URI. */
  call(target: string): Call {
    return placeCall(this.#core, target)
  }

  /** Sends a request outside of any call, answers a challenge, and gives the final response; a 408 or 503 of its own where none came. */
  async request(method: string, target: string, body?: { readonly type: string; readonly bytes: Uint8Array }): Promise<SipResponse> {
    let request = this.#core.newRequest(method, target, body === undefined ? [] : [["Content-Type", body.type]])
    if (body !== undefined) request.body = body.bytes
    for (;;) {
      const response = await this.#ask(request)
      const again = this.#core.repeat(request, response)
      if (again === undefined) return response
      request = again
    }
  }

  #ask(request: SipRequest): Promise<SipResponse> {
    return new Promise((resolve) => {
      this.#core.send(request, (response) => {
        if (response.status >= 200) resolve(response)
      })
    })
  }

  #receive(server: ServerTransaction): void {
    const { request, method } = server
    if (request.to.tag !== undefined) this.#receiveWithin(server)
    else if (method === "INVITE") this.#receiveInvite(server)
    else if (method === "OPTIONS" || method === "MESSAGE") {
      this.#respond(server, 200, [["Allow", allowedMethods]])
      this.#core.emit({ name: "request", request })
    } else this.#respond(server, 405, [["Allow", allowedMethods]])
  }

  #receiveInvite(server: ServerTransaction): void {
    const { callId, from, cseq } = server.request
    const name = `${callId} ${from.tag} ${cseq.number}`
    // §8.2.2.2: the same request has come along two ways.
    if (this.#invites.has(name)) return this.#respond(server, 482)
    this.#invites.add(name)
    server.onEnd(() => this.#invites.delete(name))
    this.#core.emit({ name: "incoming", call: receiveCall(this.#core, server) })
  }

  #receiveWithin(server: ServerTransaction): void {
    const { request, method } = server
    const ongoing = this.#core.ongoing(request.callId)
    if (!ongoing) return this.#respond(server, 481)
    if (!ongoing.dialog.accept(request)) return this.#respond(server, 500)
    if (method === "BYE") this.#receiveBye(server, ongoing)
    else if (method === "INVITE") sendAnswer(this.#core, server, undefined, () => ongoing.call.hangUp())
    else this.#respond(server, 200)
  }

  #receiveBye(server: ServerTransaction, { call }: OngoingCall): void {
    this.#respond(server, 200)
    this.#core.forget(call.callId)
    if (call.advance("ended")) this.#core.emit({ name: "ended", call, by: "remote" })
  }

  #respond(server: ServerTransaction, status: number, headers: [string, string][] = []): void {
    server.respond(createResponse(server.request, status, undefined, { toTag: this.#core.newTag(), headers }))
  }
}

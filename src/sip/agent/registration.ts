/** The binding of a user agent, kept alive (RFC 3261 §10.2). */
import type { Timer } from "../../runtime/runtime.ts"
import { contactExpires, parseNameAddress, retryAfterOf, secondsOf, SipUri } from "../message/index.ts"
import type { NameAddress, SipRequest, SipResponse } from "../message/index.ts"
import type { AgentCore } from "./core.ts"
import type { RegisterOutcome } from "./events.ts"

/** Challenge, stale challenge, 423: nobody needs more. */
const maxAttempts = 4
/** Whatever the registrar says. */
const minRetrySeconds = 1
const defaultRetrySeconds = 30

/** Registers one contact, and keeps it registered. */
export class Registration {
  readonly #core: AgentCore
  readonly #callId: string
  readonly #tag: string
  #cseq = 0
  #refresh: Timer | undefined
  #hasEnded = false

  constructor(core: AgentCore) {
    this.#core = core
    this.#callId = core.newTag() + core.newTag()
    this.#tag = core.newTag()
  }

  /** Registers and, unless `expiresSeconds` is 0, keeps the binding alive until the next call of this or `stop`. */
  async register(expiresSeconds: number): Promise<RegisterOutcome> {
    this.#refresh?.cancel()
    const outcome = await this.#attempt(expiresSeconds)
    if (outcome.kind === "registered") {
      const { expiresSeconds, contacts } = outcome
      this.#core.emit({ name: "registered", expiresSeconds, contacts })
    } else {
      const { status, reason } = outcome
      this.#core.emit({ name: "registrationFailed", status, reason })
    }
    return outcome
  }

  /** For good: what is under way comes to an end, and nothing follows. */
  stop(): void {
    this.#hasEnded = true
    this.#refresh?.cancel()
  }

  async #attempt(wantedSeconds: number): Promise<RegisterOutcome> {
    let expiresSeconds = wantedSeconds
    for (let attempt = 1; ; attempt++) {
      const request = this.#request(expiresSeconds)
      const response = await this.#ask(request)
      const { status, reason, headers } = response
      if (status >= 200 && status < 300) return this.#accept(response, wantedSeconds)
      const isChallenge = status === 401 || status === 407
      const minSeconds = secondsOf(headers, "Min-Expires")
      if (attempt < maxAttempts && isChallenge && this.#core.credentials?.learn(response, request) === true) continue
      if (attempt < maxAttempts && status === 423 && minSeconds !== undefined && minSeconds > expiresSeconds) {
        expiresSeconds = minSeconds
        continue
      }
      if (wantedSeconds > 0) this.#registerAgain(retryAfterOf(headers) ?? defaultRetrySeconds, wantedSeconds)
      return { kind: "failed", status, reason }
    }
  }

  #request(expiresSeconds: number): SipRequest {
    const { addressOfRecord, contact } = this.#core
    const registrar = SipUri.parse(addressOfRecord)
    const request = this.#core.newRequest("REGISTER", `sip:${registrar.hostPort}`, [
      ["Contact", `<${contact}>`],
      ["Expires", String(expiresSeconds)],
    ])
    request.headers.set("To", `<${addressOfRecord}>`)
    request.headers.set("From", `<${addressOfRecord}>;tag=${this.#tag}`)
    // §10.2: the same Call-ID for all REGISTERs of one registrar, so that the numbers tell their order.
    request.headers.set("Call-ID", this.#callId)
    request.headers.set("CSeq", `${++this.#cseq} REGISTER`)
    return request
  }

  #ask(request: SipRequest): Promise<SipResponse> {
    return new Promise((resolve) => {
      this.#core.send(request, (response) => {
        if (response.status >= 200) resolve(response)
      })
    })
  }

  #accept(response: SipResponse, wantedSeconds: number): RegisterOutcome {
    const contacts = response.headers.getAll("Contact")
    const own = contacts.map(addressIn).find((address) => address?.uri === this.#core.contact)
    const grantedSeconds = own === undefined ? undefined : contactExpires(own)
    const expiresSeconds = wantedSeconds === 0 ? 0 : (grantedSeconds ?? wantedSeconds)
    // Long enough before the end for a few retransmissions, and a second attempt.
    if (wantedSeconds > 0) this.#registerAgain(expiresSeconds * 0.8, wantedSeconds)
    return { kind: "registered", expiresSeconds, contacts }
  }

  #registerAgain(afterSeconds: number, expiresSeconds: number): void {
    this.#refresh?.cancel()
    if (this.#hasEnded) return
    const delayMs = Math.max(minRetrySeconds, afterSeconds) * 1000
    this.#refresh = this.#core.runtime.setTimer(delayMs, () => void this.register(expiresSeconds))
  }
}

/** Undefined for what some registrar has made of others' contacts, and nobody can read. */
function addressIn(text: string): NameAddress | undefined {
  try {
    return parseNameAddress(text, "Contact")
  } catch {
    return undefined
  }
}

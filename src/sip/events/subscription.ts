/** One subscription (RFC 6665 §4.2): its dialog, its end, and its NOTIFYs, of which one at a time is under way. */
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import { Dialog } from "../agent/dialog.ts"
import { retryAfterOf } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { TransactionLayer } from "../transaction/index.ts"
import type { Flow } from "../transport/index.ts"
import { reginfoOf, reginfoType } from "./reginfo.ts"
import type { ContactState, RegistrationState } from "./registration-state.ts"

/** What a subscription needs of those who keep it. */
export interface SubscriptionHost {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  /** What is known of the address-of-record. */
  stateOf(addressOfRecord: string): RegistrationState
  /** It has ended. */
  forget(subscription: Subscription): void
}

/** Why a subscription ends (RFC 6665 §4.1.3): its time is over, or the subscriber should ask again, elsewhere. */
export type EndReason = "timeout" | "deactivated"

/** See the head of this file. */
export class Subscription {
  readonly addressOfRecord: string
  readonly localTag: string
  readonly #host: SubscriptionHost
  readonly #dialog: Dialog
  /** Of the Event header; comes back in each NOTIFY. */
  readonly #eventId: string | undefined
  readonly #contact: string
  #flow: Flow
  #expiresAt = 0
  #expiry: Timer | undefined
  #version = 0
  #isNotifying = false
  /** Something has happened while a NOTIFY was under way: the next one tells everything. */
  #isBehind = false
  #hasEnded = false

  constructor(host: SubscriptionHost, request: SipRequest, flow: Flow, parts: { addressOfRecord: string; localTag: string; eventId: string | undefined; contact: string }) {
    this.#host = host
    this.#flow = flow
    this.#dialog = Dialog.ofCallee(request, parts.localTag)
    this.addressOfRecord = parts.addressOfRecord
    this.localTag = parts.localTag
    this.#eventId = parts.eventId
    this.#contact = parts.contact
  }

  /** Whether a request is of this dialog. */
  isOf({ callId, from, to }: SipRequest): boolean {
    return to.tag === this.localTag && from.tag === this.#dialog.remoteTag && callId === this.#dialog.callId
  }

  /** A SUBSCRIBE of its dialog; false for one that is older than another. */
  accepts(request: SipRequest, flow: Flow): boolean {
    if (!this.#dialog.accept(request)) return false
    this.#flow = flow
    return true
  }

  /** Sets how long it lives from now on, and tells everything. 0 ends it with that. */
  renew(expiresSeconds: number): void {
    if (this.#hasEnded) return
    const { runtime } = this.#host
    this.#expiry?.cancel()
    this.#expiresAt = runtime.now() + expiresSeconds * 1000
    if (expiresSeconds === 0) return this.end("timeout")
    this.#expiry = runtime.setTimer(expiresSeconds * 1000, () => this.end("timeout"))
    this.#notifyAll()
  }

  /** Tells what has changed. */
  notify(changes: readonly ContactState[]): void {
    if (this.#isNotifying) this.#isBehind = true
    else if (this.#isBehind) this.#notifyAll()
    else this.#send(changes, false)
  }

  /** Tells everything a last time, whatever is under way. */
  end(reason: EndReason): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#expiry?.cancel()
    this.#send(this.#contacts, true, `terminated;reason=${reason}`)
    this.#host.forget(this)
  }

  get #contacts(): readonly ContactState[] {
    return [...this.#host.stateOf(this.addressOfRecord).contacts.values()]
  }

  #notifyAll(): void {
    this.#isBehind = this.#isNotifying
    if (!this.#isNotifying) this.#send(this.#contacts, true)
  }

  #send(contacts: readonly ContactState[], isFull: boolean, ended?: string): void {
    const { runtime, layer } = this.#host
    const now = runtime.now()
    const { addressOfRecord } = this
    const { phase } = this.#host.stateOf(addressOfRecord)
    const request = this.#dialog.request("NOTIFY")
    const { headers } = request
    headers.append("Contact", this.#contact)
    headers.append("Event", this.#eventId === undefined ? "reg" : `reg;id=${this.#eventId}`)
    headers.append("Subscription-State", ended ?? `active;expires=${Math.max(0, Math.ceil((this.#expiresAt - now) / 1000))}`)
    headers.append("Content-Type", reginfoType)
    request.body = reginfoOf({ version: this.#version++, isFull, addressOfRecord, phase, contacts, now })
    this.#isNotifying = true
    layer.request(request, this.#flow, {
      onResponse: (response) => this.#onResponse(response),
      onTimeout: () => this.#finish(),
      onTransportError: () => this.#finish(),
    })
  }

  /** §4.2.2: who refuses a NOTIFY, and does not say that it may be asked later, has no subscription. */
  #onResponse(response: SipResponse): void {
    if (response.status < 200) return
    this.#isNotifying = false
    if (this.#hasEnded) return
    if (response.status < 300) {
      if (this.#isBehind) this.#notifyAll()
    } else if (retryAfterOf(response.headers) === undefined) this.#finish()
    else this.#isBehind = true
  }

  #finish(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#expiry?.cancel()
    this.#host.forget(this)
  }
}

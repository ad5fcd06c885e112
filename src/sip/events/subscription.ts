/** One subscription (RFC 6665 §4.2): its dialog, its end, and its NOTIFYs, of which one at a time is under way. */
import type { Runtime, Timer } from "../../runtime/runtime.ts"
import type { Dialog } from "../agent/dialog.ts"
import { retryAfterOf } from "../message/index.ts"
import type { SipRequest, SipResponse } from "../message/index.ts"
import type { TransactionLayer } from "../transaction/index.ts"
import type { Flow } from "../transport/index.ts"
import type { Watch, Watcher } from "./watch.ts"

/** What a subscription needs of those who keep it. */
export interface SubscriptionHost {
  readonly runtime: Runtime
  readonly layer: TransactionLayer
  /** It has ended. */
  forget(subscription: Subscription): void
}

/** What stays the same while a subscription lasts. */
export interface SubscriptionParts {
  /** What it tells. */
  readonly watch: Watch
  /** Whose subscriptions are counted. */
  readonly subscriber: string | undefined
  readonly localTag: string
  /** Of the Event header; comes back in each NOTIFY. */
  readonly eventId: string | undefined
  readonly contact: string
}

/** Why a subscription ends (RFC 6665 §4.1.3): its time is over, or the subscriber should ask again, elsewhere. */
export type EndReason = "timeout" | "deactivated"

/** Who asks for no more than one NOTIFY has so long to show that it is there: Timer F of RFC 3261. */
const proofSeconds = 32

/** See the head of this file. */
export class Subscription implements Watcher {
  readonly parts: SubscriptionParts
  readonly #host: SubscriptionHost
  readonly #dialog: Dialog
  #flow: Flow
  /** Whether somebody at this address has certainly asked for what is sent there. */
  #isProven: boolean
  #expiresAt = 0
  #expiry: Timer | undefined
  #version = 0
  #isNotifying = false
  /** Something has happened while a NOTIFY was under way: the next one tells everything. */
  #isBehind = false
  #hasEnded = false

  /** `isProven`: whether what comes from this address was certainly sent from there. */
  constructor(host: SubscriptionHost, dialog: Dialog, flow: Flow, parts: SubscriptionParts, isProven: boolean) {
    this.#host = host
    this.#flow = flow
    this.#isProven = isProven
    this.#dialog = dialog
    this.parts = parts
  }

  /**
   * Whether a request is of this dialog. Its tags are all that it shows, and an address over UDP can be anybody's: documents must
   * not go to who has not asked for them. Whoever comes from another host subscribes anew.
   */
  isOf({ callId, from, to }: SipRequest, { transport, remote }: Flow): boolean {
    if (!transport.isReliable && remote.host !== this.#flow.remote.host) return false
    return to.tag === this.parts.localTag && from.tag === this.#dialog.remoteTag && callId === this.#dialog.callId
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
    if (expiresSeconds === 0 && this.#isProven) return this.end("timeout")
    this.#expiry = runtime.setTimer((expiresSeconds === 0 ? proofSeconds : expiresSeconds) * 1000, () => this.end("timeout"))
    this.#notifyAll()
  }

  /** Tells what the latest look has changed. */
  notify(): void {
    if (this.#isNotifying) this.#isBehind = true
    else if (this.#isBehind) this.#notifyAll()
    else this.#send("changes")
  }

  /** Tells everything a last time, whatever is under way. */
  end(reason: EndReason): void {
    if (this.#hasEnded) return
    if (!this.#isProven) return this.#finish()
    this.#hasEnded = true
    this.#expiry?.cancel()
    this.#send("all", `terminated;reason=${reason}`)
    this.#host.forget(this)
  }

  #notifyAll(): void {
    this.#isBehind = this.#isNotifying
    if (!this.#isNotifying) this.#send("all")
  }

  #send(scope: "all" | "changes", ended?: string): void {
    const { runtime, layer } = this.#host
    const { watch: { eventPackage, state }, eventId, contact } = this.parts
    const request = this.#dialog.request("NOTIFY")
    const { headers } = request
    headers.append("Contact", contact)
    headers.append("Event", eventId === undefined ? eventPackage.name : `${eventPackage.name};id=${eventId}`)
    const seconds = Math.max(0, Math.ceil((this.#expiresAt - runtime.now()) / 1000))
    headers.append("Subscription-State", ended ?? `${this.#isProven ? "active" : "pending"};expires=${seconds}`)
    if (this.#isProven) {
      headers.append("Content-Type", eventPackage.contentType)
      request.body = state.document(scope, this.#version++)
    }
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
    if (!this.#isProven && (response.status < 300 || response.status === 415)) this.#prove()
    else if (response.status < 300) {
      if (this.#isBehind) this.#notifyAll()
    } else if (retryAfterOf(response.headers) === undefined) this.#finish()
    else this.#isBehind = true
  }

  /** Only who got the first NOTIFY can have answered it. A 415 says that a document was missed. */
  #prove(): void {
    this.#isProven = true
    if (this.#expiresAt > this.#host.runtime.now()) this.#notifyAll()
    else this.end("timeout")
  }

  #finish(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#expiry?.cancel()
    this.#host.forget(this)
  }
}

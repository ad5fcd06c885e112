import { hash } from "node:crypto"
import {
  createResponse,
  SipSyntaxError,
  type HeaderEntries,
  type SipRequest,
  type SipResponse,
  type Via,
} from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import type { LayerCounters } from "./counters.ts"
import { flowOfResponse, markReceived } from "./via.ts"

/** Of our To tags. Most phones give others: their ACKs need no hash to be told apart. */
const tagLength = 16

/** Answers without a transaction (RFC 3261 §8.2.7): nothing is kept, and each retransmission gets the same answer. */
export class StatelessAnswers {
  readonly #counters: LayerCounters
  readonly #secret: string
  /** The To tag of all that is turned away: it makes no dialog, and its ACK shows it. */
  readonly #busyTag: string
  #turnedAway = 0

  /** `secret`: random bytes, from which the To tags are made. */
  constructor(counters: LayerCounters, secret: Uint8Array) {
    this.#counters = counters
    this.#secret = Buffer.from(secret).toString("hex")
    this.#busyTag = hash("sha256", `${this.#secret} busy`).slice(0, tagLength)
  }

  /** Answers 503 at little cost. The Retry-After times of many are spread, so that they do not come back together. */
  turnAway(request: SipRequest, flow: Flow, retryAfterSeconds: number): void {
    this.#turnedAway = (this.#turnedAway + 1) % (retryAfterSeconds + 1)
    const text = retryAfterSeconds + this.#turnedAway
    this.send(createResponse(request, 503, "Overloaded", { toTag: this.#busyTag, headers: [["Retry-After", String(text)]] }), flow)
  }

  /** Whether an ACK is for an answer given here: it has the branch of its INVITE, from which the To tag was made. */
  isAcknowledgedBy(ack: SipRequest): boolean {
    const toTag = ack.to.tag
    if (toTag?.length !== tagLength) return false
    return toTag === this.#busyTag || toTag === this.#tagOf(ack, ack.headers.get("CSeq")?.replace(/ACK$/, "INVITE"))
  }

  /** Sends a response where its topmost Via wants it. */
  send(response: SipResponse, flow: Flow): void {
    const way = flowOfResponse(response, flow)
    if (way === undefined) this.#counters.suppressed("no-way-back")
    else way.send(response.toBytes())
  }

  reply(request: SipRequest, flow: Flow, status: number, reason: string | undefined, headers: HeaderEntries): void {
    this.send(createResponse(request, status, reason, { toTag: this.tagFor(request), headers }), flow)
  }

  /** A fault that can be told to the sender is told; an ACK or a response is never answered. */
  refuse({ request, status, reason }: SipSyntaxError, flow: Flow): void {
    this.#counters.dropped("malformed")
    if (request === undefined || request.method === "ACK") return
    this.#counters.refused(status)
    const via = soundVia(request)
    if (via === undefined) {
      // RFC 4475 §3.1.2.1: a request whose Via makes no sense is answered where it came from.
      flow.send(createResponse(request, status, reason).toBytes())
      return
    }
    markReceived(request, via, flow)
    this.reply(request, flow, status, reason, [])
  }

  /** A To tag that nobody can guess and that every retransmission of the request gets. */
  tagFor(request: SipRequest): string {
    return this.#tagOf(request, request.headers.get("CSeq"))
  }

  #tagOf({ headers, via }: SipRequest, cseq: string | undefined): string {
    return hash("sha256", `${this.#secret} ${headers.get("Call-ID")} ${via?.branch} ${cseq}`).slice(0, tagLength)
  }
}

/** The topmost Via. Throws {@link SipSyntaxError}, in a form that can be answered, where it is missing or malformed. */
export function topViaOf(request: SipRequest): Via {
  let via: Via | undefined
  try {
    via = request.via
  } catch (error) {
    throw error instanceof SipSyntaxError ? new SipSyntaxError(error.status, error.reason, request) : error
  }
  if (via === undefined) throw new SipSyntaxError(400, "Missing Via")
  return via
}

function soundVia(request: SipRequest): Via | undefined {
  try {
    return request.via
  } catch {
    return undefined
  }
}

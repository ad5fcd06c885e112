import { hash } from "node:crypto"
import {
  createResponse,
  RejectedRequest,
  SipSyntaxError,
  type HeaderEntries,
  type SipRequest,
  type SipResponse,
  type Via,
} from "../message/index.ts"
import type { Flow } from "../transport/transport.ts"
import type { LayerCounters } from "./counters.ts"
import type { PlainHead } from "./plain-head.ts"
import { flowOfResponse, markReceived } from "./via.ts"

/** Of our To tags. Most phones give others: their ACKs need no hash to be told apart. */
const tagLength = 16

/** Answers without a transaction (RFC 3261 §8.2.7): nothing is kept, and each retransmission gets the same answer. */
export class StatelessAnswers {
  readonly #counters: LayerCounters
  readonly #secret: string
  /** The To tag of all that is turned away: it makes no dialog, and its ACK shows it. */
  readonly #busyTag: string
  /** As it stands in an ACK. */
  readonly #busyTagParameter: Buffer
  #turnedAway = 0

  /** `secret`: random bytes, from which the To tags are made. */
  constructor(counters: LayerCounters, secret: Uint8Array) {
    this.#counters = counters
    this.#secret = Buffer.from(secret).toString("hex")
    this.#busyTag = hash("sha256", `${this.#secret} busy`).slice(0, tagLength)
    this.#busyTagParameter = Buffer.from(`;tag=${this.#busyTag}\r\n`, "latin1")
  }

  /** Answers 503 at little cost. */
  turnAway(request: SipRequest, flow: Flow, retryAfterSeconds: number): void {
    const headers: HeaderEntries = [["Retry-After", this.#retryAfter(retryAfterSeconds)]]
    this.send(createResponse(request, 503, "Overloaded", { toTag: this.#busyTag, headers }), flow)
  }

  /** The same answer to a request that has not been parsed, where it came from: it asks for that (RFC 3581). */
  turnAwayUnparsed({ via, from, to, callId, cseq }: PlainHead, flow: Flow, retryAfterSeconds: number): void {
    const { host, port } = flow.remote
    const text = `SIP/2.0 503 Overloaded\r\nVia: ${via}=${port};received=${host}\r\nFrom: ${from}\r\nTo: ${to};tag=${this.#busyTag}\r\nCall-ID: ${
      callId}\r\nCSeq: ${cseq}\r\nRetry-After: ${this.#retryAfter(retryAfterSeconds)}\r\nContent-Length: 0\r\n\r\n`
    flow.send(Buffer.from(text, "latin1"))
  }

  /** Whether this is an ACK for one of these answers: nobody has their To tag but who got one. */
  isAckOfTurnedAway(bytes: Uint8Array): boolean {
    // "ACK "
    if (bytes[0] !== 0x41 || bytes[1] !== 0x43 || bytes[2] !== 0x4b || bytes[3] !== 0x20) return false
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(this.#busyTagParameter)
  }

  /** Spread, so that many do not come back together. */
  #retryAfter(leastSeconds: number): string {
    this.#turnedAway = (this.#turnedAway + 1) % (leastSeconds + 1)
    return String(leastSeconds + this.#turnedAway)
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
  refuse(fault: SipSyntaxError, flow: Flow): void {
    this.#counters.dropped("malformed")
    if (!(fault instanceof RejectedRequest) || fault.request.method === "ACK") return
    const { request, status, reason } = fault
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
    throw error instanceof SipSyntaxError ? new RejectedRequest(error, request) : error
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

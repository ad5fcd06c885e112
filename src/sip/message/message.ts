import { badArgument } from "../../errors.ts"
import { isDigits, isLineSafe, isToken, toBinaryText } from "./characters.ts"
import { CSeq, parseCSeq } from "./cseq.ts"
import { headerId } from "./header-names.ts"
import type { HeaderId } from "./header-names.ts"
import { Headers } from "./headers.ts"
import { NameAddress, parseNameAddress } from "./name-address.ts"
import { reasonPhrase } from "./reason-phrases.ts"
import { badRequest } from "./syntax-error.ts"
import { SipUri } from "./uri.ts"
import { splitFirst } from "./value-list.ts"
import { parseVia, Via } from "./via.ts"

const viaId = headerId("Via")
const fromId = headerId("From")
const toId = headerId("To")
const callIdId = headerId("Call-ID")
const cseqId = headerId("CSeq")
const maxForwardsId = headerId("Max-Forwards")
const contentLengthId = headerId("Content-Length")

const emptyBody = new Uint8Array(0)

/** What {@link SipRequest.create} and {@link SipResponse.create} take as headers. */
export type HeaderEntries = Iterable<readonly [name: string, value: string]>

/**
 * A request or response. Headers are parsed when asked for, and then once;
 * the parsed values are immutable: to change one, edit `headers`.
 */
export abstract class SipMessage {
  readonly headers: Headers
  body: Uint8Array

  constructor(headers: Headers, body: Uint8Array) {
    this.headers = headers
    this.body = body
  }

  /** Request line or status line, without its CRLF. */
  abstract get startLine(): string

  /** The topmost Via; undefined for none. Throws {@link SipSyntaxError} where it is malformed. */
  get via(): Via | undefined {
    const field = this.headers.field(viaId)
    if (field === undefined) return undefined
    if (field.parsed instanceof Via) return field.parsed
    return (field.parsed = parseVia(splitFirst(field.value).first))
  }

  /** Puts a changed Via in the place of the topmost one. */
  replaceVia(via: Via): void {
    this.headers.replaceFirst("Via", via.toString())
    const field = this.headers.field(viaId)
    if (field !== undefined) field.parsed = via
  }

  /** Throws {@link SipSyntaxError} where From is missing or malformed; so do the other three for theirs. */
  get from(): NameAddress {
    return this.#address(fromId, "From")
  }

  get to(): NameAddress {
    return this.#address(toId, "To")
  }

  get callId(): string {
    const value = this.headers.field(callIdId)?.value
    if (value === undefined || value === "") throw badRequest("Missing Call-ID")
    return value
  }

  get cseq(): CSeq {
    const field = this.headers.field(cseqId)
    if (field === undefined) throw badRequest("Missing CSeq")
    if (field.parsed instanceof CSeq) return field.parsed
    return (field.parsed = parseCSeq(field.value))
  }

  /** How long {@link toBytes} is. */
  get byteLength(): number {
    this.#declareLength()
    return this.startLine.length + this.headers.textLength + "\r\n\r\n".length + this.body.length
  }

  /** The message on the wire. Untouched headers come out byte for byte; Content-Length is made right. */
  toBytes(): Buffer {
    this.#declareLength()
    const head = `${this.startLine}\r\n${this.headers.toString()}\r\n`
    if (this.body.length === 0) return Buffer.from(head, "latin1")
    const bytes = Buffer.allocUnsafe(head.length + this.body.length)
    bytes.write(head, 0, "latin1")
    bytes.set(this.body, head.length)
    return bytes
  }

  /** {@link toBytes} as latin1 text, for logs and tests. */
  toString(): string {
    return this.toBytes().toString("latin1")
  }

  #address(id: HeaderId, name: string): NameAddress {
    const field = this.headers.field(id)
    if (field === undefined) throw badRequest(`Missing ${name}`)
    if (field.parsed instanceof NameAddress) return field.parsed
    return (field.parsed = parseNameAddress(field.value, name))
  }

  #declareLength(): void {
    const value = this.headers.field(contentLengthId)?.value
    const declared = value !== undefined && isDigits(value) ? Number(value) : -1
    if (declared !== this.body.length) this.headers.set("Content-Length", String(this.body.length))
  }
}

/** A request. */
export class SipRequest extends SipMessage {
  #method: string
  #uri: string
  #requestUri: SipUri | undefined

  constructor(method: string, uri: string, headers: Headers, body: Uint8Array = emptyBody) {
    super(headers, body)
    this.#method = method
    this.#uri = uri
  }

  /** Builds a request; refuses with `P2PSIP_BAD_ARGUMENT` what may not stand in it. */
  static create(method: string, uri: string, headers: HeaderEntries = [], body: Uint8Array = emptyBody): SipRequest {
    const request = new SipRequest("", "", new Headers(headers), body)
    request.method = method
    request.uri = uri
    return request
  }

  /** Case counts (RFC 3261 §7.1). */
  get method(): string {
    return this.#method
  }

  set method(method: string) {
    if (!isToken(method)) badArgument("method", "a token (RFC 3261 §25.1)", method)
    this.#method = method
  }

  /** The Request-URI as written. */
  get uri(): string {
    return this.#uri
  }

  set uri(uri: string) {
    if (uri === "" || !isLineSafe(uri) || uri.includes(" ")) badArgument("uri", "a URI without spaces", uri)
    this.#uri = uri
    this.#requestUri = undefined
  }

  /** The Request-URI in parts. Throws {@link SipSyntaxError} where it is malformed. */
  get requestUri(): SipUri {
    return (this.#requestUri ??= SipUri.parse(this.#uri))
  }

  /** 0 to 255; undefined without the header. Throws {@link SipSyntaxError} where it is malformed. */
  get maxForwards(): number | undefined {
    const value = this.headers.field(maxForwardsId)?.value
    if (value === undefined) return undefined
    const hops = isDigits(value) ? Number(value) : -1
    if (hops < 0 || hops > 255) throw badRequest("Max-Forwards outside 0 to 255")
    return hops
  }

  set maxForwards(hops: number) {
    this.headers.set("Max-Forwards", String(hops))
  }

  override get startLine(): string {
    return `${this.#method} ${this.#uri} SIP/2.0`
  }

  /** A copy to edit apart: the same fields, the same body. */
  clone(): SipRequest {
    return new SipRequest(this.#method, this.#uri, this.headers.clone(), this.body)
  }
}

/** A response. */
export class SipResponse extends SipMessage {
  #status: number
  #reason: string

  constructor(status: number, reason: string, headers: Headers, body: Uint8Array = emptyBody) {
    super(headers, body)
    this.#status = status
    this.#reason = reason
  }

  /** Builds a response; `reason` is the status's usual phrase unless given. */
  static create(
    status: number,
    reason: string = reasonPhrase(status),
    headers: HeaderEntries = [],
    body: Uint8Array = emptyBody,
  ): SipResponse {
    const response = new SipResponse(0, "", new Headers(headers), body)
    response.status = status
    response.reason = reason
    return response
  }

  /** 100 to 699. */
  get status(): number {
    return this.#status
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 100 || status > 699) badArgument("status", "100 to 699", status)
    this.#status = status
  }

  /** The phrase as latin1 text. A setter's line breaks and NULs become spaces; characters above 255 become UTF-8. */
  get reason(): string {
    return this.#reason
  }

  set reason(reason: string) {
    const binary = /[\u0100-\uffff]/.test(reason) ? toBinaryText(reason) : reason
    this.#reason = binary.replace(/[\0\r\n]/g, " ")
  }

  get isProvisional(): boolean {
    return this.#status < 200
  }

  get isSuccess(): boolean {
    return this.#status >= 200 && this.#status < 300
  }

  /** Status 200 or above. */
  get isFinal(): boolean {
    return this.#status >= 200
  }

  override get startLine(): string {
    return `SIP/2.0 ${this.#status} ${this.#reason}`
  }

  /** A copy to edit apart: the same fields, the same body. */
  clone(): SipResponse {
    return new SipResponse(this.#status, this.#reason, this.headers.clone(), this.body)
  }
}

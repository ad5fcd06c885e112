import { ownText } from "../message/characters.ts"
import { Headers, parseMessage, SipRequest } from "../message/index.ts"

/** What an answer copies (RFC 3261 §8.2.6). */
export const answered = ["Via", "From", "To", "Call-ID", "CSeq"] as const
/** What the ACK for a refusal copies (§17.1.1.3). */
export const acknowledged = [...answered, "Route", "Authorization", "Proxy-Authorization"] as const

/** Longer ones, and those of more fields, are kept as they are: a parser might refuse them. */
const maxTextLength = 4000
const maxTextFields = 100

/**
 * What is still needed of a request once its work is done. A transaction
 * lingers for 32 seconds only to know retransmissions; bodies, Contacts and
 * all that other headers held would linger with it, and the objects that a
 * parsed message is made of. So it is one text, read again by the few who ask.
 */
export class Outline {
  readonly #kept: string | SipRequest

  constructor(request: SipRequest, kept: readonly string[]) {
    const headers = new Headers()
    for (const name of kept) headers.copyFrom(request.headers, name)
    const text = `${request.startLine}\r\n${headers.toString()}\r\n`
    const isUsual = text.length <= maxTextLength && headers.size <= maxTextFields
    this.#kept = isUsual ? ownText(text) : new SipRequest(request.method, request.uri, headers.clone())
  }

  /** The request, with no other headers than those. */
  toRequest(): SipRequest {
    if (typeof this.#kept !== "string") return this.#kept
    const request = parseMessage(Buffer.from(this.#kept, "latin1"))
    if (!(request instanceof SipRequest)) throw new TypeError("the outline of a request was read as a response")
    return request
  }
}

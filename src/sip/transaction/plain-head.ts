/**
 * What an answer copies of a request, read without parsing it: enough to turn
 * it away when there is no time for more.
 *
 * Accepted is a subset of what the general parser accepts, written as nearly
 * everybody writes it: one Via, every header on a line of its own under its
 * usual name. A request with anything else is left to that parser.
 */

/** All text as written. */
export interface PlainHead {
  readonly method: "INVITE" | "REGISTER"
  /** The host, and port where there is one, in the only Via. */
  readonly sentBy: string
  /** Begins with RFC 3261's cookie. */
  readonly branch: string
  /** The value of the only Via, which ends in `;rport`. */
  readonly via: string
  readonly from: string
  /** Without a tag. */
  readonly to: string
  readonly callId: string
  /** With the method. */
  readonly cseq: string
}

const requestLine = /(INVITE|REGISTER) [!-~]+ SIP\/2\.0\r\n/y
/**
 * Whatever has a name of one letter, a space before its colon or a second line is not plain. A value neither begins nor
 * ends with a space: where either could be taken for the other's, a line of spaces would cost the square of its length.
 */
const field = /([A-Za-z][\w.!%*+`'~-]+):[ \t]*([^\s\0](?:[^\r\n\0]*[^\s\0])?)?\r\n(?![ \t])/y
const viaValue = /^SIP\/2\.0\/UDP ([a-z\d.-]+(?::(?:[1-9]\d{0,3}|[1-5]\d{4}))?);branch=(z9hG4bK[\w.!%*+`'~-]+);rport$/
const address = /(?:"[ !#-[\]-~]*" ?|[\w.!%*+`'~ -]*)<sip:[^<>"\\ ]+>/.source
const fromValue = new RegExp(`^${address};tag=[\\w.!%*+\`'~-]+$`)
/** With a tag it is a request within a dialog. */
const toValue = new RegExp(`^${address}$`)
const callIdValue = /^[!-~]+$/
const cseqValue = /^\d{1,9} (INVITE|REGISTER)$/

/** Undefined for any other message. */
export function readPlainHead(bytes: Uint8Array): PlainHead | undefined {
  // I or R.
  if (bytes[0] !== 0x49 && bytes[0] !== 0x52) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
  requestLine.lastIndex = 0
  const method = requestLine.exec(text)?.[1]
  if (method !== "INVITE" && method !== "REGISTER") return undefined
  let [via, from, to, callId, cseq] = ["", "", "", "", ""]
  let at = requestLine.lastIndex
  while (!text.startsWith("\r\n", at)) {
    field.lastIndex = at
    const [, name = "", value = ""] = field.exec(text) ?? []
    if (name === "") return undefined
    at = field.lastIndex
    // Its length tells most others apart from these, without a copy in lower case.
    if (name.length > 7) continue
    switch (name.toLowerCase()) {
      case "via":
        if (via !== "") return undefined
        via = value
        break
      case "from":
        if (from !== "") return undefined
        from = value
        break
      case "to":
        if (to !== "") return undefined
        to = value
        break
      case "call-id":
        if (callId !== "") return undefined
        callId = value
        break
      case "cseq":
        if (cseq !== "") return undefined
        cseq = value
        break
    }
  }
  const [, sentBy = "", branch = ""] = viaValue.exec(via) ?? []
  if (branch === "" || !fromValue.test(from) || !toValue.test(to) || !callIdValue.test(callId)) return undefined
  return cseqValue.exec(cseq)?.[1] === method ? { method, sentBy, branch, via, from, to, callId, cseq } : undefined
}

/**
 * REGISTERs as plain as most are, read without being parsed into a message.
 *
 * The tables below are the grammar that is accepted. Each line is a subset of
 * what the general parser accepts, and means the same there; a message with
 * anything else in it, and be it a tab, is left to that parser.
 */

/** What such a REGISTER says; all text as written. */
export interface PlainRegister {
  /** The host of the Request-URI. */
  readonly requestHost: string
  /** The value of its only Via, which ends in `;rport`. */
  readonly via: string
  readonly from: string
  readonly to: string
  readonly toUser: string
  readonly toHost: string
  readonly callId: string
  /** With the method. */
  readonly cseq: string
  readonly contactUri: string
  /** What the contact itself or else the message asks for. */
  readonly expiresSeconds: number | undefined
  /** Empty for none. */
  readonly userAgent: string
}

/** Longer ones are rare; and so no part is longer than what may be kept of it. */
const maxLength = 1000

const token = "[\\w.!%*+`'~-]+"
/** Without escapes: it means what it looks like. */
const user = "[\\w.!~*'()&=+$,;?/-]+"
const host = "[a-z\\d.-]+"
const port = "(?::(?:[1-9]\\d{0,3}|[1-5]\\d{4}))?"
const parameters = "(?:;[\\w.!~*'-]+(?:=[\\w.!~*'-]+)?)*"
const displayName = '(?:"[ !#-\\[\\]-~]*" |[\\w.-]+ )?'
const seconds = "\\d{1,9}"
/** None that asks the registrar for anything. */
const optionTags = "(?![^\\r]*(?:path|gruu|outbound))[a-z\\d, -]*[a-z\\d]"

const requestLine = new RegExp(`REGISTER sip:${host} SIP/2\\.0\\r\\n`, "y")

/** Header fields, in any order, each at most once. */
const grammar = {
  Via: `SIP/2\\.0/UDP ${host}${port};branch=z9hG4bK${token};rport`,
  From: `${displayName}<sip:${user}@${host}>;tag=${token}`,
  To: `${displayName}<sip:${user}@${host}>`,
  "Call-ID": "[!-~]+",
  CSeq: "\\d{1,9} REGISTER",
  "Max-Forwards": "\\d{1,2}",
  Contact: `${displayName}<sip:${user}@${host}${port}${parameters}>(?:;expires=${seconds})?`,
  Expires: seconds,
  "User-Agent": "[!-~](?:[ -~]*[!-~])?",
  Supported: optionTags,
  Allow: "[A-Z, ]*[A-Z]",
  "Allow-Events": "[a-z., -]*[a-z]",
  "Content-Length": "0",
}

type FieldName = keyof typeof grammar

interface Field {
  readonly name: FieldName
  /** With its line end. */
  readonly line: RegExp
}

const fields = (Object.keys(grammar) as FieldName[]).map((name): Field => ({ name, line: new RegExp(`${name}: ${grammar[name]}\\r\\n`, "y") }))
const fieldsByFirstCode = Array.from({ length: 128 }, (_, code) => fields.filter(({ name }) => name.charCodeAt(0) === code))

/** False for what certainly is none: spares making a text of every datagram. */
export function mayBePlainRegister(bytes: Uint8Array): boolean {
  return bytes.length <= maxLength && bytes[0] === "R".charCodeAt(0)
}

/** Undefined for what is not so plain. `text` is the datagram, one character a byte. */
export function readPlainRegister(text: string): PlainRegister | undefined {
  requestLine.lastIndex = 0
  if (text.length > maxLength || !requestLine.test(text)) return undefined
  let at = requestLine.lastIndex
  const requestHost = text.slice("REGISTER sip:".length, at - " SIP/2.0\r\n".length)
  const values: Record<FieldName, string> = {
    Via: "", From: "", To: "", "Call-ID": "", CSeq: "", "Max-Forwards": "", Contact: "", Expires: "",
    "User-Agent": "", Supported: "", Allow: "", "Allow-Events": "", "Content-Length": "",
  }
  while (at < text.length - 2) {
    const field = fieldAt(text, at)
    if (field === undefined || values[field.name] !== "") return undefined
    const start = at + field.name.length + ": ".length
    at = field.line.lastIndex
    values[field.name] = text.slice(start, at - 2)
  }
  const { Via: via, From: from, To: to, "Call-ID": callId, CSeq: cseq, Contact: contact } = values
  if (!text.endsWith("\r\n\r\n") || via === "" || from === "" || to === "" || callId === "" || cseq === "" || contact === "") return undefined
  // A display name may hold what a URI begins with; a URI holds none of these twice.
  const atSign = to.lastIndexOf("@")
  const contactEnd = contact.lastIndexOf(">")
  const expires = contactEnd === contact.length - 1 ? values.Expires : contact.slice(contactEnd + ">;expires=".length)
  return {
    requestHost, via, from, to, callId, cseq,
    toUser: to.slice(to.lastIndexOf("<") + "<sip:".length, atSign),
    toHost: to.slice(atSign + 1, -1),
    contactUri: contact.slice(contact.lastIndexOf("<") + 1, contactEnd),
    expiresSeconds: expires === "" ? undefined : Number(expires),
    userAgent: values["User-Agent"],
  }
}

function fieldAt(text: string, at: number): Field | undefined {
  for (const field of fieldsByFirstCode[text.charCodeAt(at)] ?? []) {
    field.line.lastIndex = at
    if (field.line.test(text)) return field
  }
  return undefined
}

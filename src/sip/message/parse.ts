import { isDigits, isToken, printable, tokenClass } from "./characters.ts"
import { HeaderField } from "./header-field.ts"
import { addToNameHash, headerId, headerIdAt } from "./header-names.ts"
import { Headers, maxHeaderFields } from "./headers.ts"
import { SipRequest, SipResponse } from "./message.ts"
import { reasonPhrase } from "./reason-phrases.ts"
import { faultIn } from "./rejected-request.ts"
import { badRequest, SipSyntaxError } from "./syntax-error.ts"

/** The largest message, start line to the end of the body; that of UDP. */
export const maxMessageBytes = 65_535

/**
 * The largest start line and headers. A response copies headers, so a larger
 * head could not be answered within one datagram.
 */
export const maxHeadBytes = 32_768

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const COLON = 0x3a

const contentLengthId = headerId("Content-Length")

/** What makes a message unacceptable. */
interface Fault {
  readonly status: number
  readonly reason: string
}

interface Head {
  readonly fields: HeaderField[]
  /** After the empty line; the length of the message where there is none. */
  readonly bodyStart: number
  readonly fault: Fault | undefined
  /** False where an answer, which copies headers, would be no SIP message itself. */
  readonly isCopyable: boolean
}

/**
 * Parses one whole message: a datagram, or what a stream framer cut out.
 *
 * One linear pass finds the fields; their values wait until they are asked
 * for. The body ends where Content-Length says; what follows in a datagram is
 * ignored (RFC 3261 §18.3). The message shares memory with `bytes`.
 *
 * Throws {@link SipSyntaxError}, a `RejectedRequest` where the fault can be answered.
 */
export function parseMessage(bytes: Uint8Array): SipRequest | SipResponse {
  if (bytes.length > maxMessageBytes) throw new SipSyntaxError(513, reasonPhrase(513))
  const start = skipEmptyLines(bytes)
  const lineEnd = findLineEnd(bytes, start)
  if (lineEnd === -1) throw badRequest("No SIP message: no start line")
  const text = latin1(bytes)
  const line = text.slice(start, lineEnd)
  const head = scanFields(bytes, text, lineEnd + 2)
  return line.slice(0, 4).toUpperCase() === "SIP/" ? parseResponse(bytes, line, head) : parseRequest(bytes, line, head)
}

function parseRequest(bytes: Uint8Array, line: string, head: Head): SipRequest {
  // Exactly one SP between the three parts (§7.1); spaces elsewhere end up in a part and are refused there.
  const methodEnd = line.indexOf(" ")
  const versionStart = line.lastIndexOf(" ") + 1
  const method = line.slice(0, Math.max(0, methodEnd))
  const uri = line.slice(methodEnd + 1, Math.max(methodEnd + 1, versionStart - 1))
  const headers = Headers.fromFields(head.fields)
  const { body, fault } = takeBody(bytes, head, headers)
  const request = new SipRequest(method, uri, headers, body)
  const first = requestLineFault(method, uri, line.slice(versionStart)) ?? head.fault ?? fault
  if (first === undefined) return request
  throw head.isCopyable ? faultIn(request, first) : new SipSyntaxError(first.status, first.reason)
}

function requestLineFault(method: string, uri: string, version: string): Fault | undefined {
  if (!isToken(method)) return bad("Malformed Request-Line: method")
  if (uri === "" || uri.includes(" ") || uri.startsWith("<")) {
    return bad("Malformed Request-Line: Request-URI")
  }
  if (version === "SIP/2.0" || version.toUpperCase() === "SIP/2.0") return undefined
  if (/^SIP\/\d+\.\d+$/i.test(version)) return { status: 505, reason: reasonPhrase(505) }
  return bad("Malformed Request-Line: version")
}

function parseResponse(bytes: Uint8Array, line: string, head: Head): SipResponse {
  const codeEnd = line.indexOf(" ", 8)
  const code = line.slice(8, codeEnd === -1 ? line.length : codeEnd)
  const status = Number(code)
  if (!/^SIP\/2\.0 $/i.test(line.slice(0, 8))) throw badRequest("Malformed Status-Line: version")
  if (code.length !== 3 || !isDigits(code) || status < 100 || status > 699) {
    throw badRequest("Malformed Status-Line: status code")
  }
  const headers = Headers.fromFields(head.fields)
  const { body, fault } = takeBody(bytes, head, headers)
  const first = head.fault ?? fault
  if (first !== undefined) throw new SipSyntaxError(first.status, first.reason)
  return new SipResponse(status, codeEnd === -1 ? "" : line.slice(codeEnd + 1), headers, body)
}

function scanFields(bytes: Uint8Array, text: string, at: number): Head {
  const fields: HeaderField[] = []
  let fault: Fault | undefined
  while (at < bytes.length) {
    if (bytes[at] === CR && bytes[at + 1] === LF) {
      return finishHead(text, at, { fields, bodyStart: at + 2, fault, isCopyable: true })
    }
    const start = at
    let code = bytes[at] ?? 0
    let hash = 0
    while (tokenClass[code] !== 0) {
      hash = addToNameHash(hash, code)
      code = bytes[++at] ?? 0
    }
    const nameEnd = at
    while (code === SP || code === TAB) code = bytes[++at] ?? 0
    const isNamed = code === COLON && nameEnd > start
    if (isNamed) {
      do code = bytes[++at] ?? 0
      while (code === SP || code === TAB)
    }
    const valueStart = at
    at = findLineEnd(bytes, at)
    let isFolded = false
    while (at !== -1 && (bytes[at + 2] === SP || bytes[at + 2] === TAB)) {
      isFolded = true
      at = findLineEnd(bytes, at + 2)
    }
    if (at === -1) break
    at += 2
    if (!isNamed) {
      fault ??= bad(`Malformed header line: ${printable(text.slice(start, Math.min(at - 2, start + 24)))}`)
    } else if (fields.length === maxHeaderFields) {
      return { fields, bodyStart: bytes.length, fault: bad("Too many header fields"), isCopyable: false }
    } else {
      const id = headerIdAt(bytes, start, nameEnd, hash)
      fields.push(new HeaderField(id, text, start, nameEnd, valueStart, at, isFolded))
    }
  }
  fault ??= bad("Incomplete header section")
  return finishHead(text, bytes.length, { fields, bodyStart: bytes.length, fault, isCopyable: true })
}

/** A NUL may stand in a quoted pair (RFC 4475 §3.1.1.2); elsewhere some program would take it for the end. */
function finishHead(text: string, headEnd: number, head: Head): Head {
  if (headEnd > maxHeadBytes) return { ...head, fault: { status: 513, reason: reasonPhrase(513) }, isCopyable: false }
  for (let at = text.indexOf("\0"); at !== -1 && at < headEnd; at = text.indexOf("\0", at + 1)) {
    if (text.charAt(at - 1) !== "\\") return { ...head, fault: head.fault ?? bad("NUL in header section"), isCopyable: false }
  }
  return head
}

function bad(reason: string): Fault {
  return { status: 400, reason }
}

/** The index of the next CRLF. -1 where the bytes end first, or a CR or LF stands alone: others might read it as a line end. */
function findLineEnd(bytes: Uint8Array, at: number): number {
  const length = bytes.length
  while (at < length) {
    const code = bytes[at] ?? 0
    if (code === CR) return bytes[at + 1] === LF ? at : -1
    if (code === LF) return -1
    at++
  }
  return -1
}

/** §7.5: empty lines before the start line are ignored. */
function skipEmptyLines(bytes: Uint8Array): number {
  let at = 0
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2
  return at
}

function takeBody(bytes: Uint8Array, head: Head, headers: Headers): { body: Uint8Array; fault: Fault | undefined } {
  const available = bytes.length - head.bodyStart
  const field = headers.field(contentLengthId)
  if (field === undefined) return { body: bytes.subarray(head.bodyStart), fault: undefined }
  const length = isDigits(field.value) ? Number(field.value) : -1
  const body = bytes.subarray(head.bodyStart, head.bodyStart + Math.max(0, length))
  if (length === -1) return { body, fault: bad("Malformed Content-Length") }
  // Two lengths are no length (RFC 4475 §3.3.9): the next element might believe the other one.
  if (headers.count("Content-Length") > 1) return { body, fault: bad("Content-Length given twice") }
  if (length > available) return { body, fault: bad("Body shorter than Content-Length") }
  return { body, fault: undefined }
}

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString("latin1")
}

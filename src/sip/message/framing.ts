import { isDigits, trimLws } from "./characters.ts"
import { addToNameHash, headerId, headerIdAt } from "./header-names.ts"
import { badRequest } from "./syntax-error.ts"

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const COLON = 0x3a

const contentLengthId = headerId("Content-Length")

/**
 * The index after the empty line that ends the headers, searched from `from`;
 * -1 where it has not arrived. On a growing buffer, begin the next search
 * three bytes before the end of the last one.
 */
export function findHeaderEnd(bytes: Uint8Array, from = 0): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1
  }
  return -1
}

/**
 * The Content-Length among the headers between `start` and `headerEnd` (see
 * {@link findHeaderEnd}); undefined where there is none. Throws
 * {@link SipSyntaxError} where it is malformed or two disagree: the stream's
 * framing is lost then, and the connection has to go (RFC 4475 §3.3.9).
 */
export function peekContentLength(bytes: Uint8Array, start: number, headerEnd: number): number | undefined {
  let length: number | undefined
  for (let at = lineAfter(bytes, start, headerEnd); at < headerEnd; at = lineAfter(bytes, at, headerEnd)) {
    const first = (bytes[at] ?? 0) | 0x20
    // Only "content-length" and "l" matter: most lines are passed by after one byte.
    if (first !== 0x63 && first !== 0x6c) continue
    const value = contentLengthValue(bytes, at, headerEnd)
    if (value === undefined) continue
    if (!isDigits(value) || value.length > 10) throw badRequest("Malformed Content-Length")
    if (length !== undefined && length !== Number(value)) throw badRequest("Content-Length given twice")
    length = Number(value)
  }
  return length
}

/** The start of the next line that is not the continuation of a folded one. */
function lineAfter(bytes: Uint8Array, at: number, end: number): number {
  do {
    const lf = bytes.indexOf(LF, at)
    if (lf === -1 || lf >= end) return end
    at = lf + 1
  } while (bytes[at] === SP || bytes[at] === TAB)
  return at
}

function contentLengthValue(bytes: Uint8Array, start: number, end: number): string | undefined {
  let at = start
  let hash = 0
  for (; at < end && at - start <= 14; at++) {
    const code = bytes[at] ?? 0
    if (code === COLON || code === SP || code === TAB) break
    hash = addToNameHash(hash, code)
  }
  if (headerIdAt(bytes, start, at, hash) !== contentLengthId) return undefined
  while (bytes[at] === SP || bytes[at] === TAB) at++
  if (bytes[at] !== COLON) return undefined
  const valueEnd = lineAfter(bytes, at, end)
  return trimLws(Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, Math.min(valueEnd - at - 1, 64)).toString("latin1"))
}

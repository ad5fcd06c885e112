/**
 * Finds the messages in a byte stream (RFC 3261 §18.3, §7.5).
 *
 * Pure: bytes go in, messages come out, whatever the chunks. The work is
 * linear in the bytes, and no more than one message is ever held.
 */

export interface FramerLimits {
  /** Start line and headers, the empty line included. */
  readonly maxHeaderBytes: number
  readonly maxBodyBytes: number
}

/** Why a stream cannot go on: nobody knows where the next message begins. */
export interface FramerFault {
  readonly kind: "header-too-large" | "body-too-large" | "content-length-missing" | "content-length-malformed" | "not-sip"
  /** What the answer should say, where one can be addressed. */
  readonly status: number
  readonly reason: string
  /** The complete header lines, ended by an empty line; empty where there are none. */
  readonly head: Uint8Array
}

/** Receives what the framer finds, in order. */
export interface FramerSink {
  /** One message; a view of memory that nobody changes any more. */
  onMessage(message: Uint8Array): void
  /** A double CRLF between messages (RFC 5626 §3.5.1). */
  onPing(): void
  /** The last call; what follows in the stream is ignored. */
  onFault(fault: FramerFault): void
}

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const COLON = 0x3a
const emptyLine = Buffer.from("\r\n\r\n")
const noBytes = new Uint8Array(0)

/** See the head of this file. */
export class StreamFramer {
  readonly #limits: FramerLimits
  readonly #sink: FramerSink
  /** `#buffer[#start, #end)` is what has come and is not yet part of a message. */
  #buffer: Buffer = Buffer.alloc(0)
  /** Whether `#buffer` was allocated here, and so has room behind `#end`. */
  #ownBuffer = false
  #start = 0
  #end = 0
  /** No empty line begins before this. */
  #scanned = 0
  /** CRLFs in a row between messages. */
  #blankLines = 0
  /** Where the present message ends, once its header is complete; 0 before. */
  #messageEnd = 0
  #failed = false

  constructor(limits: FramerLimits, sink: FramerSink) {
    this.#limits = limits
    this.#sink = sink
  }

  /** True while part of a message is waiting for the rest. */
  get isInsideMessage(): boolean {
    return !this.#failed && this.#end > this.#start
  }

  /** Takes the next bytes, which must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#failed || chunk.length === 0) return
    this.#append(chunk)
    while (this.#next());
    if (this.#start === this.#end || this.#failed) {
      this.#buffer = Buffer.alloc(0)
      this.#start = this.#end = this.#scanned = this.#messageEnd = 0
    }
  }

  /** Takes one message off the buffer; false when it is not complete. */
  #next(): boolean {
    if (this.#messageEnd === 0) {
      if (!this.#skipBlankLines()) return false
      const headerEnd = this.#findHeaderEnd()
      if (headerEnd === 0) return false
      const bodyBytes = this.#bodyBytes(headerEnd)
      if (bodyBytes === undefined) return false
      this.#messageEnd = headerEnd + bodyBytes
    }
    if (this.#messageEnd > this.#end) return false
    const message = this.#buffer.subarray(this.#start, this.#messageEnd)
    this.#start = this.#scanned = this.#messageEnd
    this.#messageEnd = 0
    this.#sink.onMessage(message)
    return true
  }

  /** RFC 3261 §7.5: CRLFs before the start line are ignored. False when nothing else is left. */
  #skipBlankLines(): boolean {
    while (this.#start < this.#end) {
      const byte = this.#buffer[this.#start]
      if (byte !== CR && byte !== LF) {
        this.#blankLines = 0
        return true
      }
      if (byte === CR && this.#start + 1 === this.#end) return false
      this.#start++
      if (byte !== LF) continue
      this.#blankLines++
      if (this.#blankLines === 2) {
        this.#blankLines = 0
        this.#sink.onPing()
      }
    }
    return false
  }

  /** The index after the empty line; 0 while it has not come. */
  #findHeaderEnd(): number {
    const first = this.#buffer[this.#start] ?? 0
    if (first <= SPACE || first >= 0x7f) return this.#fail("not-sip", 400, "Malformed Start Line", 0)
    const from = Math.max(this.#start, this.#scanned - emptyLine.length + 1)
    const found = this.#buffer.subarray(0, this.#end).indexOf(emptyLine, from)
    this.#scanned = this.#end
    const length = (found < 0 ? this.#end : found + emptyLine.length) - this.#start
    if (length > this.#limits.maxHeaderBytes) {
      return this.#fail("header-too-large", 413, "Header Too Large", this.#start + this.#limits.maxHeaderBytes)
    }
    return found < 0 ? 0 : found + emptyLine.length
  }

  /** RFC 3261 §18.3: on a stream Content-Length says where the message ends, and MUST be there. */
  #bodyBytes(headerEnd: number): number | undefined {
    const length = contentLength(this.#buffer, this.#start, headerEnd)
    if (length === undefined) this.#fail("content-length-missing", 400, "Missing Content-Length", headerEnd)
    else if (Number.isNaN(length)) this.#fail("content-length-malformed", 400, "Malformed Content-Length", headerEnd)
    else if (length > this.#limits.maxBodyBytes) this.#fail("body-too-large", 413, "Request Entity Too Large", headerEnd)
    else return length
    return undefined
  }

  /** Gives up; the head is what complete lines there are before `headEnd`. */
  #fail(kind: FramerFault["kind"], status: number, reason: string, headEnd: number): 0 {
    this.#failed = true
    const lines = headEnd === 0 ? noBytes : this.#buffer.subarray(this.#start, headEnd)
    const lastLineEnd = Buffer.from(lines.buffer, lines.byteOffset, lines.length).lastIndexOf("\r\n")
    const isWhole = headEnd >= 4 && this.#buffer.subarray(headEnd - 4, headEnd).equals(emptyLine)
    const head = isWhole ? lines : lastLineEnd < 0 ? noBytes : Buffer.concat([lines.subarray(0, lastLineEnd), emptyLine])
    this.#sink.onFault({ kind, status, reason, head })
    return 0
  }

  /** Never writes over bytes that have been handed out, nor into a chunk. */
  #append(chunk: Uint8Array): void {
    const held = this.#end - this.#start
    if (held === 0) {
      this.#buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      this.#start = this.#scanned = 0
      this.#end = chunk.length
      this.#ownBuffer = false
      return
    }
    if (!this.#ownBuffer || this.#end + chunk.length > this.#buffer.length) {
      const needed = Math.max(held + chunk.length, this.#messageEnd - this.#start)
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * held, needed, 1024))
      this.#buffer.copy(larger, 0, this.#start, this.#end)
      this.#scanned -= this.#start
      if (this.#messageEnd > 0) this.#messageEnd -= this.#start
      this.#buffer = larger
      this.#start = 0
      this.#end = held
      this.#ownBuffer = true
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }
}

/** The value of Content-Length (or `l`): undefined where there is none, NaN for a wrong one or two that differ. */
function contentLength(buffer: Buffer, start: number, end: number): number | undefined {
  let length: number | undefined
  let line = buffer.indexOf(LF, start) + 1
  while (line < end) {
    const valueAt = afterName(buffer, line)
    if (valueAt > 0) {
      const value = digits(buffer, valueAt, end)
      if (length !== undefined && length !== value) return NaN
      length = value
    }
    line = buffer.indexOf(LF, line) + 1
  }
  return length
}

/** The index after the colon if the line is a Content-Length, otherwise 0. */
function afterName(buffer: Buffer, line: number): number {
  const first = (buffer[line] ?? 0) | 0x20
  let at: number
  if (first === 0x6c) at = line + 1
  else if (first === 0x63 && buffer.toString("latin1", line, line + 14).toLowerCase() === "content-length") at = line + 14
  else return 0
  while (buffer[at] === SPACE || buffer[at] === TAB) at++
  return buffer[at] === COLON ? at + 1 : 0
}

/** A decimal number between white space (which may be folded, RFC 3261 §7.3.1); NaN for anything else. */
function digits(buffer: Buffer, at: number, end: number): number {
  at = skipWhiteSpace(buffer, at)
  const first = at
  let value = 0
  for (; at < end; at++) {
    const digit = (buffer[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9 || at - first > 9) break
    value = value * 10 + digit
  }
  const after = skipWhiteSpace(buffer, at)
  return at > first && buffer[after] === CR && buffer[after + 1] === LF ? value : NaN
}

function skipWhiteSpace(buffer: Buffer, at: number): number {
  for (;;) {
    const byte = buffer[at]
    if (byte === SPACE || byte === TAB) at++
    else if (byte === CR && buffer[at + 1] === LF && (buffer[at + 2] === SPACE || buffer[at + 2] === TAB)) at += 3
    else return at
  }
}

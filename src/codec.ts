/**
 * Bounded binary reading and writing, for frames between peers.
 *
 * Integers are big-endian. A byte string is a varint length and the bytes.
 * The reader checks every length against what is left before it allocates, so
 * a hostile frame costs no more than its own size.
 */
import { P2PSipError } from "./errors.ts"

/** Up to so many characters are cheaper to copy one by one. */
const shortText = 64
const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder("utf-8", { fatal: true })

/** Writes a frame into a growing buffer. */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  uint8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  uint16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  uint32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
    return this
  }

  /** A whole number below 2^53, in eight bytes. */
  uint53(value: number): this {
    const at = this.#reserve(8)
    this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
    this.#buffer.writeUInt32BE(value % 0x1_0000_0000, at + 4)
    return this
  }

  /** LEB128, for whole numbers below 2^53. */
  varint(value: number): this {
    while (value >= 0x80) {
      this.uint8((value % 0x80) + 0x80)
      value = Math.floor(value / 0x80)
    }
    return this.uint8(value)
  }

  /** The bytes alone, without a length: both sides know how many. */
  fixed(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** A varint length, then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).fixed(bytes)
  }

  /** A byte string of UTF-8 text. */
  text(text: string): this {
    const { length } = text
    if (length > shortText) return this.bytes(textEncoder.encode(text))
    const start = this.#length
    const at = this.varint(length).#reserve(length)
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) {
        this.#length = start
        return this.bytes(textEncoder.encode(text))
      }
      this.#buffer[at + index] = code
    }
    return this
  }

  /** A byte string given as a string of characters below 256, one for each byte. */
  binary(text: string): this {
    return this.varint(text.length).fixedBinary(text)
  }

  /** Like `binary`, without a length: both sides know how many. */
  fixedBinary(text: string): this {
    const at = this.#reserve(text.length)
    this.#buffer.write(text, at, "latin1")
    return this
  }

  /** Fixed bytes given as lower-case hexadecimal. */
  hex(text: string): this {
    const at = this.#reserve(text.length / 2)
    this.#buffer.write(text, at, "hex")
    return this
  }

  /** The frame; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** May replace the buffer: call it before naming the buffer. */
  #reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, at))
      this.#buffer = larger
    }
    this.#length = needed
    return at
  }
}

/** Reads a frame; every failure is `P2PSIP_BAD_FRAME`. */
export class ByteReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#buffer.length - this.#at
  }

  uint8(): number {
    return this.#buffer.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.#buffer.readUInt16BE(this.#take(2))
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#take(4))
  }

  uint53(): number {
    const at = this.#take(8)
    const high = this.#buffer.readUInt32BE(at)
    if (high >= 0x20_0000) throw badFrame("a number below 2^53", "a larger one")
    return high * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4)
  }

  varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 53; scale *= 0x80) {
      const byte = this.uint8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw badFrame("a varint below 2^53", "a longer one")
  }

  /** A view of the next `count` bytes; it shares memory with the frame. */
  fixed(count: number): Uint8Array {
    const at = this.#take(count)
    return this.#buffer.subarray(at, at + count)
  }

  /** A view of a byte string of at most `maxBytes`. */
  bytes(maxBytes: number): Uint8Array {
    return this.fixed(this.#length(maxBytes))
  }

  text(maxBytes: number): string {
    const bytes = this.bytes(maxBytes)
    try {
      return textDecoder.decode(bytes)
    } catch (cause) {
      throw new P2PSipError("P2PSIP_BAD_FRAME", "expected UTF-8 text, found other bytes", { cause })
    }
  }

  /** A byte string of at most `maxBytes` as a string of characters below 256; a copy. */
  binary(maxBytes: number): string {
    return this.fixedBinary(this.#length(maxBytes))
  }

  /** The next `count` bytes as a string of characters below 256; a copy. */
  fixedBinary(count: number): string {
    const at = this.#take(count)
    return this.#buffer.toString("latin1", at, at + count)
  }

  /** The next `count` bytes as lower-case hexadecimal. */
  hex(count: number): string {
    const at = this.#take(count)
    return this.#buffer.toString("hex", at, at + count)
  }

  /** A list length of at most `max`, for items that take `minItemBytes` each at the least. */
  count(max: number, minItemBytes = 1): number {
    const count = this.varint()
    if (count > max || count * minItemBytes > this.remaining) {
      throw badFrame(`at most ${Math.min(max, Math.floor(this.remaining / minItemBytes))} items`, `${count}`)
    }
    return count
  }

  /** Fails unless everything has been read. */
  end(): void {
    if (this.remaining !== 0) throw badFrame("the end of the frame", `${this.remaining} more bytes`)
  }

  #length(maxBytes: number): number {
    const length = this.varint()
    if (length > maxBytes) throw badFrame(`at most ${maxBytes} bytes`, `${length}`)
    return length
  }

  #take(count: number): number {
    const at = this.#at
    if (count > this.#buffer.length - at) {
      throw badFrame(`${count} more bytes`, `${this.#buffer.length - at}`)
    }
    this.#at = at + count
    return at
  }
}

/** The error for bytes that do not decode. */
export function badFrame(expected: string, found: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_FRAME", `expected ${expected}, found ${found}`)
}

/**
 * Frames on a stream: a varint length, a channel byte, the payload.
 *
 * The length counts the channel byte and the payload, so that any reader of
 * length-prefixed messages can follow.
 */
import { badFrame } from "../codec.ts"

/** One frame with the channel that it belongs to. */
export interface ChannelFrame {
  readonly channel: number
  readonly frame: Uint8Array
}

/** Header bytes at most: a length below 2^28 and the channel. */
export const maxHeaderBytes = 5

/** The bytes of these frames, one behind the other. */
export function encodeFrames(frames: readonly ChannelFrame[]): Buffer {
  let size = 0
  for (const { frame } of frames) size += maxHeaderBytes + frame.length
  const buffer = Buffer.allocUnsafe(size)
  let at = 0
  for (const { channel, frame } of frames) {
    let length = frame.length + 1
    while (length >= 0x80) {
      buffer[at++] = (length & 0x7f) | 0x80
      length >>>= 7
    }
    buffer[at++] = length
    buffer[at++] = channel
    buffer.set(frame, at)
    at += frame.length
  }
  return buffer.subarray(0, at)
}

/**
 * Cuts the bytes of one stream into frames. What it holds is never more than
 * has arrived: a length that a hostile peer announces allocates nothing.
 */
export class FrameDecoder {
  readonly #maxLength: number
  /** The beginning of a header, or of a body. */
  #parts: Uint8Array[] = []
  /** Bytes of the body that have not come yet; undefined while the header is not complete. */
  #missing: number | undefined

  constructor(maxFrameBytes: number) {
    this.#maxLength = maxFrameBytes + 1
  }

  /** True between two frames: a stream that ends elsewhere was cut off. */
  get isBetweenFrames(): boolean {
    return this.#parts.length === 0 && this.#missing === undefined
  }

  /** The frames that these bytes complete, as views of them where possible. Throws `P2PSIP_BAD_FRAME`. */
  push(bytes: Uint8Array): ChannelFrame[] {
    const frames: ChannelFrame[] = []
    let chunk = bytes
    let at = 0
    if (this.#missing !== undefined) {
      if (chunk.length < this.#missing) {
        this.#parts.push(chunk)
        this.#missing -= chunk.length
        return frames
      }
      at = this.#missing
      this.#parts.push(chunk.subarray(0, at))
      frames.push(asFrame(this.#takeParts()))
    } else if (this.#parts.length > 0) {
      this.#parts.push(chunk)
      chunk = this.#takeParts()
    }
    while (at < chunk.length) {
      const header = this.#readLength(chunk, at)
      if (header === undefined) {
        this.#parts.push(chunk.subarray(at))
        break
      }
      const end = header.bodyAt + header.length
      if (end > chunk.length) {
        if (header.bodyAt < chunk.length) this.#parts.push(chunk.subarray(header.bodyAt))
        this.#missing = end - chunk.length
        break
      }
      frames.push(asFrame(chunk.subarray(header.bodyAt, end)))
      at = end
    }
    return frames
  }

  #readLength(chunk: Uint8Array, start: number): { length: number; bodyAt: number } | undefined {
    let length = 0
    for (let index = 0; index < maxHeaderBytes - 1; index++) {
      const byte = chunk[start + index]
      if (byte === undefined) return undefined
      length |= (byte & 0x7f) << (7 * index)
      if (byte >= 0x80) continue
      if (length === 0) throw badFrame("a frame with a channel", "an empty one")
      if (length > this.#maxLength) throw badFrame(`a frame of at most ${this.#maxLength} bytes`, `${length}`)
      return { length, bodyAt: start + index + 1 }
    }
    throw badFrame(`a frame of at most ${this.#maxLength} bytes`, "a longer length")
  }

  #takeParts(): Uint8Array {
    const whole = Buffer.concat(this.#parts)
    this.#parts = []
    this.#missing = undefined
    return whole
  }
}

function asFrame(body: Uint8Array): ChannelFrame {
  return { channel: body[0] ?? 0, frame: body.subarray(1) }
}

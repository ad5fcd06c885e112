/**
 * A running fingerprint of everything that was delivered: two runs with equal
 * fingerprints saw the same frames at the same times in the same order.
 */

const numberBytes = new Float64Array(1)
const numberWords = new Uint32Array(numberBytes.buffer)

/** Two 32-bit lanes with different multipliers; not cryptographic. */
export class EventHash {
  #low = 0x811c9dc5
  #high = 0x9747b28c

  word(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193)
    this.#low ^= this.#low >>> 15
    this.#high = Math.imul(this.#high ^ word, 0x85ebca6b)
    this.#high ^= this.#high >>> 13
  }

  number(value: number): void {
    numberBytes[0] = value
    this.word(numberWords[0] as number)
    this.word(numberWords[1] as number)
  }

  /** A frame that arrived; the same as time, ends and channel as numbers and words, and then the bytes. */
  frame(time: number, from: number, to: number, channel: number, bytes: Uint8Array): void {
    this.number(time)
    this.word(from)
    this.word(to)
    this.word(channel)
    this.bytes(bytes)
  }

  bytes(bytes: Uint8Array): void {
    // The lanes in local variables: this is called for every frame.
    let low = this.#low
    let high = this.#high
    const length = bytes.length
    const whole = length & ~3
    let at = 0
    for (; at < whole; at += 4) {
      const word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)
      low = Math.imul(low ^ word, 0x01000193)
      low ^= low >>> 15
      high = Math.imul(high ^ word, 0x85ebca6b)
      high ^= high >>> 13
    }
    this.#low = low
    this.#high = high
    let rest = length << 24
    for (; at < length; at++) rest = (rest << 8) ^ (bytes[at] as number)
    this.word(rest)
  }

  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.word(text.charCodeAt(at))
    this.word(text.length)
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(this.#high) + hex(this.#low)
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0")
}

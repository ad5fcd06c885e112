/**
 * The window updates of a yamux connection that may wait for company.
 *
 * `@libp2p/yamux` grants a stream its window anew after each frame that it has
 * read. By the specification of yamux that is for the receiver to time; a
 * stream begins with 256 kB, so that a sender of whom a quarter of that is
 * withheld is never held up.
 */
import type { Uint8ArrayList } from "uint8arraylist"

/** So much is granted at once: a quarter of the window with which each stream begins. */
const enoughBytes = 64 * 1024

/** A frame without data: version, type, flags (2 bytes), stream (4), bytes granted (4). */
const headerBytes = 12
const version = 0
const windowUpdate = 1

/** See the head of this file. */
export class WindowGrants {
  /** Bytes by stream, for the few streams that a connection has. */
  readonly #bytes = new Map<number, number>()
  #isDue = false

  /** One stream at least has waited long enough. */
  get isDue(): boolean {
    return this.#isDue
  }

  /** Keeps a window update; false for everything else, which cannot wait: updates that open, accept or end a stream as well. */
  take(data: Uint8Array | Uint8ArrayList): boolean {
    if (!(data instanceof Uint8Array) || data.length !== headerBytes) return false
    if (data[0] !== version || data[1] !== windowUpdate || data[2] !== 0 || data[3] !== 0) return false
    const view = new DataView(data.buffer, data.byteOffset, headerBytes)
    const stream = view.getUint32(4)
    const bytes = (this.#bytes.get(stream) ?? 0) + view.getUint32(8)
    this.#bytes.set(stream, bytes)
    if (bytes >= enoughBytes) this.#isDue = true
    return true
  }

  /** Everything that was kept, one frame for each stream. */
  writeTo(list: Uint8ArrayList): void {
    for (const [stream, bytes] of this.#bytes) {
      const frame = new Uint8Array(headerBytes)
      const view = new DataView(frame.buffer)
      frame[1] = windowUpdate
      view.setUint32(4, stream)
      view.setUint32(8, bytes)
      list.append(frame)
    }
    this.#bytes.clear()
    this.#isDue = false
  }
}

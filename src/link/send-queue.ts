/** What waits for one peer, and how it is cut into writes. */
import { channels } from "./link.ts"
import { encodeFrames, maxHeaderBytes, type ChannelFrame } from "./frames.ts"
import type { LinkLimits } from "./limits.ts"

/** A write is cut here: large enough that its price does not matter, small enough to be held twice. */
const maxWriteBytes = 128 * 1024
/** Nobody wants to hear late what was said: media wait behind no more than this, and never take the room of what has to arrive. */
const maxBytesBeforeMedia = 32 * 1024

/** See the head of this file. */
export class SendQueue {
  readonly #limits: LinkLimits
  #frames: ChannelFrame[] = []
  #bytes = 0

  constructor(limits: LinkLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#frames.length
  }

  hasRoomFor(channel: number, frame: Uint8Array): boolean {
    if (channel === channels.media && this.#bytes + frame.length > maxBytesBeforeMedia) return false
    return this.#frames.length < this.#limits.maxQueuedFrames && this.#bytes + frame.length <= this.#limits.maxQueuedBytes
  }

  push(frame: ChannelFrame): void {
    this.#frames.push(frame)
    this.#bytes += frame.frame.length
  }

  holds(channel: number): boolean {
    return this.#frames.some((frame) => frame.channel === channel)
  }

  /** Drops everything and tells how many frames that were. */
  clear(): number {
    const count = this.#frames.length
    this.#frames = []
    this.#bytes = 0
    return count
  }

  /**
   * Hands everything to `write` in as few pieces as sensible, until `write`
   * returns false or throws: that piece is gone, but no more is wanted now.
   * Tells what was taken.
   */
  writeTo(write: (bytes: Uint8Array) => boolean): { frames: number; bytes: number } {
    let taken = 0
    let bytes = 0
    for (let isWanted = true; isWanted && taken < this.#frames.length;) {
      const batch = this.#batchFrom(taken)
      try {
        isWanted = write(encodeFrames(batch))
      } catch {
        // A part of it may have been sent: better lost than delivered twice.
        isWanted = false
      }
      taken += batch.length
      for (const { frame } of batch) bytes += frame.length
    }
    this.#frames = taken === this.#frames.length ? [] : this.#frames.slice(taken)
    this.#bytes -= bytes
    return { frames: taken, bytes }
  }

  #batchFrom(start: number): readonly ChannelFrame[] {
    const frames = this.#frames
    if (start === 0 && this.#bytes + frames.length * maxHeaderBytes <= maxWriteBytes) return frames
    let bytes = 0
    let end = start
    for (; end < frames.length; end++) {
      bytes += (frames[end]?.frame.length ?? 0) + maxHeaderBytes
      if (bytes > maxWriteBytes && end > start) break
    }
    return frames.slice(start, end)
  }
}

/** Puts the pieces of frames together again; in order, each frame once. Senders are bounded, and so is what waits for its other pieces. */
import type { Address } from "./address.ts"
import type { Piece } from "./mesh-frame.ts"

/** What is told of a piece here; see `Piece`. */
type Part = Omit<Piece, "channel">

interface Sender {
  epoch: number
  /** Of the last frame that was complete. */
  sequence: number
  /** The frame that is being put together. */
  partial: PartialFrame | undefined
}

interface PartialFrame {
  readonly sequence: number
  readonly pieces: (Uint8Array | undefined)[]
  missing: number
  bytes: number
}

const maxSenders = 4096
/** Of all frames of which some pieces are missing. */
const maxPartialBytes = 8 * 1024 * 1024

/** See the head of this file. */
export class Reassembly {
  readonly #senders = new Map<Address, Sender>()
  /** Those with a partial frame; whose began first comes first. */
  readonly #waiting = new Set<Sender>()
  #partialBytes = 0

  /** The frame that the piece completes; undefined while some are missing, or when it comes too late. */
  add(source: Address, piece: Part): Uint8Array | undefined {
    const sender = this.#senderFor(source, piece)
    if (!isAfter(piece.sequence, sender.sequence)) return undefined
    if (piece.count === 1) return this.#complete(sender, piece.sequence, piece.bytes)
    let { partial } = sender
    if (partial?.sequence !== piece.sequence || partial.pieces.length !== piece.count) {
      if (partial !== undefined && isAfter(partial.sequence, piece.sequence)) return undefined
      partial = this.#begin(sender, piece)
    }
    if (partial.pieces[piece.index] !== undefined) return undefined
    // A copy: a view would keep all that came with it.
    partial.pieces[piece.index] = new Uint8Array(piece.bytes)
    partial.bytes += piece.bytes.length
    this.#partialBytes += piece.bytes.length
    if (--partial.missing === 0) return this.#complete(sender, piece.sequence, Buffer.concat(partial.pieces as Uint8Array[]))
    for (const oldest of this.#waiting) {
      if (this.#partialBytes <= maxPartialBytes) break
      this.#abandon(oldest)
    }
    return undefined
  }

  #begin(sender: Sender, { sequence, count }: Part): PartialFrame {
    this.#abandon(sender)
    this.#waiting.add(sender)
    return (sender.partial = { sequence, pieces: new Array<Uint8Array | undefined>(count).fill(undefined), missing: count, bytes: 0 })
  }

  #abandon(sender: Sender): void {
    this.#partialBytes -= sender.partial?.bytes ?? 0
    sender.partial = undefined
    this.#waiting.delete(sender)
  }

  #complete(sender: Sender, sequence: number, frame: Uint8Array): Uint8Array {
    sender.sequence = sequence
    this.#abandon(sender)
    return frame
  }

  #senderFor(source: Address, { epoch, sequence }: Part): Sender {
    let sender = this.#senders.get(source)
    if (sender === undefined || sender.epoch !== epoch) {
      this.#forget(source)
      sender = { epoch, sequence: (sequence - 1) >>> 0, partial: undefined }
      this.#senders.set(source, sender)
      for (const oldest of this.#senders.keys()) {
        if (this.#senders.size <= maxSenders) break
        this.#forget(oldest)
      }
    }
    return sender
  }

  #forget(source: Address): void {
    const sender = this.#senders.get(source)
    if (sender !== undefined) this.#abandon(sender)
    this.#senders.delete(source)
  }
}

/** Whether one number comes after another, in 32 bits that wrap. */
function isAfter(a: number, b: number): boolean {
  return a !== b && ((a - b) >>> 0) < 0x8000_0000
}

/** Puts the pieces of frames together again; in order, each frame once. Bounded for each sender, and so are the senders. */
import type { Address } from "./address.ts"
import type { Piece } from "./mesh-frame.ts"

/** What is told of a piece here; see `Piece`. */
type Part = Omit<Piece, "channel">

interface Sender {
  epoch: number
  /** Of the last frame that was complete. */
  sequence: number
  /** The frame that is being put together. */
  partial: { readonly sequence: number; readonly pieces: (Uint8Array | undefined)[]; missing: number } | undefined
}

const maxSenders = 4096

/** See the head of this file. */
export class Reassembly {
  readonly #senders = new Map<Address, Sender>()

  /** The frame that the piece completes; undefined while some are missing, or when it comes too late. */
  add(source: Address, piece: Part): Uint8Array | undefined {
    const sender = this.#senderFor(source, piece)
    if (!isAfter(piece.sequence, sender.sequence)) return undefined
    if (piece.count === 1) return this.#complete(sender, piece.sequence, piece.bytes)
    let { partial } = sender
    if (partial?.sequence !== piece.sequence || partial.pieces.length !== piece.count) {
      if (partial !== undefined && isAfter(partial.sequence, piece.sequence)) return undefined
      partial = sender.partial = { sequence: piece.sequence, pieces: new Array<Uint8Array | undefined>(piece.count).fill(undefined), missing: piece.count }
    }
    if (partial.pieces[piece.index] !== undefined) return undefined
    partial.pieces[piece.index] = piece.bytes
    if (--partial.missing > 0) return undefined
    return this.#complete(sender, piece.sequence, Buffer.concat(partial.pieces as Uint8Array[]))
  }

  #complete(sender: Sender, sequence: number, frame: Uint8Array): Uint8Array {
    sender.sequence = sequence
    sender.partial = undefined
    return frame
  }

  #senderFor(source: Address, { epoch, sequence }: Part): Sender {
    let sender = this.#senders.get(source)
    if (sender === undefined || sender.epoch !== epoch) {
      this.#senders.delete(source)
      sender = { epoch, sequence: (sequence - 1) >>> 0, partial: undefined }
      this.#senders.set(source, sender)
      for (const oldest of this.#senders.keys()) {
        if (this.#senders.size <= maxSenders) break
        this.#senders.delete(oldest)
      }
    }
    return sender
  }
}

/** Whether one number comes after another, in 32 bits that wrap. */
function isAfter(a: number, b: number): boolean {
  return a !== b && ((a - b) >>> 0) < 0x8000_0000
}

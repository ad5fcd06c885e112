/**
 * Frames of a Link as application payloads of packets: cut into pieces that fit,
 * numbered so that they arrive in order and once. See PROTOCOL.md.
 */
import type { ByteReader } from "../../src/codec.ts"
import { ByteWriter, badFrame } from "../../src/codec.ts"
import type { Channel } from "../../src/link/link.ts"
import { channels } from "../../src/link/link.ts"

/** One piece of a frame. */
export interface Piece {
  readonly channel: Channel
  /** Names the sender's process: a restarted one begins anew. */
  readonly epoch: number
  /** Number of the frame, of those to this receiver. */
  readonly sequence: number
  readonly index: number
  readonly count: number
  readonly bytes: Uint8Array
}

export const maxPieces = 64
/** Bytes of a piece without its own. */
export const pieceHeadBytes = 11
/** Media go without pieces. */
const knownChannels: ReadonlySet<number> = new Set([channels.overlay, channels.sip])

export function encodePiece({ channel, epoch, sequence, index, count, bytes }: Piece): Uint8Array {
  return new ByteWriter(pieceHeadBytes + bytes.length)
    .uint8(channel).uint32(epoch).uint32(sequence).uint8(index).uint8(count).fixed(bytes).finish()
}

/** Throws `P2PSIP_BAD_FRAME`. */
export function decodePiece(reader: ByteReader): Piece {
  const channel = reader.uint8()
  if (!knownChannels.has(channel)) throw badFrame("a channel", `${channel}`)
  const [epoch, sequence, index, count] = [reader.uint32(), reader.uint32(), reader.uint8(), reader.uint8()]
  if (count === 0 || count > maxPieces || index >= count) throw badFrame(`a piece of at most ${maxPieces}`, `${index} of ${count}`)
  return { channel: channel as Channel, epoch, sequence, index, count, bytes: reader.fixed(reader.remaining) }
}

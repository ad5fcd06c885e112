/** Media between relays, one frame of the Link each: 8 bytes that name the stream at the receiver, 1 byte RTP (0) or RTCP (1), the packet. */
import { type MediaKind, mediaKinds } from "./relay-ports.ts"

export interface MediaPacket {
  /** 16 hexadecimal digits. */
  readonly id: string
  readonly kind: MediaKind
  readonly packet: Uint8Array
}

export const idBytes = 8
const headBytes = idBytes + 1

export function encodeMedia({ id, kind, packet }: MediaPacket): Uint8Array {
  const frame = Buffer.allocUnsafe(headBytes + packet.length)
  frame.write(id, 0, "hex")
  frame[idBytes] = kind
  frame.set(packet, headBytes)
  return frame
}

/** Undefined for what is none. The packet is a view of the frame. */
export function decodeMedia(frame: Uint8Array): MediaPacket | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  const kind = bytes[idBytes]
  if (kind !== mediaKinds.rtp && kind !== mediaKinds.rtcp) return undefined
  return { id: bytes.toString("hex", 0, idBytes), kind, packet: bytes.subarray(headBytes) }
}

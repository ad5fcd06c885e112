/**
 * The first bytes of every frame on the Link's channel `overlay`.
 *
 *     request       0  id:uint32  method:uint8  body
 *     reply         1  id:uint32  body
 *     error         2  id:uint32  code:text  message:text
 *     working       3  id:uint32
 *     notification  4  method:uint8  body
 *
 * `working` answers a request that was sent again while it is being handled:
 * the peer is alive, keep waiting.
 */
import type { ByteReader } from "../codec.ts"
import { ByteWriter, badFrame } from "../codec.ts"
import type { ErrorCode } from "../errors.ts"
import { P2PSipError, errorCodes } from "../errors.ts"

export const frameKinds = { request: 0, reply: 1, error: 2, working: 3, notification: 4 } as const

/** Bytes that a request has before its body: the longest head of all. */
export const maxHeadBytes = 6

const maxCodeBytes = 40
const maxMessageBytes = 300

export function encodeRequest(id: number, method: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(6 + body.length)
  frame[0] = frameKinds.request
  frame.writeUInt32BE(id, 1)
  frame[5] = method
  frame.set(body, 6)
  return frame
}

export function encodeReply(id: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(5 + body.length)
  frame[0] = frameKinds.reply
  frame.writeUInt32BE(id, 1)
  frame.set(body, 5)
  return frame
}

export function encodeError(id: number, code: ErrorCode, message: string): Uint8Array {
  return new ByteWriter(64).uint8(frameKinds.error).uint32(id).text(code).text(message.slice(0, maxMessageBytes / 3)).finish()
}

export function encodeWorking(id: number): Uint8Array {
  return new ByteWriter(5).uint8(frameKinds.working).uint32(id).finish()
}

export function encodeNotification(method: number, body: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(2 + body.length)
  frame[0] = frameKinds.notification
  frame[1] = method
  frame.set(body, 2)
  return frame
}

/** What follows the id of an error frame. */
export function readError(reader: ByteReader): P2PSipError {
  const code = reader.text(maxCodeBytes)
  const message = reader.text(maxMessageBytes)
  reader.end()
  if (!isErrorCode(code)) throw badFrame("a known error code", JSON.stringify(code))
  return new P2PSipError(code, message)
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text)
}

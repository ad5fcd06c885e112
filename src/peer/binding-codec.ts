/**
 * A binding as bytes, for the overlay.
 *
 * | field | form |
 * |---|---|
 * | version | one byte: 2 where a life follows, else 1 |
 * | contact, parameters, Call-ID, user agent | byte strings |
 * | q in thousandths | varint, 0 to 1000 |
 * | CSeq | four bytes |
 * | path | a count, then byte strings |
 * | life of temporary GRUUs | eight bytes, in version 2 |
 *
 * SIP text holds one character per byte. The time left is the record's own and
 * not part of the value: remaining times travel, never a date.
 */
import { badFrame, ByteReader, ByteWriter } from "../codec.ts"
import { isLineSafe } from "../sip/message/index.ts"
import type { Binding } from "../sip/registrar/location-service.ts"

const plainVersion = 1
const versionWithLife = 2
const maxContactBytes = 2048
const maxParameterBytes = 4096
const maxCallIdBytes = 1024
const maxUserAgentBytes = 512
const maxPathValues = 32
const maxPathBytes = 2048

export function encodeBinding(binding: Omit<Binding, "expiresSeconds">): Uint8Array {
  const writer = new ByteWriter(256)
  const { gruuLife = 0 } = binding
  writer.uint8(gruuLife === 0 ? plainVersion : versionWithLife).binary(binding.contact).binary(binding.parameters)
  writer.varint(binding.qThousandths).binary(binding.callId).uint32(binding.cseq)
  writer.binary(binding.userAgent).varint(binding.path.length)
  for (const value of binding.path) writer.binary(value)
  if (gruuLife !== 0) writer.uint53(gruuLife)
  return writer.finish()
}

/** Throws `P2PSIP_BAD_FRAME`: the bytes come from another peer. */
export function decodeBinding(bytes: Uint8Array, expiresSeconds: number): Binding {
  const reader = new ByteReader(bytes)
  const found = reader.uint8()
  if (found !== plainVersion && found !== versionWithLife) throw badFrame(`a binding of version ${plainVersion} or ${versionWithLife}`, `version ${found}`)
  const contact = reader.binary(maxContactBytes)
  const parameters = reader.binary(maxParameterBytes)
  // They become part of a header field; a line end among them would keep everybody from being listed.
  if (!isLineSafe(contact) || !isLineSafe(parameters)) throw badFrame("a contact in one line", "a line end in it")
  const qThousandths = reader.varint()
  if (qThousandths > 1000) throw badFrame("a q of at most 1000 thousandths", `${qThousandths}`)
  const callId = reader.binary(maxCallIdBytes)
  const cseq = reader.uint32()
  const userAgent = reader.binary(maxUserAgentBytes)
  const path = Array.from({ length: reader.count(maxPathValues) }, () => reader.binary(maxPathBytes))
  const gruuLife = found === versionWithLife ? reader.uint53() : 0
  if (gruuLife >= 2 ** 48) throw badFrame("a life below 2^48", `${gruuLife}`)
  reader.end()
  return { contact, parameters, qThousandths, expiresSeconds, callId, cseq, path, userAgent, ...(gruuLife === 0 ? {} : { gruuLife }) }
}

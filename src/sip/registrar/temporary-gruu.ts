/**
 * Temporary GRUUs (RFC 5627 §3.1.2): a user part that says, to the peers of
 * the overlay alone, whose device is meant. Nothing is stored for one.
 *
 * `tgruu.` and, in base64url, the key's number (two bytes) and the sealed
 *
 * | bytes | what |
 * |---|---|
 * | 8 | what tells this GRUU from others of its device |
 * | 6 | the life of the registration that it belongs to |
 * | 1 + 16, or 1 + n | 0 and a UUID, or the length of any other URN and the URN |
 * | 1 + n | the user |
 * | | zeros up to a multiple of 48, so that the length tells little |
 */
import { ByteReader, ByteWriter } from "../../codec.ts"
import type { GruuKey } from "./gruu-key.ts"

export const temporaryPrefix = "tgruu."
const distinguisherBytes = 8
const blockBytes = 48
const uuidBytes = 16
const maxUrnBytes = 128
const maxUserBytes = 128
/** Of the longest token there is. */
const maxTokenCharacters = 512

/** What a temporary GRUU stands for. */
export interface TemporaryGruu {
  /** The user part of the address-of-record, unescaped. */
  readonly user: string
  /** In lower case where it is of a UUID. */
  readonly urn: string
  /** See `gruu-lives.ts`. */
  readonly life: number
}

/** The user part, for a GRUU of that domain; undefined for names too long. `distinguisher`: 8 bytes, others for each GRUU of a device. */
export function sealGruu({ user, urn, life }: TemporaryGruu, distinguisher: Uint8Array, key: GruuKey, domain: string): string | undefined {
  if (urn.length > maxUrnBytes || user.length > maxUserBytes) return undefined
  const writer = new ByteWriter(2 * blockBytes)
  writer.fixed(distinguisher).uint16(Math.floor(life / 2 ** 32)).uint32(life % 2 ** 32)
  const uuid = uuidIn(urn)
  if (uuid === undefined) writer.uint8(urn.length).fixedBinary(urn)
  else writer.uint8(0).hex(uuid)
  writer.uint8(user.length).fixedBinary(user)
  const text = writer.finish()
  const padded = Buffer.alloc(Math.ceil(text.length / blockBytes) * blockBytes)
  padded.set(text)
  const token = Buffer.concat([Buffer.of(key.number >> 8, key.number & 0xff), key.seal(padded, domain)])
  return temporaryPrefix + token.toString("base64url")
}

/** The number of the key that a user part was sealed with; undefined for what is no temporary GRUU. */
export function keyNumberOf(user: string): number | undefined {
  const token = tokenIn(user)
  return token === undefined ? undefined : token.readUInt16BE(0)
}

/** Undefined for a user part that was not sealed with that key for that domain. */
export function openGruu(user: string, key: GruuKey, domain: string): TemporaryGruu | undefined {
  const token = tokenIn(user)
  if (token?.readUInt16BE(0) !== key.number) return undefined
  const text = key.open(token.subarray(2), domain)
  return text === undefined ? undefined : readText(text)
}

function tokenIn(user: string): Buffer | undefined {
  if (!user.startsWith(temporaryPrefix) || user.length > maxTokenCharacters) return undefined
  const text = user.slice(temporaryPrefix.length)
  const token = Buffer.from(text, "base64url")
  // One spelling for one GRUU.
  return token.length > 2 && token.toString("base64url") === text ? token : undefined
}

/** Of what a peer has sealed; another version of this program might have put something else there. */
function readText(text: Buffer): TemporaryGruu | undefined {
  try {
    const reader = new ByteReader(text)
    reader.fixed(distinguisherBytes)
    const life = reader.uint16() * 2 ** 32 + reader.uint32()
    const urnBytes = reader.uint8()
    const urn = urnBytes === 0 ? urnOf(reader.hex(uuidBytes)) : Buffer.from(reader.fixed(urnBytes)).toString("latin1")
    const user = Buffer.from(reader.fixed(reader.uint8())).toString("latin1")
    return { user, urn, life }
  } catch {
    return undefined
  }
}

const uuidUrn = /^urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i

function uuidIn(urn: string): string | undefined {
  return uuidUrn.exec(urn)?.slice(1).join("").toLowerCase()
}

function urnOf(uuid: string): string {
  return `urn:uuid:${uuid.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`
}

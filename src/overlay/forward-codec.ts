/**
 * An operation that is passed on from peer to peer, and the answer that
 * returns the same way.
 *
 *     forward   name:uint32  withinMs:uint16  trail:[mark:uint32]  request (operation-codec.ts)
 *     reply     hops:uint8  via:[member]  answer (operation-codec.ts)
 *
 * `name` is the asker's for this journey; together with the first of the trail
 * it tells whoever gets it on two ways that it is the same.
 * `withinMs` is what is left of the asker's patience. `trail` marks who has the
 * operation already, asker first, by the first bytes of their ids: nobody gets
 * it twice, and its length bounds the journey. `hops` counts the peers that
 * were asked from the answering one on, the silent among them; `via` names,
 * for a look-up only, those who passed it on, nearest first, the owner last.
 */
import type { ByteReader } from "../codec.ts"
import { ByteReader as Reader, ByteWriter } from "../codec.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import { readMembers, writeMembers } from "./member-codec.ts"
import type { Answer, OperationRequest } from "./operation-codec.ts"
import { readAnswer, readRequest } from "./operation-codec.ts"

/** The most peers that one operation may pass. */
export const maxTrail = 24

const maxWithinMs = 0xffff
const maxHops = 0xff

/** What stands before the request proper. */
export interface ForwardHead {
  readonly name: number
  readonly withinMs: number
  /** {@link markOf} those who have the operation already. */
  readonly trail: readonly number[]
}

export interface Forward extends ForwardHead {
  readonly request: OperationRequest
  /** The same, as it came. */
  readonly bytes: Uint8Array
}

/** How far an answer has come. */
export interface Journey {
  readonly hops: number
  readonly via: readonly Member[]
}

/** Short for a peer on a trail; two of a large overlay may share one, at the cost of a detour. */
export function markOf(id: Id): number {
  return parseInt(id.slice(0, 8), 16)
}

/** Takes the bytes of a request as they are. */
export function encodeForward({ name, withinMs, trail }: ForwardHead, request: Uint8Array): Uint8Array {
  const writer = new ByteWriter(7 + 4 * trail.length + request.length)
  writer.uint32(name).uint16(Math.min(Math.max(1, Math.floor(withinMs)), maxWithinMs)).varint(trail.length)
  for (const mark of trail) writer.uint32(mark)
  return writer.fixed(request).finish()
}

export function readForward(reader: ByteReader): Forward {
  const name = reader.uint32()
  const withinMs = reader.uint16()
  const trail: number[] = []
  for (let left = reader.count(maxTrail, 4); left > 0; left--) trail.push(reader.uint32())
  const bytes = reader.fixed(reader.remaining)
  return { name, withinMs, trail, request: readRequest(new Reader(bytes)), bytes }
}

/** Takes the bytes of an answer as they are. */
export function encodeReturn({ hops, via }: Journey, answer: Uint8Array): ByteWriter {
  const writer = new ByteWriter(2 + answer.length + 96 * via.length).uint8(Math.min(hops, maxHops))
  writeMembers(writer, via)
  return writer.fixed(answer)
}

/** What comes before the answer. */
export function readJourney(reader: ByteReader): Journey {
  return { hops: reader.uint8(), via: readMembers(reader, maxTrail + 1) }
}

export function readReturn(reader: ByteReader): Journey & { readonly answer: Answer } {
  const { hops, via } = readJourney(reader)
  return { hops, via, answer: readAnswer(reader) }
}

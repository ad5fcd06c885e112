/**
 * An operation on its way to the owner of its key, and the answer.
 *
 *     request   key:20  kind:uint8  avoid:[peerId:text]  body
 *       update  operationId:8  preconditions  mutations
 *       get     consistency:uint8
 *       lookup  (nothing)
 *     answer    status:uint8  body
 *       done      values  [replicas, for lookup]
 *       redirect  members               best first; empty: ask again later
 *       rejected  code:uint8  message:text  values
 *
 * Lists are a varint count and their items:
 *
 *     values         valueHash:bytes  value:bytes  ttlSeconds:uint32
 *     preconditions  kind:uint8  then values:varint of `atMost`, nothing of `empty`, valueHash:bytes of the others
 *     mutations      kind:uint8, 128 more where series:bytes number:uint32 follow  [valueHash:bytes, but of `removeAll`]
 *                    [value:bytes ttlSeconds:uint32 of `put`]
 */
import type { ByteReader } from "../codec.ts"
import { ByteWriter, badFrame } from "../codec.ts"
import type { PeerId } from "../link/link.ts"
import type { NormalMutation, NormalPrecondition, NormalSequence } from "../servlet/normalise.ts"
import { maxTtlSeconds } from "../servlet/normalise.ts"
import type { RejectionCode } from "../servlet/rejected.ts"
import type { Consistency, Value } from "../servlet/types.ts"
import type { Id } from "./id.ts"
import { idBytes } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import { maxPeerIdBytes, readMembers, writeMembers } from "./member-codec.ts"
import type { StoredRecord } from "./record.ts"
import { toBinaryText } from "./record.ts"
import { maxSeriesBytes, maxValueBytes, maxValueHashBytes, operationIdBytes } from "./record-codec.ts"
import type { Update } from "./update.ts"
import { liveRecords } from "./view.ts"

/** What is to be done at the owner. */
export type Operation =
  | { readonly kind: "update"; readonly update: Update }
  | { readonly kind: "get"; readonly consistency: Consistency }
  | { readonly kind: "lookup" }

/** What the owner found or did; `replicas` only for a look-up. */
export type Result =
  | { readonly status: "done"; readonly records: readonly StoredRecord[]; readonly replicas: readonly Member[] }
  | { readonly status: "redirect"; readonly members: readonly Member[] }
  | {
      readonly status: "rejected"
      readonly code: RejectionCode
      readonly message: string
      readonly records: readonly StoredRecord[]
    }

/** A {@link Result} as it arrives from elsewhere: values instead of records. */
export type Answer =
  | { readonly status: "done"; readonly values: readonly Value[]; readonly replicas: readonly Member[] }
  | { readonly status: "redirect"; readonly members: readonly Member[] }
  | { readonly status: "rejected"; readonly code: RejectionCode; readonly message: string; readonly values: readonly Value[] }

/** Peers that an asker has found silent. */
export const maxAvoided = 16
export const maxReplicas = 32

const kinds = ["update", "get", "lookup"] as const
const consistencies = ["owner", "any", "all"] as const
const statuses = ["done", "redirect", "rejected"] as const
const conditionKinds = ["empty", "exists", "absent", "atMost"] as const
const mutationKinds = ["put", "remove", "removeAll"] as const
const rejectionCodes = ["P2PSIP_PRECONDITION", "P2PSIP_OUT_OF_ORDER", "P2PSIP_TOO_MANY_VALUES"] as const
const maxListLength = 65_535
const maxMessageBytes = 300

/** The body of an operation's request; it stays the same however often the request is sent. */
export function encodeOperation(operation: Operation): Uint8Array {
  const writer = new ByteWriter(1024)
  switch (operation.kind) {
    case "update":
      writeUpdate(writer, operation.update)
      break
    case "get":
      writer.uint8(consistencies.indexOf(operation.consistency))
      break
    case "lookup":
  }
  return writer.finish()
}

export function encodeRequest(key: Id, kind: Operation["kind"], avoid: Iterable<PeerId>, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(64 + body.length).hex(key).uint8(kinds.indexOf(kind))
  const avoided = [...avoid].slice(-maxAvoided)
  writer.varint(avoided.length)
  for (const peerId of avoided) writer.text(peerId)
  return writer.fixed(body).finish()
}

export interface OperationRequest {
  readonly key: Id
  readonly avoid: readonly PeerId[]
  readonly operation: Operation
}

export function readRequest(reader: ByteReader): OperationRequest {
  const key = reader.hex(idBytes)
  const kind = oneOf(kinds, reader.uint8(), "operation")
  const avoid: PeerId[] = []
  for (let left = reader.count(maxAvoided); left > 0; left--) avoid.push(reader.text(maxPeerIdBytes))
  const operation = readOperation(reader, kind)
  reader.end()
  return { key, avoid, operation }
}

function readOperation(reader: ByteReader, kind: Operation["kind"]): Operation {
  switch (kind) {
    case "update": return { kind, update: readUpdate(reader) }
    case "get": return { kind, consistency: oneOf(consistencies, reader.uint8(), "consistency") }
    case "lookup": return { kind }
  }
}

export function encodeResult(result: Result, now: number): ByteWriter {
  const writer = new ByteWriter(1024).uint8(statuses.indexOf(result.status))
  switch (result.status) {
    case "done":
      writeLive(writer, result.records, now)
      writeMembers(writer, result.replicas)
      return writer
    case "redirect":
      writeMembers(writer, result.members)
      return writer
    case "rejected":
      writer.uint8(rejectionCodes.indexOf(result.code)).text(result.message.slice(0, maxMessageBytes / 3))
      writeLive(writer, result.records, now)
      return writer
  }
}

export function readAnswer(reader: ByteReader): Answer {
  const answer = readAnswerBody(reader, oneOf(statuses, reader.uint8(), "status"))
  reader.end()
  return answer
}

function readAnswerBody(reader: ByteReader, status: Answer["status"]): Answer {
  switch (status) {
    case "done": return { status, values: readValues(reader), replicas: readMembers(reader, maxReplicas) }
    case "redirect": return { status, members: readMembers(reader, maxReplicas) }
    case "rejected": {
      const code = oneOf(rejectionCodes, reader.uint8(), "rejection")
      return { status, code, message: reader.text(maxMessageBytes), values: readValues(reader) }
    }
  }
}

function writeLive(writer: ByteWriter, records: readonly StoredRecord[], now: number): void {
  const live = liveRecords(records, now)
  writer.varint(live.length)
  for (const { valueHash, value = "", liveUntil } of live) {
    writer.binary(valueHash).binary(value).uint32(Math.ceil((liveUntil - now) / 1000))
  }
}

function readValues(reader: ByteReader): Value[] {
  const values: Value[] = []
  for (let left = reader.count(maxListLength, 7); left > 0; left--) {
    const valueHash = reader.bytes(maxValueHashBytes)
    const value = reader.bytes(maxValueBytes)
    values.push({ valueHash, value, ttlSeconds: Math.min(Math.max(1, reader.uint32()), maxTtlSeconds) })
  }
  return values
}

function writeUpdate(writer: ByteWriter, { operationId, preconditions, mutations }: Update): void {
  writer.fixedBinary(operationId).varint(preconditions.length)
  for (const condition of preconditions) {
    writer.uint8(conditionKinds.indexOf(condition.kind))
    if (condition.kind === "atMost") writer.varint(condition.values)
    else if (condition.kind !== "empty") writer.bytes(condition.valueHash)
  }
  writer.varint(mutations.length)
  for (const mutation of mutations) {
    const { sequence } = mutation
    writer.uint8(mutationKinds.indexOf(mutation.kind) | (sequence === undefined ? 0 : 0x80))
    if (sequence !== undefined) writer.bytes(sequence.series).uint32(sequence.number)
    if (mutation.kind !== "removeAll") writer.bytes(mutation.valueHash)
    if (mutation.kind === "put") writer.bytes(mutation.value).uint32(mutation.ttlSeconds)
  }
}

function readUpdate(reader: ByteReader): Update {
  const operationId = reader.fixedBinary(operationIdBytes)
  const preconditions: NormalPrecondition[] = []
  for (let left = reader.count(maxListLength); left > 0; left--) preconditions.push(readPrecondition(reader))
  const mutations: NormalMutation[] = []
  for (let left = reader.count(maxListLength); left > 0; left--) mutations.push(readMutation(reader))
  return { operationId, preconditions, mutations }
}

function readPrecondition(reader: ByteReader): NormalPrecondition {
  const kind = oneOf(conditionKinds, reader.uint8(), "precondition")
  if (kind === "atMost") return { kind, values: reader.varint() }
  return kind === "empty" ? { kind } : { kind, valueHash: readValueHash(reader) }
}

function readMutation(reader: ByteReader): NormalMutation {
  const tag = reader.uint8()
  const kind = oneOf(mutationKinds, tag & 0x7f, "mutation")
  const sequence = tag & 0x80 ? readSequence(reader) : undefined
  switch (kind) {
    case "removeAll": return { kind, sequence }
    case "remove": return { kind, valueHash: readValueHash(reader), sequence }
    case "put": {
      const valueHash = readValueHash(reader)
      const value = reader.bytes(maxValueBytes)
      const ttlSeconds = reader.uint32()
      if (ttlSeconds < 1 || ttlSeconds > maxTtlSeconds) throw badFrame(`1 to ${maxTtlSeconds} seconds to live`, `${ttlSeconds}`)
      return { kind, value, valueHash, ttlSeconds, sequence }
    }
  }
}

function readSequence(reader: ByteReader): NormalSequence {
  const series = reader.bytes(maxSeriesBytes)
  if (series.length === 0) throw badFrame("a series", "an empty one")
  return { series, number: reader.uint32() }
}

function readValueHash(reader: ByteReader): Uint8Array {
  const valueHash = reader.bytes(maxValueHashBytes)
  if (valueHash.length === 0) throw badFrame("a valueHash", "an empty one")
  return valueHash
}

/** The operation's name as the records carry it. */
export function operationIdOf(bytes: Uint8Array): string {
  return toBinaryText(bytes)
}

function oneOf<T>(names: readonly T[], index: number, what: string): T {
  const name = names[index]
  if (name === undefined) throw badFrame(`the number of a ${what}`, `${index}`)
  return name
}

/** From what a caller may write to the one form that a backend sees, within limits. */
import { hash } from "node:crypto"
import { badArgument, P2PSipError } from "../errors.ts"
import type { Data, Limits, Mutation, Precondition, Sequence } from "./types.ts"

/** The longest life of a value, in seconds: 2^31-1. */
export const maxTtlSeconds = 2_147_483_647

/**
 * For so long the removal of a value that its owner has never seen is remembered: peers that cannot be reached just now
 * may hold the value. It is the longest life that the registrar grants by default.
 */
export const unseenRemovalSeconds = 7_200

/** Length of an operation's name. */
export const operationIdBytes = 8

const maxValueHashBytes = 64
const maxSeriesBytes = 255
const defaultValueHashBytes = 20

/** {@link Sequence} in bytes. */
export interface NormalSequence {
  readonly series: Uint8Array
  readonly number: number
}

/** `PutMutation` in bytes, nothing left out. */
export interface NormalPut {
  readonly kind: "put"
  readonly value: Uint8Array
  readonly valueHash: Uint8Array
  readonly ttlSeconds: number
  readonly sequence: NormalSequence | undefined
}

/** `RemoveMutation` in bytes. */
export interface NormalRemove {
  readonly kind: "remove"
  readonly valueHash: Uint8Array
  readonly sequence: NormalSequence | undefined
}

/** `RemoveAllMutation` in bytes. */
export interface NormalRemoveAll {
  readonly kind: "removeAll"
  readonly sequence: NormalSequence | undefined
}

/** A {@link Mutation} as backends see it. */
export type NormalMutation = NormalPut | NormalRemove | NormalRemoveAll

/** A {@link Precondition} as backends see it. */
export type NormalPrecondition =
  | { readonly kind: "empty" }
  | { readonly kind: "exists" | "absent"; readonly valueHash: Uint8Array }
  | { readonly kind: "atMost"; readonly values: number }

/** Bytes as they are; text as UTF-8. */
export function toBytes(name: string, data: Data): Uint8Array {
  if (typeof data === "string") return Buffer.from(data)
  if (data instanceof Uint8Array) return data
  return badArgument(name, "bytes or text", data)
}

/** A key: at least one byte, at most `maxKeyBytes`. */
export function normaliseKey(key: Data, limits: Limits): Uint8Array {
  const bytes = toBytes("key", key)
  if (bytes.length === 0) badArgument("key", "at least 1 byte", bytes)
  if (bytes.length > limits.maxKeyBytes) throw tooMany("key", limits.maxKeyBytes, bytes.length, "bytes")
  return bytes
}

/** A hash that tells values of one key apart. */
export function normaliseValueHash(valueHash: Data): Uint8Array {
  return between("valueHash", valueHash, maxValueHashBytes)
}

/** The valueHash of a value that was given none. */
export function defaultValueHash(value: Uint8Array): Uint8Array {
  return hash("sha256", value, "buffer").subarray(0, defaultValueHashBytes)
}

/** The parts of a `PutMutation`, checked and in bytes. */
export function normalisePut(
  data: Data,
  valueHash: Data | undefined,
  ttlSeconds: number,
  sequence: Sequence | undefined,
  limits: Limits,
): NormalPut {
  const value = toBytes("value", data)
  if (value.length > limits.maxValueBytes) throw tooMany("value", limits.maxValueBytes, value.length, "bytes")
  return {
    kind: "put",
    value,
    valueHash: valueHash === undefined ? defaultValueHash(value) : normaliseValueHash(valueHash),
    ttlSeconds: normaliseTtl(ttlSeconds),
    sequence: normaliseSequence(sequence),
  }
}

/** Checks one mutation and turns its text into bytes. */
export function normaliseMutation(mutation: Mutation, limits: Limits): NormalMutation {
  switch (mutation.kind) {
    case "put":
      return normalisePut(mutation.value, mutation.valueHash, mutation.ttlSeconds, mutation.sequence, limits)
    case "remove":
      return { kind: "remove", valueHash: normaliseValueHash(mutation.valueHash), sequence: normaliseSequence(mutation.sequence) }
    case "removeAll":
      return { kind: "removeAll", sequence: normaliseSequence(mutation.sequence) }
    default:
      return badArgument("mutation.kind", "put, remove or removeAll", (mutation as { kind?: unknown }).kind)
  }
}

/** Checks a list of mutations: 1 to `maxMutations`. */
export function normaliseMutations(mutations: readonly Mutation[], limits: Limits): readonly NormalMutation[] {
  if (mutations.length === 0) badArgument("mutations", "at least one", "none")
  if (mutations.length > limits.maxMutations) throw tooMany("mutations", limits.maxMutations, mutations.length, "of them")
  return mutations.map((mutation) => normaliseMutation(mutation, limits))
}

/** Checks a list of preconditions: up to `maxMutations`. */
export function normalisePreconditions(preconditions: readonly Precondition[], limits: Limits): readonly NormalPrecondition[] {
  if (preconditions.length > limits.maxMutations) {
    throw tooMany("preconditions", limits.maxMutations, preconditions.length, "of them")
  }
  return preconditions.map(normalisePrecondition)
}

/** Eight bytes that name an operation. */
export function normaliseOperationId(operationId: Uint8Array): Uint8Array {
  if (!(operationId instanceof Uint8Array) || operationId.length !== operationIdBytes) {
    badArgument("operationId", `${operationIdBytes} bytes`, operationId)
  }
  return operationId
}

function normalisePrecondition(precondition: Precondition): NormalPrecondition {
  switch (precondition.kind) {
    case "empty":
      return { kind: "empty" }
    case "exists":
    case "absent":
      return { kind: precondition.kind, valueHash: normaliseValueHash(precondition.valueHash) }
    case "atMost": {
      const { values } = precondition
      if (!Number.isInteger(values) || values < 0 || values > 0xffff) badArgument("precondition.values", "a whole number up to 65535", values)
      return { kind: "atMost", values }
    }
    default:
      return badArgument("precondition.kind", "empty, exists, absent or atMost", (precondition as { kind?: unknown }).kind)
  }
}

function normaliseSequence(sequence: Sequence | undefined): NormalSequence | undefined {
  if (sequence === undefined) return undefined
  const { number } = sequence
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
    badArgument("sequence.number", "a whole number below 2^32", number)
  }
  return { series: between("sequence.series", sequence.series, maxSeriesBytes), number }
}

function normaliseTtl(ttlSeconds: number): number {
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > maxTtlSeconds) {
    badArgument("ttlSeconds", `a whole number from 1 to ${maxTtlSeconds}`, ttlSeconds)
  }
  return ttlSeconds
}

function between(name: string, data: Data, maxBytes: number): Uint8Array {
  const bytes = toBytes(name, data)
  if (bytes.length < 1 || bytes.length > maxBytes) badArgument(name, `1 to ${maxBytes} bytes`, bytes)
  return bytes
}

function tooMany(name: string, max: number, found: number, unit: string): P2PSipError {
  return new P2PSipError("P2PSIP_LIMIT", `${name}: expected at most ${max} ${unit}, found ${found}`)
}

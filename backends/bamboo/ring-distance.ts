/** Arithmetic on the ring of identifiers: halves, distances, and digits of base 16. */
import type { Id } from "../../src/overlay/id.ts"
import { idBytes } from "../../src/overlay/id.ts"
import type { Random } from "../../src/runtime/runtime.ts"

/** Digits of an identifier, and so the rows of a prefix table. */
export const idDigits = 2 * idBytes

const ringSize = 1n << 160n
/** An identifier's first digits, as many as a number holds exactly. */
const headDigits = 12
const headSize = 16 ** headDigits

/**
 * The last identifier that is at least as close to `from` as to `to`, on the
 * arc clockwise from one to the other: the exact middle belongs to `from`.
 */
export function midpoint(from: Id, to: Id): Id {
  const start = BigInt(`0x${from}`)
  const width = (BigInt(`0x${to}`) - start + ringSize) % ringSize
  return ((start + width / 2n) % ringSize).toString(16).padStart(idDigits, "0")
}

/** Whether `a` is closer to the key than `b`, around the ring the shorter way; of two as close, the one before the key. */
export function isCloser(key: Id, a: Id, b: Id): boolean {
  const head = headOf(key)
  return compareCloseness(key, { id: a, distance: roughDistance(head, a) }, { id: b, distance: roughDistance(head, b) }) < 0
}

/** The `count` closest to the key, the closest first. */
export function closestOf<T extends { readonly id: Id }>(key: Id, all: Iterable<T>, count: number): T[] {
  return rate(key, all).sort((a, b) => compareCloseness(key, a, b)).slice(0, count).map(({ each }) => each)
}

/** Those closer to the key than `than` is, the closest first. */
export function closerOf<T extends { readonly id: Id }>(key: Id, than: Id, all: Iterable<T>): T[] {
  const bound = { id: than, distance: roughDistance(headOf(key), than) }
  const closer = rate(key, all).filter((one) => compareCloseness(key, one, bound) < 0)
  return closer.sort((a, b) => compareCloseness(key, a, b)).map(({ each }) => each)
}

interface Rated {
  readonly id: Id
  readonly distance: number
}

function rate<T extends { readonly id: Id }>(key: Id, all: Iterable<T>): (Rated & { readonly each: T })[] {
  const head = headOf(key)
  return Array.from(all, (each) => ({ each, id: each.id, distance: roughDistance(head, each.id) }))
}

function compareCloseness(key: Id, a: Rated, b: Rated): number {
  // Heads are off by less than one each way; only where they do not decide are all digits looked at.
  if (Math.abs(a.distance - b.distance) > 2) return a.distance - b.distance
  if (a.id === b.id) return 0
  const exactA = exactDistance(key, a.id)
  const exactB = exactDistance(key, b.id)
  if (exactA !== exactB) return exactA < exactB ? -1 : 1
  return clockwise(a.id, key) === exactA ? -1 : 1
}

function headOf(id: Id): number {
  return parseInt(id.slice(0, headDigits), 16)
}

function roughDistance(head: number, id: Id): number {
  const gap = Math.abs(head - headOf(id))
  return Math.min(gap, headSize - gap)
}

function exactDistance(key: Id, id: Id): bigint {
  const gap = clockwise(id, key)
  return gap * 2n <= ringSize ? gap : ringSize - gap
}

function clockwise(from: Id, to: Id): bigint {
  return (BigInt(`0x${to}`) - BigInt(`0x${from}`) + ringSize) % ringSize
}

/** How many first digits two identifiers share. */
export function sharedDigits(a: Id, b: Id): number {
  let shared = 0
  while (shared < idDigits && a.charCodeAt(shared) === b.charCodeAt(shared)) shared++
  return shared
}

/** The value of an identifier's digit. */
export function digitOf(id: Id, at: number): number {
  return parseInt(id.charAt(at), 16)
}

/** A random identifier that begins with these digits. */
export function randomIdWithPrefix(prefix: string, random: Random): Id {
  return (prefix + Buffer.from(random.bytes(idBytes)).toString("hex")).slice(0, idDigits)
}

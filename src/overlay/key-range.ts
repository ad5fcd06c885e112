/** Arcs of the ring: splitting, subtracting, and the buckets in which the store counts its keys. */
import type { Id } from "./id.ts"
import { isBetweenOrAt } from "./id.ts"
import type { KeyRange } from "./key-based-routing.ts"

/** The whole ring. */
export const wholeRing: KeyRange = { from: "0".repeat(40), to: "0".repeat(40) }

export function contains(range: KeyRange, key: Id): boolean {
  return isBetweenOrAt(range.from, key, range.to)
}

export function containsAny(ranges: readonly KeyRange[], key: Id): boolean {
  for (const range of ranges) if (isBetweenOrAt(range.from, key, range.to)) return true
  return false
}

/** What of `ranges` is not in `taken`. */
export function subtract(ranges: readonly KeyRange[], taken: readonly KeyRange[]): KeyRange[] {
  let left = [...ranges]
  for (const range of taken) {
    const rest: KeyRange[] = []
    for (const one of left) addRest(rest, one, range)
    left = rest
  }
  return left
}

/** What is in both. */
export function intersect(a: readonly KeyRange[], b: readonly KeyRange[]): KeyRange[] {
  if (a.length === 0 || b.length === 0) return []
  return subtract(a, subtract(a, b))
}

/** Ranges that touch become one. */
export function join(ranges: readonly KeyRange[]): KeyRange[] {
  const joined: KeyRange[] = []
  for (const range of ranges) {
    const before = joined.findIndex((other) => other.to === range.from)
    const other = joined[before]
    if (other === undefined) joined.push(range)
    else joined[before] = { from: other.from, to: range.to }
  }
  return joined
}

/** Adds what of `range` is not in `taken`. */
function addRest(parts: KeyRange[], range: KeyRange, taken: KeyRange): void {
  if (taken.from === taken.to) return
  if (range.from === range.to) {
    parts.push({ from: taken.to, to: taken.from })
    return
  }
  const startsInside = range.from !== taken.to && (range.from === taken.from || isBetweenOrAt(taken.from, range.from, taken.to))
  if (startsInside) {
    // The arc begins within what is taken; what remains begins at its end, if the arc goes on so far.
    if (taken.to !== range.to && isBetweenOrAt(range.from, taken.to, range.to)) {
      const to = taken.from !== range.from && isBetweenOrAt(taken.to, taken.from, range.to) ? taken.from : range.to
      parts.push({ from: taken.to, to })
    }
    return
  }
  if (taken.from === range.to || !isBetweenOrAt(range.from, taken.from, range.to)) {
    parts.push(range)
    return
  }
  parts.push({ from: range.from, to: taken.from })
  if (taken.to !== range.to && isBetweenOrAt(taken.from, taken.to, range.to)) parts.push({ from: taken.to, to: range.to })
}

/** Buckets are the keys that share their first three digits. */
export const bucketCount = 4096

export function bucketOf(key: Id): number {
  return (digit(key.charCodeAt(0)) << 8) | (digit(key.charCodeAt(1)) << 4) | digit(key.charCodeAt(2))
}

function digit(code: number): number {
  return code < 0x40 ? code - 0x30 : code - 0x57
}

/** How many members an overlay has, judged by how close together a few of them lie. */
import type { Id } from "./id.ts"

const ringSize = 1n << 160n

/** How many members the ring has, judged by how far `ordered` (clockwise, without gaps) reach around it (RFC 7363 §6.1). */
export function estimateSize(ordered: readonly Id[]): number {
  const first = ordered[0]
  const last = ordered.at(-1)
  if (first === undefined || last === undefined || first === last) return ordered.length
  const span = (BigInt(`0x${last}`) - BigInt(`0x${first}`) + ringSize) % ringSize
  const gaps = BigInt(ordered.length - 1)
  return Math.max(ordered.length, Number((ringSize * gaps) / span))
}

/** The XOR metric (Maymounkov and Mazières, 2002) on identifiers as hexadecimal text. */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { idBytes } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import type { Random } from "../../src/runtime/runtime.ts"

/** Bits of an identifier. */
export const idBits = idBytes * 8

/** The value of the hexadecimal digit at that place. */
export function digitAt(id: Id, place: number): number {
  const code = id.charCodeAt(place)
  return code < 0x40 ? code - 0x30 : code - 0x57
}

/** The bit at that depth, 0 being the most significant. */
export function bitAt(id: Id, depth: number): 0 | 1 {
  return ((digitAt(id, depth >> 2) >> (3 - (depth & 3))) & 1) === 1 ? 1 : 0
}

/** How many leading bits two ids have in common: the index of the bucket in which one keeps the other. */
export function commonPrefixBits(a: Id, b: Id): number {
  for (let place = 0; place < a.length; place++) {
    if (a.charCodeAt(place) === b.charCodeAt(place)) continue
    return 4 * place + Math.clz32(digitAt(a, place) ^ digitAt(b, place)) - 28
  }
  return 4 * a.length
}

/** Below zero where `a` is closer to the target than `b`, above where `b` is, zero only where they are the same. */
export function compareDistance(target: Id, a: Id, b: Id): number {
  for (let place = 0; place < target.length; place++) {
    // Up to here both are equally far: the first digit in which they differ decides.
    if (a.charCodeAt(place) === b.charCodeAt(place)) continue
    const digit = digitAt(target, place)
    return (digitAt(a, place) ^ digit) - (digitAt(b, place) ^ digit)
  }
  return 0
}

export function isCloser(target: Id, a: Id, b: Id): boolean {
  return compareDistance(target, a, b) < 0
}

/** The closest to the target, closest first, each once. */
export function closestOf(target: Id, members: Iterable<Member>, count: number): Member[] {
  const byId = new Map<Id, Member>()
  for (const member of members) if (!byId.has(member.id)) byId.set(member.id, member)
  return [...byId.values()].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, count)
}

/**
 * The closest to the target of members that are in the order of their ids,
 * closest first: a walk down the tree of prefixes that the order contains.
 */
export function closestInOrder(
  target: Id,
  ordered: readonly Member[],
  count: number,
  excluded?: ReadonlySet<PeerId>,
): Member[] {
  const found: Member[] = []
  const walk = (from: number, to: number, depth: number): void => {
    if (from >= to || found.length >= count) return
    if (to - from === 1) {
      const member = ordered[from]
      if (member !== undefined && excluded?.has(member.peerId) !== true) found.push(member)
      return
    }
    const first = ordered[from]
    const last = ordered[to - 1]
    if (first === undefined || last === undefined) return
    // Whatever lies between two ids shares their common prefix.
    const branch = Math.max(depth, commonPrefixBits(first.id, last.id))
    if (branch >= idBits) return
    const middle = firstWithBit(ordered, from, to, branch)
    if (bitAt(target, branch) === 0) {
      walk(from, middle, branch + 1)
      walk(middle, to, branch + 1)
    } else {
      walk(middle, to, branch + 1)
      walk(from, middle, branch + 1)
    }
  }
  walk(0, ordered.length, 0)
  return found
}

/** The first in [from, to) whose bit at that depth is set; the bits before it are the same in all of them. */
function firstWithBit(ordered: readonly Member[], from: number, to: number, depth: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    const member = ordered[middle]
    if (member !== undefined && bitAt(member.id, depth) === 0) low = middle + 1
    else high = middle
  }
  return low
}

/** A random id that shares exactly `prefixBits` leading bits with `self`. */
export function randomIdInBucket(self: Id, prefixBits: number, random: Random): Id {
  const drawn = Buffer.from(random.bytes(idBytes)).toString("hex")
  let id = ""
  for (let place = 0; place < self.length; place++) {
    const start = 4 * place
    let digit = digitAt(drawn, place)
    if (start + 4 <= prefixBits) digit = digitAt(self, place)
    else if (start <= prefixBits) {
      const own = digitAt(self, place)
      const flipped = 1 << (3 - (prefixBits - start))
      // The bits before the differing one are ours, that one is not, those after it are random.
      digit = (own & ~(flipped * 2 - 1)) | ((own & flipped) ^ flipped) | (digit & (flipped - 1))
    }
    id += digit.toString(16)
  }
  return id
}

/** Like {@link closestOf}, for members of whom each is named once, and few are wanted: it neither copies nor sorts them. */
export function selectClosest(target: Id, members: readonly Member[], count: number): Member[] {
  const best: Member[] = []
  for (const member of members) {
    let at = best.length
    while (at > 0 && isCloser(target, member.id, best[at - 1]?.id ?? "")) at--
    if (at >= count) continue
    best.splice(at, 0, member)
    if (best.length > count) best.pop()
  }
  return best
}

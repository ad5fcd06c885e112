/**
 * The cell of a peer: the keys to which no other peer is closer.
 *
 * Look at the ids as a tree of bits. Wherever another peer sits in the subtree
 * beside the path to this one, the path branches: keys on the other side of
 * that branch are the others'. Where nobody sits beside the path, the keys of
 * the empty subtree are this side's as well, and are parted further by the
 * deeper branches. So a cell is told by the depths at which the path branches:
 * a key is in it exactly when it has this peer's bit at each of them.
 */
import type { Id } from "../../src/overlay/id.ts"
import type { KeyRange } from "../../src/overlay/key-based-routing.ts"
import { wholeRing } from "../../src/overlay/key-range.ts"
import { bitAt, digitAt, idBits } from "./xor.ts"

/** See the head of this file. */
export interface Cell {
  readonly self: Id
  /** Depths of the branches, ascending. */
  readonly branches: readonly number[]
  /** For each hexadecimal digit of a key, the bits that must be this peer's; digits after the last branch are left out. */
  readonly masks: readonly number[]
}

const ringSize = 1n << BigInt(idBits)

/** The cell of a peer whose path branches at these depths. */
export function cellOf(self: Id, depths: Iterable<number>): Cell {
  const branches = [...new Set(depths)].sort((a, b) => a - b)
  const masks: number[] = []
  for (const depth of branches) {
    const place = depth >> 2
    while (masks.length <= place) masks.push(0)
    masks[place] = (masks[place] ?? 0) | (8 >> (depth & 3))
  }
  return { self, branches, masks }
}

export function isInCell({ self, masks }: Cell, key: Id): boolean {
  for (let place = 0; place < masks.length; place++) {
    const mask = masks[place] ?? 0
    if (mask !== 0 && ((digitAt(self, place) ^ digitAt(key, place)) & mask) !== 0) return false
  }
  return true
}

export function isSameCell(a: Cell, b: Cell): boolean {
  return a.self === b.self && a.branches.join() === b.branches.join()
}

/** Arcs that hold the cell: as they are told to the storage. */
export interface Arcs {
  readonly ranges: readonly KeyRange[]
  /** Whether they are the cell itself, or hold keys of close neighbours as well. */
  readonly isExact: boolean
}

/**
 * The cell as arcs of the ring, ascending. A path with `n` depths that do not
 * branch, above one that does, has 2^n of them. Where that would be more than
 * `maxArcs`, the deepest branches are disregarded until it is not: the arcs
 * then hold the cells of the closest neighbours too, whose replica this peer is
 * anyway.
 */
export function arcsOf(cell: Cell, maxArcs: number): Arcs {
  const kept = [...cell.branches]
  for (;;) {
    const deepest = kept.at(-1)
    if (deepest === undefined) return { ranges: [wholeRing], isExact: cell.branches.length === 0 }
    const free = freeDepths(kept)
    if (2 ** free.length <= maxArcs) {
      return { ranges: prefixArcs(cell.self, deepest + 1, free), isExact: kept.length === cell.branches.length }
    }
    kept.pop()
  }
}

/** The depths above the last branch at which the path does not branch. */
function freeDepths(branches: readonly number[]): number[] {
  const branching = new Set(branches)
  const deepest = branches.at(-1) ?? 0
  return Array.from({ length: deepest }, (_, depth) => depth).filter((depth) => !branching.has(depth))
}

/** The arcs of all prefixes of that length that are this peer's but for the free bits. */
function prefixArcs(self: Id, prefixBits: number, free: readonly number[]): KeyRange[] {
  const width = 1n << BigInt(idBits - prefixBits)
  const base = (BigInt(`0x${self}`) / width) * width
  let starts = [base]
  for (const depth of free) {
    const bit = 1n << BigInt(idBits - 1 - depth)
    const cleared = bitAt(self, depth) === 1 ? bit : 0n
    starts = starts.flatMap((start) => [start - cleared, start - cleared + bit])
  }
  return starts
    .sort((a, b) => (a < b ? -1 : 1))
    .map((start) => ({ from: toId((start - 1n + ringSize) % ringSize), to: toId(start + width - 1n) }))
}

function toId(value: bigint): Id {
  return value.toString(16).padStart(idBits / 4, "0")
}

/**
 * What a peer knows to be complete of the keys that it answers for, as plain
 * data and pure transitions.
 *
 * A range is settled with a neighbour once the two have been compared after
 * this peer became the range's owner and after that neighbour came into sight.
 * Whoever is silent is not waited for until it answers again.
 */
import type { PeerId } from "../link/link.ts"
import type { Id } from "./id.ts"
import type { KeyRange, Member } from "./key-based-routing.ts"
import { containsAny, intersect, join, subtract } from "./key-range.ts"

/** See the head of this file. */
export interface Settlement {
  /** The keys that this peer answers for. */
  readonly ranges: readonly KeyRange[]
  readonly neighbours: readonly Member[]
  /** Of which of the ranges it is known that the neighbour has nothing more. */
  readonly settled: ReadonlyMap<PeerId, readonly KeyRange[]>
  /** Neighbours that did not answer. */
  readonly silent: ReadonlySet<PeerId>
}

const nobody: readonly Member[] = []

/** Of a peer that answers for nothing. */
export const nothingToSettle: Settlement = { ranges: [], neighbours: nobody, settled: new Map(), silent: new Set() }

/** The routing says so now. The same object when it says the same as before. */
export function surrounded(before: Settlement, ranges: readonly KeyRange[], neighbours: readonly Member[]): Settlement {
  if (ranges === before.ranges && neighbours === before.neighbours) return before
  const known = new Set(neighbours.map((member) => member.peerId))
  const settled = new Map<PeerId, readonly KeyRange[]>()
  for (const [peerId, arcs] of before.settled) if (known.has(peerId)) settled.set(peerId, intersect(arcs, ranges))
  const silent = new Set([...before.silent].filter((peerId) => known.has(peerId)))
  return { ranges, neighbours, settled, silent }
}

/** The neighbour and this peer know the same of these arcs. The same object if that is not new. */
export function settledWith(before: Settlement, peerId: PeerId, arcs: readonly KeyRange[]): Settlement {
  const known = before.settled.get(peerId) ?? []
  // Only what this peer owns now can be settled: it may have lost some of it in the meantime.
  const added = subtract(intersect(arcs, before.ranges), known)
  return added.length === 0 ? before : { ...before, settled: new Map(before.settled).set(peerId, join([...known, ...added])) }
}

/** All that there is to know is here. */
export function settledWithAll(before: Settlement): Settlement {
  return { ...before, settled: new Map(before.neighbours.map(({ peerId }) => [peerId, before.ranges])) }
}

/** It did not answer. */
export function silenced(before: Settlement, peerId: PeerId): Settlement {
  return before.silent.has(peerId) ? before : { ...before, silent: new Set(before.silent).add(peerId) }
}

/** It answers. */
export function heard(before: Settlement, peerId: PeerId): Settlement {
  if (!before.silent.has(peerId)) return before
  return { ...before, silent: new Set([...before.silent].filter((other) => other !== peerId)) }
}

/** Whether nothing of this peer's ranges is left to compare with that neighbour. */
export function isSettledWith({ ranges, settled }: Settlement, peerId: PeerId): boolean {
  return subtract(ranges, settled.get(peerId) ?? []).length === 0
}

/** Whether nothing is left to compare with anybody who answers. */
export function isSettled(settlement: Settlement): boolean {
  return settlement.neighbours.every(({ peerId }) => settlement.silent.has(peerId) || isSettledWith(settlement, peerId))
}

/** Who may know more of the key than this peer does. */
export function unsettledFor({ neighbours, settled, silent }: Settlement, key: Id): readonly Member[] {
  const missing = neighbours.filter(({ peerId }) => !silent.has(peerId) && !containsAny(settled.get(peerId) ?? [], key))
  return missing.length === 0 ? nobody : missing
}

/**
 * Which keys a node answers for, as plain data and pure transitions: those from
 * its own address up to `end`.
 *
 * Keys pass from a node to the one after it, and with them how far they go:
 *
 *     self ──── answers ──── end: the right neighbour ──── drawn back from, for whoever comes there ──── limit
 *
 * A newcomer answers for keys when the node before it has drawn back, and for
 * none beyond what that one had to give: what newcomers side by side have agreed
 * among themselves says nothing of a node that sits between them.
 */
import type { Address } from "./address.ts"
import { clockwise, ringSize } from "./address.ts"

/** See the head of this file. A node's own address stands for the whole ring. */
export interface Tenure {
  readonly end: Address
  readonly limit: Address
}

/** What a node begins with. `given`: the limit of the node before it; undefined where nobody had any keys. */
export function begun(self: Address, right: Address | undefined, given: Address | undefined): Tenure {
  // The node before knows of none beyond this one, which was here before.
  const limit = given === self && right !== undefined ? right : (given ?? self)
  return { end: right !== undefined && reach(self, right) < reach(self, limit) ? right : limit, limit }
}

/**
 * Another right neighbour has agreed. One beyond the limit: what was there is gone, and the next one that answers for keys knows that, too.
 * Where this one does not yet, nobody knows how far that goes: to whoever does.
 */
export function drawnTo(self: Address, { limit }: Tenure, right: Address, rightServes: boolean): Tenure {
  if (reach(self, right) < reach(self, limit)) return { end: right, limit }
  return { end: right, limit: rightServes ? right : self }
}

/** The right neighbour answers for the keys after its own address. */
export function taken(tenure: Tenure): Tenure {
  return tenure.limit === tenure.end ? tenure : { end: tenure.end, limit: tenure.end }
}

/** Whether a node answers for more keys than before: those of nodes that are gone. */
export function hasGrown(self: Address, before: Tenure, after: Tenure): boolean {
  return reach(self, after.end) > reach(self, before.end)
}

/** Whether an address lies beyond all that a node has, or has drawn back from. */
export function isBeyond(self: Address, { limit }: Tenure, address: Address): boolean {
  return reach(self, address) > reach(self, limit)
}

function reach(self: Address, end: Address): number {
  return clockwise(self, end) || ringSize
}

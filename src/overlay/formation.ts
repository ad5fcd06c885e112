/**
 * An overlay that starts complete: its founders know each other from a list,
 * and all take their places at once instead of joining one after another.
 *
 * The list is given to every founder. What follows from it is the same for all
 * of them, and computed once for each list.
 */
import type { PeerAddress } from "../link/link.ts"
import type { Id } from "./id.ts"
import type { Member } from "./key-based-routing.ts"
import { memberOf } from "./member-codec.ts"

const formations = new WeakMap<readonly PeerAddress[], Formation>()

/** The formation of a list of founders: the same object for the same array. */
export function formationOf(founders: readonly PeerAddress[]): Formation {
  let formation = formations.get(founders)
  if (formation === undefined) {
    formation = new Formation(founders)
    formations.set(founders, formation)
  }
  return formation
}

/** See the head of this file. */
export class Formation {
  /** In the order of their ids. */
  readonly members: readonly Member[]

  constructor(founders: readonly PeerAddress[]) {
    this.members = founders.map(memberOf).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Where in {@link members} the first member at or after the place stands, clockwise. */
  indexOf(place: Id): number {
    let low = 0
    let high = this.members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.members[middle]?.id ?? place) < place) low = middle + 1
      else high = middle
    }
    return low === this.members.length ? 0 : low
  }

  /** The `count` members after a member (before it, with a step of -1), nearest first, without itself. */
  neighboursOf(id: Id, count: number, step: 1 | -1 = 1): Member[] {
    const { members } = this
    const start = this.indexOf(id)
    const wanted = Math.min(count, members.length - 1)
    return Array.from({ length: wanted }, (_, at) => members[(start + step * (at + 1) + members.length) % members.length] as Member)
  }
}

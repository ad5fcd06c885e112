/** News that is still to be passed on, each piece a bounded number of times, what was told least often first. */
import type { PeerId } from "../link/link.ts"
import { entryBytes } from "./membership-messages.ts"
import type { MembershipEntry } from "./membership-table.ts"

interface Rumour {
  readonly entry: MembershipEntry
  timesLeft: number
}

/** See the head of this file. */
export class RumourQueue {
  readonly #maxRumours: number
  /** At most one piece about each member: a later one takes the place of an earlier one. */
  readonly #rumours = new Map<PeerId, Rumour>()
  #dropped = 0

  constructor(maxRumours: number) {
    this.#maxRumours = maxRumours
  }

  get size(): number {
    return this.#rumours.size
  }

  /** Pieces of news that found no room since {@link clearDropped}. */
  get dropped(): number {
    return this.#dropped
  }

  clearDropped(): void {
    this.#dropped = 0
  }

  clear(): void {
    this.#rumours.clear()
    this.#dropped = 0
  }

  add(entry: MembershipEntry, times: number): void {
    this.#rumours.delete(entry.member.peerId)
    if (this.#rumours.size >= this.#maxRumours) {
      this.#dropped++
      return
    }
    this.#rumours.set(entry.member.peerId, { entry, timesLeft: times })
  }

  /** The entries for one frame of about `maxBytes`; each counts as told once more. */
  take(maxBytes: number): MembershipEntry[] {
    const taken: Rumour[] = []
    let bytes = 0
    const rumours = [...this.#rumours.values()].sort((a, b) => b.timesLeft - a.timesLeft)
    for (const rumour of rumours) {
      bytes += entryBytes(rumour.entry)
      if (bytes > maxBytes && taken.length > 0) break
      taken.push(rumour)
      rumour.timesLeft--
      if (rumour.timesLeft <= 0) this.#rumours.delete(rumour.entry.member.peerId)
    }
    return taken.map(({ entry }) => entry)
  }
}

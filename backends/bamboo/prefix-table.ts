/**
 * The routing table of Pastry: for each row, the number of first digits that a
 * member shares with this peer, and each next digit, the nearest member known
 * by round-trip time.
 *
 * It only speeds look-ups up; that it is right nobody relies on.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { Member } from "../../src/overlay/key-based-routing.ts"
import { digitOf, sharedDigits } from "./ring-distance.ts"

const columns = 16
/** A newcomer has to be nearer by this share: measurements vary, and a change costs a connection. */
const clearlyNearer = 0.8

interface Entry {
  readonly member: Member
  readonly rttMs: number
}

/** A place in the table. */
export interface Slot {
  readonly row: number
  readonly column: number
}

/** See the head of this file. */
export class PrefixTable {
  readonly #self: Id
  readonly #entries = new Map<number, Entry>()

  constructor(self: Id) {
    this.#self = self
  }

  /** Where a member, or a key, belongs; undefined for this peer's own id. */
  slotOf(id: Id): Slot | undefined {
    if (id === this.#self) return undefined
    const row = sharedDigits(this.#self, id)
    return { row, column: digitOf(id, row) }
  }

  /** The members, each once, by row. */
  get members(): Member[] {
    return [...this.#entries.keys()].sort((a, b) => a - b).flatMap((slot) => this.#entries.get(slot)?.member ?? [])
  }

  /** The members of a row. */
  row(row: number): Member[] {
    return Array.from({ length: columns }, (_, column) => this.get({ row, column })).filter((member) => member !== undefined)
  }

  get(slot: Slot): Member | undefined {
    return this.#entries.get(keyOf(slot))?.member
  }

  find(peerId: PeerId): Member | undefined {
    for (const { member } of this.#entries.values()) if (member.peerId === peerId) return member
    return undefined
  }

  /** The member that shares one more digit with the key than this peer does. */
  towards(key: Id): Member | undefined {
    const slot = this.slotOf(key)
    return slot === undefined ? undefined : this.get(slot)
  }

  /** The slots of the first rows that are empty. */
  emptySlots(rows: number): Slot[] {
    const empty: Slot[] = []
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (column !== digitOf(this.#self, row) && this.get({ row, column }) === undefined) empty.push({ row, column })
      }
    }
    return empty
  }

  /** Whether a member so far away would be taken. */
  wants(id: Id, rttMs: number): boolean {
    const slot = this.slotOf(id)
    const present = slot && this.#entries.get(keyOf(slot))
    return slot !== undefined && (present === undefined || (present.member.id !== id && rttMs < clearlyNearer * present.rttMs))
  }

  /** A member has answered, so fast. */
  offer(member: Member, rttMs: number): void {
    const slot = this.slotOf(member.id)
    if (slot === undefined) return
    const isPresent = this.get(slot)?.id === member.id
    if (isPresent || this.wants(member.id, rttMs)) this.#entries.set(keyOf(slot), { member, rttMs })
  }

  remove(member: Member): void {
    const slot = this.slotOf(member.id)
    if (slot !== undefined && this.get(slot)?.id === member.id) this.#entries.delete(keyOf(slot))
  }
}

function keyOf({ row, column }: Slot): number {
  return row * columns + column
}

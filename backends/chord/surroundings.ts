/** A peer's present place on the ring: the one mutable holder of the {@link Ring} and of what hangs on it. */
import { P2PSipError } from "../../src/errors.ts"
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import { isBetween } from "../../src/overlay/id.ts"
import type { KeyRange, Member } from "../../src/overlay/key-based-routing.ts"
import { estimateSize } from "../../src/overlay/size-estimate.ts"
import type { Told } from "./messages.ts"
import type { Ring } from "./ring.ts"
import { sameMembers, withoutGiver } from "./ring.ts"

/** What listeners hear: the state before and after. */
export type SurroundingsListener = (before: Ring | undefined, after: Ring | undefined) => void

/** See the head of this file. */
export class Surroundings {
  readonly #onChange: SurroundingsListener
  #ring: Ring | undefined
  /** Before the predecessor, nearest first: hearsay, for whoever may hold records of ours. */
  #farther: readonly Member[] = []
  #version: number
  // Derived from the two above. While nothing changes these stay the same objects: callers compare by reference.
  #ranges: readonly KeyRange[] = []
  #predecessors: readonly Member[] = []
  #neighbours: readonly Member[] = []

  constructor(firstVersion: number, onChange: SurroundingsListener) {
    this.#version = firstVersion
    this.#onChange = onChange
  }

  get isMember(): boolean {
    return this.#ring !== undefined
  }

  /** Another number after every change, and at random at first: no earlier life of this peer began with it. */
  get version(): number {
    return this.#version
  }

  /** The present state; fails while this peer is no member. */
  get ring(): Ring {
    if (this.#ring === undefined) throw new P2PSipError("P2PSIP_NOT_OPEN", "this peer is not a member of the overlay")
    return this.#ring
  }

  get ringOrNone(): Ring | undefined {
    return this.#ring
  }

  /** The keys that this peer answers for. */
  get ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  /** Those before this peer, nearest first; none while it is alone. */
  get predecessors(): readonly Member[] {
    return this.#predecessors
  }

  /** What this peer tells about itself. */
  get told(): Told {
    const { accepted, predecessor, successors } = this.ring
    return { version: this.#version, accepted, predecessor, successors }
  }

  /** Successors, predecessors, and those through whose hands this peer's keys came of late, each once. */
  get neighbours(): readonly Member[] {
    return this.#neighbours
  }

  find(peerId: PeerId): Member | undefined {
    return this.neighbours.find((member) => member.peerId === peerId)
  }

  /** About how many members the overlay has, judged by how close together these are. */
  estimateSize(): number {
    const ring = this.#ring
    if (ring === undefined) return 1
    if (ring.successors.length < ring.maxSuccessors) return ring.successors.length + 1
    return estimateSize([...this.#predecessors.toReversed(), ring.self, ...ring.successors].map(({ id }) => id))
  }

  /** Takes a new state; undefined ends the membership. */
  set(after: Ring | undefined): void {
    const before = this.#ring
    if (after === before) return
    this.#ring = after
    // Zero stands for "nothing known" in a question.
    this.#version = (this.#version + 1) >>> 0 || 1
    if (after === undefined) this.#farther = []
    else this.#setFarther(after, before === undefined ? [] : [before.predecessor, ...this.#farther])
    this.#derive()
    this.#onChange(before, after)
  }

  /** The predecessor told who is before it. True if that is new. */
  hearPredecessors(list: readonly Member[]): boolean {
    const ring = this.ring
    const before = this.#farther
    this.#setFarther(ring, list)
    if (sameMembers(before, this.#farther)) return false
    this.#derive()
    this.#onChange(ring, ring)
    return true
  }

  /** Forgets a dead member among those before the predecessor, and those who gave keys. */
  forget(id: Id): void {
    const farther = this.#farther.filter((member) => member.id !== id)
    const ring = this.#ring === undefined ? undefined : withoutGiver(this.#ring, id)
    if (farther.length === this.#farther.length && ring === this.#ring) return
    this.#farther = farther
    this.#ring = ring
    this.#derive()
    this.#onChange(this.#ring, this.#ring)
  }

  #derive(): void {
    const ring = this.#ring
    const isAlone = ring === undefined || ring.predecessor.id === ring.self.id
    this.#predecessors = isAlone ? [] : [ring.predecessor, ...this.#farther]
    const byId = new Map<Id, Member>()
    for (const member of [...(ring?.successors ?? []), ...this.#predecessors]) byId.set(member.id, member)
    for (const member of ring?.givers ?? []) if (!byId.has(member.id)) byId.set(member.id, member)
    const neighbours = [...byId.values()]
    if (!sameMembers(neighbours, this.#neighbours)) this.#neighbours = neighbours
    const ranges = ring?.accepted === true ? [{ from: ring.predecessor.id, to: ring.self.id }] : []
    const [range] = ranges
    const [known] = this.#ranges
    if (range?.from !== known?.from || range?.to !== known?.to) this.#ranges = ranges
  }

  #setFarther(ring: Ring, list: readonly Member[]): void {
    const farther: Member[] = []
    let last = ring.predecessor.id
    for (const member of list) {
      if (farther.length >= ring.maxSuccessors - 1) break
      if (last === ring.self.id || !isBetween(ring.self.id, member.id, last)) continue
      farther.push(member)
      last = member.id
    }
    this.#farther = farther
  }
}

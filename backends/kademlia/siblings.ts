/**
 * A peer's siblings: the peers closest to it, each of whom has answered it or
 * asked it something itself; and what follows from them: the keys that this
 * peer answers for, and who may hold copies of them.
 *
 * The one mutable holder of ownership. A change is told before anything else
 * happens, so that whoever stores records never answers by an old map.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { Id } from "../../src/overlay/id.ts"
import type { KeyRange, Member } from "../../src/overlay/key-based-routing.ts"
import type { Cell } from "./cell.ts"
import { arcsOf, cellOf, isInCell, isSameCell } from "./cell.ts"
import { commonPrefixBits, isCloser } from "./xor.ts"

/**
 * `absent`: no member. `joining`: others may list it, and no longer answer for
 * its cell; nor does it yet. `active`: it answers.
 */
export type Presence = "absent" | "joining" | "active"

/** `ownership`: this peer answers for other keys now, or must look anew for what it should have. */
export type SiblingChange = "ownership" | "lists"

export interface SiblingOptions {
  readonly maxSiblings: number
  /** How many siblings are neighbours, at least: see `KeyBasedRouting.neighbours`. */
  readonly minNeighbours: number
  readonly maxArcs: number
}

const nothing: readonly KeyRange[] = []

/** See the head of this file. */
export class Siblings {
  readonly #self: Id
  readonly #options: SiblingOptions
  readonly #onChange: (change: SiblingChange) => void
  #presence: Presence = "absent"
  /** Closest first. */
  #members: readonly Member[] = []
  #cell: Cell
  /**
   * At depths above this one somebody is taken to sit beside the path, though the list does not say so: it was full until
   * somebody was lost, and names nobody so far.
   */
  #horizon = 0
  /** Those that had records when this peer joined; none once it has got its own from them. */
  #sources: readonly Member[] = []
  #isComplete = false
  #changes = 0
  // Derived. While nothing changes these stay the same objects: callers compare by reference.
  #ranges = nothing
  #isExact = true
  #neighbours: readonly Member[] = []

  constructor(self: Id, options: SiblingOptions, onChange: (change: SiblingChange) => void) {
    this.#self = self
    this.#options = options
    this.#onChange = onChange
    this.#cell = cellOf(self, [])
  }

  get presence(): Presence {
    return this.#presence
  }

  /** Closest first. */
  get members(): readonly Member[] {
    return this.#members
  }

  /**
   * The siblings up to the first complete subtree that has enough of them: those to whom this peer's keys may matter. And
   * those that it gets its keys from.
   */
  get neighbours(): readonly Member[] {
    return this.#neighbours
  }

  /** The keys that this peer answers for, as arcs; see {@link arcsOf}. */
  get ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  get isFull(): boolean {
    return this.#members.length >= this.capacity
  }

  /** How often the list has changed. */
  get changes(): number {
    return this.#changes
  }

  get capacity(): number {
    return this.#options.maxSiblings
  }

  isResponsible(key: Id): boolean {
    return this.#presence === "active" && isInCell(this.#cell, key)
  }

  find(peerId: PeerId): Member | undefined {
    return this.#members.find((member) => member.peerId === peerId)
  }

  /** The siblings that come as the nearest `count` to some key of the cell: whole subtrees, closest first. */
  nearest(count: number): readonly Member[] {
    return wholeSubtrees(this.#self, this.#members, count)
  }

  /** Whether a peer is close enough to be one of them. */
  wouldFit(id: Id): boolean {
    if (id === this.#self) return false
    const farthest = this.#members.at(-1)
    return !this.isFull || farthest === undefined || isCloser(this.#self, id, farthest.id)
  }

  /** A peer has shown that it lives. */
  add(member: Member): void {
    if (member.id === this.#self) return
    const known = this.#members.findIndex(({ id }) => id === member.id)
    if (known >= 0) {
      const before = this.#members[known]
      if (before === undefined || before.addresses.join() === member.addresses.join()) return
      this.#set(this.#members.with(known, member))
      return
    }
    if (!this.wouldFit(member.id)) return
    const farther = this.#members.findIndex(({ id }) => isCloser(this.#self, member.id, id))
    const at = farther < 0 ? this.#members.length : farther
    this.#set(this.#members.toSpliced(at, 0, member).slice(0, this.#options.maxSiblings))
  }

  /** A peer is dead, or no member any more. True if it was a sibling. */
  remove(peerId: PeerId): boolean {
    this.#sources = this.#sources.filter((source) => source.peerId !== peerId)
    if (this.find(peerId) === undefined) return false
    if (this.isFull) this.#horizon = this.#farthestDepth() + 1
    this.#set(this.#members.filter((member) => member.peerId !== peerId))
    return true
  }

  /** Whether the list is short because somebody was lost, and others may sit farther than those it names. */
  get isUncertain(): boolean {
    return this.#horizon > 0
  }

  /** A search has found nobody else. */
  acceptShort(): void {
    if (!this.isUncertain) return
    this.#horizon = 0
    this.#set(this.#members)
  }

  /** Begins to join. */
  begin(): void {
    this.#presence = "joining"
  }

  /** Answers for its cell from now on; the sources had the records of it so far. A founder has none. */
  activate(sources: readonly Member[]): void {
    this.#presence = "active"
    this.#sources = sources
    this.#isComplete = sources.length === 0
    this.#findNeighbours()
    this.#publish()
  }

  /** Whether this peer has got the records of its keys, and can hand them on. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  complete(): void {
    if (this.#presence !== "active" || this.#isComplete) return
    this.#isComplete = true
    this.#sources = []
    this.#set(this.#members)
  }

  /** No member any more. */
  end(): void {
    if (this.#presence === "absent") return
    this.#presence = "absent"
    this.#members = []
    this.#horizon = 0
    this.#sources = []
    this.#isComplete = false
    this.#cell = cellOf(this.#self, [])
    this.#neighbours = []
    this.#ranges = nothing
    this.#onChange("ownership")
  }

  /**
   * Others have answered for this peer's keys while they took it for dead:
   * whatever it holds may be old.
   */
  renew(): void {
    if (this.#presence !== "active") return
    this.#withdraw()
    this.#publish()
  }

  #set(members: readonly Member[]): void {
    this.#members = members
    this.#changes++
    if (this.isFull) this.#horizon = 0
    this.#findNeighbours()
    const cell = cellOf(this.#self, this.#branches())
    if (isSameCell(cell, this.#cell)) return this.#onChange("lists")
    this.#cell = cell
    if (this.#presence !== "active") return this.#onChange("lists")
    const { isExact } = arcsOf(cell, this.#options.maxArcs)
    // Arcs that hold more than the cell may stay the same when it changes. Taken back for an instant, nothing in them
    // counts as known any more.
    if (!isExact || !this.#isExact) this.#withdraw()
    this.#publish()
  }

  #findNeighbours(): void {
    const nearest = this.nearest(this.#options.minNeighbours)
    const others = this.#sources.filter(({ peerId }) => !nearest.some((member) => member.peerId === peerId))
    const neighbours = others.length === 0 ? nearest : [...nearest, ...others]
    const isSame = neighbours.length === this.#neighbours.length && neighbours.every((member, at) => member === this.#neighbours[at])
    if (!isSame) this.#neighbours = neighbours
  }

  /** Where somebody sits beside the path to this peer; beyond the farthest of a full list somebody always does. */
  #branches(): number[] {
    const depths = this.#members.map(({ id }) => commonPrefixBits(this.#self, id))
    const shallowest = this.isFull ? this.#farthestDepth() : this.#horizon
    return [...Array.from({ length: shallowest }, (_, depth) => depth), ...depths]
  }

  #farthestDepth(): number {
    const farthest = this.#members.at(-1)
    return farthest === undefined ? 0 : commonPrefixBits(this.#self, farthest.id)
  }

  #withdraw(): void {
    this.#ranges = nothing
    this.#onChange("ownership")
  }

  #publish(): void {
    const { ranges, isExact } = arcsOf(this.#cell, this.#options.maxArcs)
    this.#ranges = ranges
    this.#isExact = isExact
    this.#onChange("ownership")
  }
}

/** The first of the members, closest first, until there are `count` and none of the last one's subtree is left out. */
export function wholeSubtrees(self: Id, members: readonly Member[], count: number): readonly Member[] {
  const last = members[count - 1]
  if (count <= 0) return []
  if (last === undefined) return members
  const depth = commonPrefixBits(self, last.id)
  return members.filter(({ id }, at) => at < count || commonPrefixBits(self, id) === depth)
}

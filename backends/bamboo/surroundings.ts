/**
 * A peer's present place: the one mutable holder of the {@link Place} and of
 * what hangs on it. A change of ownership is told before anything else happens,
 * so that whoever stores records never answers by an old map.
 */
import type { PeerId } from "../../src/link/link.ts"
import type { KeyRange, Member } from "../../src/overlay/key-based-routing.ts"
import { leavesOf, sizeOf } from "./leaf-set.ts"
import type { Place } from "./place.ts"
import { eldersOf, isActive } from "./place.ts"

/**
 * `absent`: no member. `joining`: others may list it, and draw back before it;
 * it answers for nothing yet. `active`: it answers.
 */
export type Presence = "absent" | "joining" | "active"

/** `ownership`: this peer answers for other keys now, or must look anew for what it should have. */
export type SurroundingsChange = "ownership" | "lists"

const nothing: readonly KeyRange[] = []

/** See the head of this file. */
export class Surroundings {
  readonly #onChange: (change: SurroundingsChange) => void
  #place: Place | undefined
  // Derived. While nothing changes these stay the same objects: callers compare by reference.
  #ranges = nothing
  #leaves: readonly Member[] = []
  #neighbours: readonly Member[] = []

  constructor(onChange: (change: SurroundingsChange) => void) {
    this.#onChange = onChange
  }

  get place(): Place | undefined {
    return this.#place
  }

  get presence(): Presence {
    if (this.#place === undefined) return "absent"
    return isActive(this.#place) ? "active" : "joining"
  }

  /** The keys that this peer answers for. */
  get ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  /** All leaves, nearest first. */
  get leaves(): readonly Member[] {
    return this.#leaves
  }

  /**
   * All leaves, nearest first, and elders. Each may hold records that this peer should hold:
   * when many join at once, the leaves may be newcomers all, with nothing to give.
   */
  get neighbours(): readonly Member[] {
    return this.#neighbours
  }

  /** About how many members the overlay has. */
  estimateSize(): number {
    return this.#place === undefined ? 1 : sizeOf(this.#place.leaves)
  }

  find(peerId: PeerId): Member | undefined {
    return this.#leaves.find((leaf) => leaf.peerId === peerId)
  }

  /** Takes a new state; undefined ends the membership. */
  set(place: Place | undefined): void {
    if (place === this.#place) return
    this.#place = place
    const leaves = place === undefined ? [] : leavesOf(place.leaves)
    if (!isSame(leaves, this.#leaves)) this.#leaves = leaves
    const neighbours = place === undefined ? [] : [...leaves, ...eldersOf(place)]
    if (!isSame(neighbours, this.#neighbours)) this.#neighbours = neighbours
    const ranges = rangesOf(place)
    const [range] = ranges
    const [known] = this.#ranges
    const isOwnershipSame = range?.from === known?.from && range?.to === known?.to
    if (!isOwnershipSame) this.#ranges = ranges
    this.#onChange(isOwnershipSame ? "lists" : "ownership")
  }

  /** A leaf has begun a new life, and holds nothing of what it held. */
  renewLeaf(): void {
    this.#neighbours = [...this.#neighbours]
    this.#onChange("lists")
  }

  /**
   * Others have answered for this peer's keys while they took it for dead:
   * whatever it holds may be old.
   */
  renew(): void {
    if (this.presence !== "active") return
    this.#ranges = nothing
    this.#onChange("ownership")
    this.#ranges = rangesOf(this.#place)
    this.#onChange("ownership")
  }
}

function rangesOf(place: Place | undefined): readonly KeyRange[] {
  return place?.low === undefined || place.high === undefined ? nothing : [{ from: place.low, to: place.high }]
}

function isSame(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, at) => member === b[at])
}

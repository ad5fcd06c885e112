/**
 * Places on the ring, by linearization (Onus, Richa, Scheideler, 2007; Kutzner
 * and Fuhrmann, 2007): addresses are taken as a line. Each node looks for the
 * nearest node that it knows on either side, and introduces to each other those
 * that it knows beside them. Every introduction replaces a way by one that
 * spans less of the line, so that from any connected start the line gets
 * sorted; nothing is flooded. The two ends then find each other: the last node
 * sends a packet to the smallest address there is.
 */
import type { Address } from "./address.ts"
import { Places, opposite, sides } from "./places.ts"
import type { Ring, RingPlaces, RingPort } from "./ring.ts"
import type { Claim, RingUpdate, Side } from "./ring-messages.ts"
import type { RouteCache } from "./route-cache.ts"

/** See the head of this file. */
export class Linearization implements Ring {
  readonly #cache: RouteCache
  readonly #port: RingPort
  readonly #places: Places

  constructor(cache: RouteCache, port: RingPort) {
    this.#cache = cache
    this.#port = port
    this.#places = new Places({
      cache, port,
      isNeighbour: (side, address) => this.#isNeighbour(side, address),
      onChange: ({ left: before }, agreed, address) => {
        // This node was the first on the line: the last one does not know yet who is now.
        if (agreed.includes("left") && before !== undefined && before > cache.self && before !== address) this.#introduce(before, address)
      },
    })
  }

  get places(): RingPlaces {
    return this.#places.now
  }

  onLearned(address: Address, isIntroduced: boolean): void {
    const side = this.#sideOf(address)
    const nearest = this.#nearest(side)
    if (nearest === address) {
      if (!this.#places.agreements.isAsked(address)) {
        this.#places.notify(address)
        this.#port.hurry()
      }
      const next = this.#nearest(side, address)
      if (next !== undefined && isIntroduced) this.#introduce(address, next)
    } else if (isIntroduced) {
      const before = this.#neighbourOf(address, side)
      if (before !== undefined) this.#introduce(before, address)
    }
    // The first node is another one now: that the line is closed is for its last one to say.
    const { right } = this.places
    const isFirst = address < (right ?? Infinity) && this.#nearest("right") === undefined && this.#cache.smallest() === address
    if (isFirst) this.#port.announce()
  }

  onNotification(from: Address, claim: Claim): void {
    const agreed = this.#places.agree(from, claim)
    const nearest = this.#nearest(this.#sideOf(from))
    // Also who wants nothing is to hear that this node is there.
    if (agreed.length > 0 || nearest === undefined || nearest === from) return this.#places.reply(from, agreed)
    this.#introduce(nearest, from)
    if (claim.sides.length > 0) this.#checkBefore(from, nearest)
  }

  onUpdate(from: Address, update: RingUpdate): void {
    this.#places.takeUpdate(from, update)
  }

  onServing(): void {
    this.#places.confirm()
  }

  /** A packet for the smallest address has come to this node, which knows no smaller one. */
  onAnnounce(from: Address): void {
    const beyond = this.#nearestAfter(from)
    if (beyond !== undefined) return this.#introduce(beyond, from)
    const { left, given } = this.places
    const agreed = this.#places.agree(from, { sides: ["right"], serves: false, ...(left === from && given !== undefined ? { given } : {}) })
    if (agreed.length > 0) this.#places.reply(from, agreed)
  }

  tick(): void {
    for (const side of sides) {
      const wanted = this.#nearest(side) ?? this.places[side]
      if (wanted === undefined) continue
      if (this.#places.agreements.isOverdue(wanted)) this.#giveUp(wanted)
      else this.#places.notify(wanted)
    }
    const isLast = this.#nearest("right") === undefined
    if (isLast && this.#nearest("left") !== undefined) this.#port.announce()
    // Introductions may have been lost.
    const link = this.#port.randomLink()
    if (link === undefined) return
    const before = this.#neighbourOf(link, this.#sideOf(link))
    if (before !== undefined) this.#introduce(before, link)
  }

  onFarewell(from: Address): void {
    this.#cache.forget(from)
    this.#port.doubt(from)
    this.#places.release(from)
  }

  /**
   * Whoever comes next after a neighbour takes this node for its own one: it does not know of the one between them, or no
   * longer. So it is asked whether it lives; in a calm mesh it would be by and by only.
   */
  #checkBefore(next: Address, between: Address): void {
    const side = this.#sideOf(next)
    if (this.places[side] !== between || this.#nearest(side, between) !== next) return
    if (!this.#places.agreements.isAsked(between)) this.#places.notify(between)
    this.#port.hurry()
  }

  /** No answer to several notifications: as far as this node knows, there is no such node. */
  #giveUp(address: Address): void {
    this.#places.giveUp(address)
    const side = this.#sideOf(address)
    // At an end of the line: the other end does not know yet that it is this one's neighbour now.
    const next = this.#nearest(side) ?? this.#farthest(opposite[side])
    if (next !== undefined) this.#places.notify(next)
  }

  /** Whether a node is the nearest that is known on a side of the ring: at an end of the line, the other end. */
  #isNeighbour(side: Side, address: Address): boolean {
    const nearest = this.#nearest(side)
    return nearest === undefined ? this.#farthest(opposite[side]) === address : nearest === address
  }

  /** Tells two nodes on the same side of each other. */
  #introduce(a: Address, b: Address): void {
    this.#port.introduce(a, b)
    this.#port.introduce(b, a)
  }

  #sideOf(address: Address): Side {
    return address < this.#cache.self ? "left" : "right"
  }

  /** The nearest node that is known on a side, `except` one. */
  #nearest(side: Side, except?: Address): Address | undefined {
    const { self } = this.#cache
    if (except === undefined) return this.#nearestOfAll(side)
    let nearest: Address | undefined
    for (const address of this.#places.known()) {
      if (address === except || (address < self) !== (side === "left")) continue
      if (nearest === undefined || Math.abs(address - self) < Math.abs(nearest - self)) nearest = address
    }
    return nearest
  }

  #nearestOfAll(side: Side): Address | undefined {
    const { self } = this.#cache
    let nearest = this.#cache.beside(side)
    for (const address of [this.places.left, this.places.right]) {
      if (address === undefined || this.#sideOf(address) !== side) continue
      if (nearest === undefined || Math.abs(address - self) < Math.abs(nearest - self)) nearest = address
    }
    return nearest
  }

  /** The node nearest to `address` of those between it and this node. */
  #neighbourOf(address: Address, side: Side): Address | undefined {
    const { self } = this.#cache
    let best: Address | undefined
    for (const other of this.#places.known()) {
      const isBetween = side === "left" ? other > address && other < self : other < address && other > self
      if (isBetween && (best === undefined || Math.abs(other - address) < Math.abs(best - address))) best = other
    }
    return best
  }

  /** The nearest node after an address on the line. */
  #nearestAfter(address: Address): Address | undefined {
    let best: Address | undefined
    for (const other of this.#places.known()) if (other > address && (best === undefined || other < best)) best = other
    return best
  }

  /** The end of the line on a side, as far as this node knows. */
  #farthest(side: Side): Address | undefined {
    const { self } = this.#cache
    let farthest: Address | undefined
    for (const address of this.#places.known()) {
      if ((address < self) !== (side === "left")) continue
      if (farthest === undefined || Math.abs(address - self) > Math.abs(farthest - self)) farthest = address
    }
    return farthest
  }
}

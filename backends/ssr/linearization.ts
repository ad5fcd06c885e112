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
import type { Ring, RingPlaces, RingPort } from "./ring.ts"
import { Agreements } from "./agreements.ts"
import type { Claim, RingUpdate, Side } from "./ring-messages.ts"
import type { RouteCache } from "./route-cache.ts"
import { isBeyond } from "./tenure.ts"

const sides = ["left", "right"] as const
const opposite = { left: "right", right: "left" } as const

/** See the head of this file. */
export class Linearization implements Ring {
  readonly #cache: RouteCache
  readonly #port: RingPort
  readonly #agreements: Agreements
  /** Neighbours that have agreed; at the ends of the line, the other end. */
  #places: RingPlaces = {}

  constructor(cache: RouteCache, port: RingPort) {
    this.#cache = cache
    this.#port = port
    this.#agreements = new Agreements()
  }

  get places(): RingPlaces {
    return this.#places
  }

  onLearned(address: Address, isIntroduced: boolean): void {
    const side = this.#sideOf(address)
    const nearest = this.#nearest(side)
    if (nearest === address) {
      if (!this.#agreements.isAsked(address)) {
        this.#notify(address)
        this.#port.hurry()
      }
      const next = this.#nearest(side, address)
      if (next !== undefined && isIntroduced) this.#introduce(address, next)
    } else if (isIntroduced) {
      const before = this.#neighbourOf(address, side)
      if (before !== undefined) this.#introduce(before, address)
    }
    // The first node is another one now: that the line is closed is for its last one to say.
    const { right } = this.#places
    if (this.#nearest("right") === undefined && address < (right ?? Infinity)) this.#port.announce()
  }

  onNotification(from: Address, claim: Claim): void {
    const agreed = this.#agree(from, claim)
    const nearest = this.#nearest(this.#sideOf(from))
    // Also who wants nothing is to hear that this node is there.
    if (agreed.length > 0 || nearest === undefined || nearest === from) this.#reply(from, agreed)
    else this.#introduce(nearest, from)
  }

  onUpdate(from: Address, update: RingUpdate): void {
    // A candidate has been learned already, from the way to it.
    if (update.kind !== "agreed") return
    this.#agreements.clear(from)
    const { right } = this.#places
    const agreed = this.#agree(from, update.claim)
    // It has yet to hear that this node has drawn back.
    if (this.#port.tenure !== undefined && right !== from && this.#places.right === from) this.#reply(from, agreed)
  }

  onServing(): void {
    const { left, right } = this.#places
    const { tenure } = this.#port
    if (left !== undefined) this.#confirm(left)
    if (right === undefined || tenure === undefined) return
    // Agreed when neither knew who sits between them.
    if (isBeyond(this.#cache.self, tenure, right)) this.#release(right)
    else if (right !== left) this.#confirm(right)
  }

  #confirm(neighbour: Address): void {
    this.#reply(neighbour, sides.filter((side) => this.#places[side] === neighbour))
  }

  /** A packet for the smallest address has come to this node, which knows no smaller one. */
  onAnnounce(from: Address): void {
    const beyond = this.#nearestAfter(from)
    if (beyond !== undefined) return this.#introduce(beyond, from)
    const agreed = this.#agree(from, { sides: ["right"], serves: false })
    if (agreed.length > 0) this.#reply(from, agreed)
  }

  tick(): void {
    for (const side of sides) {
      const wanted = this.#nearest(side) ?? this.#places[side]
      if (wanted === undefined) continue
      if (this.#agreements.isOverdue(wanted)) this.#giveUp(wanted)
      else this.#notify(wanted)
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
    this.#release(from)
  }

  #notify(address: Address): void {
    this.#agreements.ask(address)
    this.#port.notify(address, this.#claim(address, sides.filter((side) => this.#isNeighbour(side, address))))
  }

  #reply(to: Address, agreed: readonly Side[]): void {
    this.#port.reply(to, this.#claim(to, agreed))
  }

  #claim(to: Address, said: readonly Side[]): Claim {
    const { tenure } = this.#port
    const hasDrawnBack = tenure?.end === to && this.#places.right === to
    return { sides: said, serves: tenure !== undefined, ...(hasDrawnBack ? { given: tenure.limit } : {}) }
  }

  /** No answer to several notifications: as far as this node knows, there is no such node. */
  #giveUp(address: Address): void {
    this.#agreements.clear(address)
    this.#cache.forget(address)
    this.#port.doubt(address)
    this.#release(address)
    const next = this.#nearest(this.#sideOf(address))
    if (next !== undefined) this.#notify(next)
  }

  #release(address: Address): void {
    const { left, right, given, rightServes } = this.#places
    if (left !== address && right !== address) return
    this.#places = {
      ...(left === address ? {} : placesOf({ left, given })),
      ...(right === address ? {} : placesOf({ right, rightServes })),
    }
    this.#hold()
    this.#port.onPlaces(this.#places)
  }

  /**
   * Takes a node for the neighbour that it is, on the sides where it takes this
   * one for its own: whose left neighbour this is not, is not its right one.
   */
  #agree(address: Address, claim: Claim): readonly Side[] {
    const agreed = sides.filter((side) => claim.sides.includes(opposite[side]) && this.#isNeighbour(side, address))
    const { left: before, right, given, rightServes } = this.#places
    const isSame = agreed.every((side) => this.#places[side] === address)
    const says = { ...(agreed.includes("left") ? { given: claim.given } : { given }), rightServes: agreed.includes("right") ? claim.serves : rightServes }
    if (isSame && says.given === given && says.rightServes === rightServes) return agreed
    this.#places = placesOf({ left: before, right, ...Object.fromEntries(agreed.map((side) => [side, address])), ...says })
    this.#hold()
    // This node was the first on the line: the last one does not know yet who is now.
    if (agreed.includes("left") && before !== undefined && before > this.#cache.self && before !== address) this.#introduce(before, address)
    this.#port.onPlaces(this.#places)
    return agreed
  }

  /** Whether a node is the nearest that is known on a side of the ring: at an end of the line, the other end. */
  #isNeighbour(side: Side, address: Address): boolean {
    const nearest = this.#nearest(side)
    return nearest === undefined ? this.#farthest(opposite[side]) === address : nearest === address
  }

  #hold(): void {
    const { left, right } = this.#places
    this.#cache.hold([left, right].filter((address) => address !== undefined))
  }

  /** Tells two nodes on the same side of each other. */
  #introduce(a: Address, b: Address): void {
    this.#port.introduce(a, b)
    this.#port.introduce(b, a)
  }

  /** A neighbour to whom the way was lost is one until it has been asked in vain: greedily routed packets may still find it. */
  *#known(): IterableIterator<Address> {
    yield* this.#cache.addresses()
    const { left, right } = this.#places
    if (left !== undefined && !this.#cache.knows(left)) yield left
    if (right !== undefined && !this.#cache.knows(right)) yield right
  }

  #sideOf(address: Address): Side {
    return address < this.#cache.self ? "left" : "right"
  }

  /** The nearest node that is known on a side, `except` one. */
  #nearest(side: Side, except?: Address): Address | undefined {
    const { self } = this.#cache
    if (except === undefined) return this.#nearestOfAll(side)
    let nearest: Address | undefined
    for (const address of this.#known()) {
      if (address === except || (address < self) !== (side === "left")) continue
      if (nearest === undefined || Math.abs(address - self) < Math.abs(nearest - self)) nearest = address
    }
    return nearest
  }

  #nearestOfAll(side: Side): Address | undefined {
    const { self } = this.#cache
    let nearest = this.#cache.beside(side)
    for (const address of [this.#places.left, this.#places.right]) {
      if (address === undefined || this.#sideOf(address) !== side) continue
      if (nearest === undefined || Math.abs(address - self) < Math.abs(nearest - self)) nearest = address
    }
    return nearest
  }

  /** The node nearest to `address` of those between it and this node. */
  #neighbourOf(address: Address, side: Side): Address | undefined {
    const { self } = this.#cache
    let best: Address | undefined
    for (const other of this.#known()) {
      const isBetween = side === "left" ? other > address && other < self : other < address && other > self
      if (isBetween && (best === undefined || Math.abs(other - address) < Math.abs(best - address))) best = other
    }
    return best
  }

  /** The nearest node after an address on the line. */
  #nearestAfter(address: Address): Address | undefined {
    let best: Address | undefined
    for (const other of this.#known()) if (other > address && (best === undefined || other < best)) best = other
    return best
  }

  /** The end of the line on a side, as far as this node knows. */
  #farthest(side: Side): Address | undefined {
    const { self } = this.#cache
    let farthest: Address | undefined
    for (const address of this.#known()) {
      if ((address < self) !== (side === "left")) continue
      if (farthest === undefined || Math.abs(address - self) > Math.abs(farthest - self)) farthest = address
    }
    return farthest
  }
}

/** Without what is not known. */
function placesOf(places: { readonly [Name in keyof RingPlaces]: RingPlaces[Name] | undefined }): RingPlaces {
  return Object.fromEntries(Object.entries(places).filter(([, value]) => value !== undefined))
}

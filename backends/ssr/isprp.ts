/**
 * Places on the ring, by the procedure that SSR began with (ISPRP: Cramer and
 * Fuhrmann, 2005): each node notifies the nearest that it knows on either side;
 * who has a nearer one tells both of each other, until all agree. That can end
 * in several rings, each content, that lie in each other. So whoever has its
 * successor before it on the line of addresses (in one ring: the last node, and
 * no other) lets everybody know the way to it: the last node of another ring
 * then has a better successor.
 */
import type { Address } from "./address.ts"
import { clockwise } from "./address.ts"
import { Places, opposite, sides } from "./places.ts"
import type { Ring, RingPlaces, RingPort } from "./ring.ts"
import type { Claim, RingUpdate, Side } from "./ring-messages.ts"
import type { RouteCache } from "./route-cache.ts"

/** See the head of this file. */
export class Isprp implements Ring {
  readonly #cache: RouteCache
  readonly #port: RingPort
  readonly #places: Places

  constructor(cache: RouteCache, port: RingPort) {
    this.#cache = cache
    this.#port = port
    this.#places = new Places({
      cache, port,
      isNeighbour: (side, address) => this.#nearest(side) === address,
      // Who was the neighbour there has a better one now, and may be a better one for somebody.
      onChange: (before, agreed, address) => {
        for (const side of agreed) {
          const former = before[side]
          if (former !== undefined && former !== address) this.#introduce(former, address)
        }
      },
    })
  }

  get places(): RingPlaces {
    return this.#places.now
  }

  onLearned(address: Address): void {
    if (!sides.some((side) => this.#nearest(side) === address) || this.#places.agreements.isAsked(address)) return
    this.#places.notify(address)
    this.#port.hurry()
  }

  onNotification(from: Address, claim: Claim): void {
    const agreed = this.#places.agree(from, claim)
    // On a side where the other one would be, and is not, another is nearer.
    const asked = claim.sides.length === 0 ? sides : claim.sides.map((side) => opposite[side])
    const refused = asked.filter((side) => !agreed.includes(side))
    const nearer = new Set(refused.map((side) => this.#nearest(side)).filter((address) => address !== undefined && address !== from))
    for (const address of nearer) this.#introduce(address as Address, from)
    // Also who wants nothing is to hear that this node is there.
    if (agreed.length > 0 || nearer.size === 0) this.#places.reply(from, agreed)
  }

  onUpdate(from: Address, update: RingUpdate): void {
    this.#places.takeUpdate(from, update)
  }

  onServing(): void {
    this.#places.confirm()
  }

  /** Of nodes that close a line; here there is none. */
  onAnnounce(): void {}

  tick(): void {
    for (const address of new Set(sides.map((side) => this.#nearest(side) ?? this.places[side]))) {
      if (address === undefined) continue
      if (this.#places.agreements.isOverdue(address)) this.#places.giveUp(address)
      else this.#places.notify(address)
    }
    const right = this.#nearest("right")
    if (right !== undefined && right < this.#cache.self) this.#port.flood()
  }

  onFarewell(from: Address): void {
    this.#cache.forget(from)
    this.#port.doubt(from)
    this.#places.release(from)
  }

  /** Tells two nodes of each other. */
  #introduce(a: Address, b: Address): void {
    this.#port.introduce(a, b)
    this.#port.introduce(b, a)
  }

  #nearest(side: Side): Address | undefined {
    const { self } = this.#cache
    let nearest: Address | undefined
    let least = Infinity
    for (const address of this.#places.known()) {
      const distance = side === "right" ? clockwise(self, address) : clockwise(address, self)
      if (distance >= least) continue
      least = distance
      nearest = address
    }
    return nearest
  }
}

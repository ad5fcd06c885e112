/**
 * A node's two places on the ring, and how they are agreed upon: what all ring
 * procedures have in common. Which of the nodes that are known belongs there
 * is for the procedure to say.
 */
import type { Address } from "./address.ts"
import { Agreements } from "./agreements.ts"
import type { RingPlaces, RingPort } from "./ring.ts"
import type { Claim, RingUpdate, Side } from "./ring-messages.ts"
import type { RouteCache } from "./route-cache.ts"
import { isBeyond } from "./tenure.ts"

export const sides = ["left", "right"] as const
export const opposite = { left: "right", right: "left" } as const

export interface PlacesComponents {
  readonly cache: RouteCache
  readonly port: RingPort
  /** Whether a node, of all that are known, belongs on a side of this one. */
  readonly isNeighbour: (side: Side, address: Address) => boolean
  /** Neighbours are others now than before. */
  readonly onChange?: (before: RingPlaces, agreed: readonly Side[], address: Address) => void
}

/** See the head of this file. */
export class Places {
  readonly agreements: Agreements
  readonly #components: PlacesComponents
  /** Neighbours that have agreed; at the ends of the line, the other end. */
  #now: RingPlaces = {}

  constructor(components: PlacesComponents) {
    this.#components = components
    this.agreements = new Agreements(components.port)
  }

  get now(): RingPlaces {
    return this.#now
  }

  /** Asks a node to be the neighbour that it should be; one that owes an answer soon again. */
  notify(address: Address): void {
    const { port, isNeighbour } = this.#components
    if (this.agreements.isAsked(address)) port.hurry()
    this.agreements.ask(address)
    port.notify(address, this.#claim(address, sides.filter((side) => isNeighbour(side, address))))
  }

  reply(to: Address, agreed: readonly Side[]): void {
    this.#components.port.reply(to, this.#claim(to, agreed))
  }

  /**
   * Takes a node for the neighbour that it is, on the sides where it takes this
   * one for its own: whose left neighbour this is not, is not its right one.
   */
  agree(address: Address, claim: Claim): readonly Side[] {
    this.agreements.clear(address)
    const { port, isNeighbour, onChange } = this.#components
    const agreed = sides.filter((side) => claim.sides.includes(opposite[side]) && isNeighbour(side, address))
    const before = this.#now
    const { left, right, given, rightServes } = before
    const isSame = agreed.every((side) => before[side] === address)
    const says = { ...(agreed.includes("left") ? { given: claim.given } : { given }), rightServes: agreed.includes("right") ? claim.serves : rightServes }
    if (isSame && says.given === given && says.rightServes === rightServes) return agreed
    this.#now = placesOf({ left, right, ...Object.fromEntries(agreed.map((side) => [side, address])), ...says })
    this.#hold()
    if (!isSame) onChange?.(before, agreed, address)
    port.onPlaces(this.#now)
    return agreed
  }

  /** An answer: that also one who names a better candidate is alive. That candidate has been learned already, from the way to it. */
  takeUpdate(from: Address, update: RingUpdate): void {
    this.agreements.clear(from)
    if (update.kind !== "agreed") return
    const { right } = this.#now
    const agreed = this.agree(from, update.claim)
    // It has yet to hear that this node has drawn back.
    if (this.#components.port.tenure !== undefined && right !== from && this.#now.right === from) this.reply(from, agreed)
  }

  /** This node answers for keys from now on. */
  confirm(): void {
    const { cache, port } = this.#components
    const { left, right } = this.#now
    if (left !== undefined) this.#confirm(left)
    if (right === undefined || port.tenure === undefined) return
    // Agreed when neither knew who sits between them.
    if (isBeyond(cache.self, port.tenure, right)) this.release(right)
    else if (right !== left) this.#confirm(right)
  }

  /** It is no neighbour any more. */
  release(address: Address): void {
    const { left, right, given, rightServes } = this.#now
    if (left !== address && right !== address) return
    this.#now = {
      ...(left === address ? {} : placesOf({ left, given })),
      ...(right === address ? {} : placesOf({ right, rightServes })),
    }
    this.#hold()
    this.#components.port.onPlaces(this.#now)
  }

  /** As far as this node knows, there is no such node. */
  giveUp(address: Address): void {
    const { cache, port } = this.#components
    this.agreements.clear(address)
    cache.forget(address)
    port.doubt(address)
    this.release(address)
  }

  /** A neighbour to whom the way was lost is one until it has been asked in vain: greedily routed packets may still find it. */
  *known(): IterableIterator<Address> {
    const { cache } = this.#components
    yield* cache.addresses()
    const { left, right } = this.#now
    if (left !== undefined && !cache.knows(left)) yield left
    if (right !== undefined && !cache.knows(right)) yield right
  }

  #confirm(neighbour: Address): void {
    this.reply(neighbour, sides.filter((side) => this.#now[side] === neighbour))
  }

  #claim(to: Address, said: readonly Side[]): Claim {
    const { tenure } = this.#components.port
    const hasDrawnBack = tenure?.end === to && this.#now.right === to
    return { sides: said, serves: tenure !== undefined, ...(hasDrawnBack ? { given: tenure.limit } : {}) }
  }

  #hold(): void {
    const { left, right } = this.#now
    this.#components.cache.hold([left, right].filter((address) => address !== undefined))
  }
}

/** Without what is not known. */
function placesOf(places: { readonly [Name in keyof RingPlaces]: RingPlaces[Name] | undefined }): RingPlaces {
  return Object.fromEntries(Object.entries(places).filter(([, value]) => value !== undefined))
}

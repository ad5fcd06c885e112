/** What a procedure that finds a node's place on the ring has to do, and what it is given. */
import type { Address } from "./address.ts"
import type { RingUpdate, Side } from "./ring-messages.ts"

/** Neighbours on the ring that have agreed to be so. The last node's right neighbour is the first one. */
export interface RingPlaces {
  readonly left?: Address
  readonly right?: Address
}

/** The node around a ring procedure. */
export interface RingPort {
  /** Sends a notification along the way that is known: on these sides, `to` would suit. */
  notify(to: Address, sides: readonly Side[]): void
  /** Sends "agreed": on these sides, `to` is the neighbour. */
  reply(to: Address, sides: readonly Side[]): void
  /** Tells `to` of a candidate, with the way there through this node. */
  introduce(to: Address, candidate: Address): void
  /** Sends a packet that ends at the node with the smallest address. */
  announce(): void
  /** The node has not answered: nobody's word is taken that it is there, but its own. */
  doubt(address: Address): void
  /** Any neighbour by link. */
  randomLink(): Address | undefined
  /** The neighbours are others now. */
  onPlaces(places: RingPlaces): void
}

/** See the head of this file. All nodes that it is told of have been learned by the route cache. */
export interface Ring {
  readonly places: RingPlaces
  /** A node that was not known before; introduced by another node or a link, or only overheard. */
  onLearned(address: Address, isIntroduced: boolean): void
  /** Another node would have this one for its neighbour on these sides of its own. */
  onNotification(from: Address, sides: readonly Side[]): void
  onUpdate(from: Address, update: RingUpdate): void
  onAnnounce(from: Address): void
  /** A node goes away. */
  onFarewell(from: Address): void
  /** Every now and then, sooner when something changed. */
  tick(): void
}

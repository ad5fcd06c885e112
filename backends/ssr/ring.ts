/** What a procedure that finds a node's place on the ring has to do, and what it is given. */
import type { Runtime } from "../../src/runtime/runtime.ts"
import type { Address } from "./address.ts"
import type { Claim, RingUpdate } from "./ring-messages.ts"
import type { Tenure } from "./tenure.ts"

/** Neighbours on the ring that have agreed to be so. The last node's right neighbour is the first one. */
export interface RingPlaces {
  readonly left?: Address
  readonly right?: Address
  /** The left one has drawn back to this node's address, and gives what lies up to here; see `tenure.ts`. */
  readonly given?: Address
  /** The right one answers for keys. */
  readonly rightServes?: boolean
}

/** The node around a ring procedure. */
export interface RingPort extends Pick<Runtime, "now"> {
  /** Which keys this node answers for; undefined while it does for none. */
  readonly tenure: Tenure | undefined
  /** Sends a notification along the way that is known: on these sides, `to` would suit. */
  notify(to: Address, claim: Claim): void
  /** Sends "agreed": on these sides, `to` is the neighbour. */
  reply(to: Address, claim: Claim): void
  /** Tells `to` of a candidate, with the way there through this node. */
  introduce(to: Address, candidate: Address): void
  /** Sends a packet that ends at the node with the smallest address. */
  announce(): void
  /** Lets every node know the way to this one. */
  flood(): void
  /** The node has not answered: nobody's word is taken that it is there, but its own. */
  doubt(address: Address): void
  /** What has been found out is not the last word: `tick` is to come soon. */
  hurry(): void
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
  onNotification(from: Address, claim: Claim): void
  onUpdate(from: Address, update: RingUpdate): void
  onAnnounce(from: Address): void
  /** This node answers for keys from now on. */
  onServing(): void
  /** A node goes away. */
  onFarewell(from: Address): void
  /** Every now and then, sooner when something changed. */
  tick(): void
}

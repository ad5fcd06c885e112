/**
 * Who hears whom: the physical side of a node. A neighbour hears what this node
 * says, and the other way round; what it says to one neighbour may get lost.
 */
import type { Address } from "./address.ts"

/** A link to a neighbour came up, or is no more. */
export interface LinkEvent {
  readonly name: "up" | "down"
  readonly neighbour: Address
}

export interface Neighbourhood {
  readonly self: Address
  /** The longest packet, in bytes. */
  readonly maxPacketBytes: number
  neighbours(): Iterable<Address>
  isNeighbour(address: Address): boolean
  /** False when the neighbour's queue is full, or there is no such neighbour now. */
  send(neighbour: Address, packet: Uint8Array): boolean
  /** Sets the receiver of packets. */
  onPacket(handler: (neighbour: Address, packet: Uint8Array) => void): void
  /** Sets the listener. Links that are up already are not told of. */
  onLink(listener: (event: LinkEvent) => void): void
}

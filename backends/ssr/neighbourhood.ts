/**
 * Who hears whom: the physical side of a node. A neighbour hears what this node
 * says, and the other way round; what it says to one neighbour may get lost.
 */
import type { PeerAddress } from "../../src/link/link.ts"
import type { NetworkNeighbour } from "../../src/servlet/index.ts"
import type { Address } from "./address.ts"

/** A link to a neighbour came up, or is no more. That it is up may be told again, where the other end has just shown that it lives. */
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
  /** A neighbour does not answer: finds out soon whether there still is a link. Left out where that is seen anyway. */
  doubt?(neighbour: Address): void
  /** Sets the receiver of packets. */
  onPacket(handler: (neighbour: Address, packet: Uint8Array) => void): void
  /** Sets the listener. Links that are up already are not told of. */
  onLink(listener: (event: LinkEvent) => void): void
  /** Sets the listener to what a neighbour says of its own neighbours: all that it has now. */
  onHears?(listener: (neighbour: Address, theirs: Iterable<Address>) => void): void
}

/** What a mesh of wires, or of air, looks like to the nodes on it. */
export interface Mesh extends Neighbourhood {
  /** Where other nodes are told to find this one. */
  readonly addresses: readonly string[]
  /** Whether packets get lost though no link breaks. */
  readonly isLossy: boolean
  /** Packets up to this length, in bytes, go over a link whole; longer ones in pieces. */
  readonly usualPacketBytes: number
  /** Milliseconds after which a node that has heard nobody, and was told of nobody, is alone. */
  readonly listenMs: number
  /** All that are heard, neighbours or not, for status pages. */
  describe(): readonly NetworkNeighbour[]
  /** Opens what is beneath. Rejects with `P2PSIP_PORT_IN_USE` where that is the reason. */
  open(): Promise<void>
  close(): Promise<void>
  /** Sets the question whether ways of the mesh lead to a node. Left out where neighbours are whoever is heard. */
  onSearch?(leadsTo: (address: Address) => Promise<boolean>): void
  /** Looks for neighbours, these among others. */
  start(contacts: readonly PeerAddress[]): void
  stop(): void
}

/** What a backend that is a network tells of itself. Plain data, fit for JSON. */
import type { Link, PeerId } from "../link/link.ts"

/** A link to another node, or what may become one. */
export interface NetworkNeighbour {
  readonly peerId: PeerId
  /** Interface, and where the neighbour sits there. */
  readonly on: string
  readonly at: string
  readonly isUp: boolean
  /** Transmissions until something is heard and answered (ETX): 1 for a perfect link. */
  readonly cost: number
  /** Milliseconds since it was heard last. */
  readonly silentMs: number
}

/** A way that a node knows. */
export interface NetworkRoute {
  readonly to: PeerId
  readonly hops: number
  /** The neighbour that it begins with. */
  readonly next: PeerId
}

/** A snapshot of a network, from one node. */
export interface NetworkStatus {
  readonly peerId: PeerId
  readonly neighbours: readonly NetworkNeighbour[]
  /** Nodes between which this one sits on the ring of addresses. */
  readonly ring: { readonly left?: PeerId; readonly right?: PeerId }
  /** Nearest first. */
  readonly routes: readonly NetworkRoute[]
  /** Routes are remembered up to so many. */
  readonly maxRoutes: number
}

/** Which way a packet went. */
export interface NetworkTrace {
  /** Who answered: the node that was asked for, or the one that answers for its place. */
  readonly peerId: PeerId
  readonly isExact: boolean
  /** Each node of the way, this one first. */
  readonly hops: readonly PeerId[]
  /** Those of them, or of detours cut out since, that decided where to go on. */
  readonly deciders: readonly PeerId[]
  readonly rttMs: number
}

/** A Link that is a network of its own. */
export interface NetworkLink extends Link {
  describe(): NetworkStatus
  /**
   * Sends a packet to a node, by its peer id or the digits of its address, and
   * waits for the answer. Rejects with `P2PSIP_BAD_ARGUMENT`, `P2PSIP_LIMIT`,
   * `P2PSIP_TIMEOUT`, `P2PSIP_UNREACHABLE`.
   */
  trace(to: string): Promise<NetworkTrace>
}

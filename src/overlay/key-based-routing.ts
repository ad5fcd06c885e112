/**
 * Key-based routing: all that a backend of this package has to implement.
 *
 * "Who is responsible for this key, and who comes next?" is the backend's
 * question; what is stored, copied, handed over and repaired is decided once,
 * above it (Dabek et al., "Towards a Common API for Structured Peer-to-Peer
 * Overlays", 2003).
 *
 * At any moment at most one live peer may find itself responsible for a key,
 * as far as the overlay's protocol can tell. Responsibility moves the instant
 * the backend changes its mind; the records follow by hand-over.
 */
import type { PeerId } from "../link/link.ts"
import type { PeerInfo } from "../servlet/types.ts"
import type { Id } from "./id.ts"

/** A member of the overlay. `id` is always `idOfPeer(peerId)`: computed by the receiver, never sent. */
export interface Member {
  readonly id: Id
  readonly peerId: PeerId
  readonly addresses: readonly string[]
}

/** The keys in (from, to] clockwise; the whole ring where from = to. */
export interface KeyRange {
  readonly from: Id
  readonly to: Id
}

/** What changed in a peer's surroundings; a burst of changes is told once. */
export interface RoutingChange {
  /** The keys for which this peer is responsible are no longer the same, or their replica sets are not. */
  readonly name: "neighbourhood"
}

/** A member's place on a ring that is kept by lists of successors. */
export interface RingPlace {
  readonly self: Member
  readonly predecessor: Member
  /** Clockwise, without the member itself. */
  readonly successors: readonly Member[]
  /** r: the most successors that are kept. */
  readonly maxSuccessors: number
}

/** See the head of this file. */
export interface KeyBasedRouting {
  readonly self: Member

  /**
   * Becomes a member of the overlay that `bootstrap` belong to; an empty list
   * starts a new one. Resolves when the neighbours have accepted this peer.
   * Rejects with `P2PSIP_BOOTSTRAP_FAILED` when none of them answers.
   */
  join(bootstrap: readonly Member[], signal: AbortSignal): Promise<void>
  /**
   * Told once after `join`, by whoever stores the records: this peer has by now got all that it owns. Before, it is no
   * source from which others could take records over.
   */
  completed?(): void
  /** Tells the neighbours and stops being responsible for anything; bounded in time, never rejects. */
  leave(): Promise<void>
  /** Ends timers at once, telling nobody. */
  stop(): void

  /** Whether this peer answers for the key. False before `join` has resolved. */
  isResponsible(key: Id): boolean
  /**
   * The same as arcs of the ring. Each key for which this peer is responsible is
   * in one of them. At most a few dozen; empty before `join` has resolved. The
   * same array until something changes: callers compare it by identity.
   *
   * Where an exact answer would take too many arcs, they may hold other keys as
   * well, of which this peer holds copies. A key for which it becomes
   * responsible must not have been in the array that came before.
   */
  ranges(): readonly KeyRange[]
  /**
   * The best member to ask about a key for which this peer is not responsible;
   * with nobody excluded it makes progress towards the owner.
   * Undefined when this peer is responsible or knows nobody left to ask.
   */
  nextHop(key: Id, excluded?: ReadonlySet<PeerId>): Member | undefined
  /**
   * The members that should hold the key as far as this peer can see, owner
   * first, at most `count`. Exact at the owner; a guess elsewhere.
   */
  replicaSet(key: Id, count: number): readonly Member[]
  /**
   * The other members that are in the replica set, of `count`, of any of this
   * peer's keys; a few more do no harm. Without this method, those of the keys
   * at the ends of its ranges are taken for all of them.
   */
  replicas?(count: number): readonly Member[]
  /**
   * The members that may hold records which this peer should hold: its
   * successors and predecessors, its leaf set, its closest bucket. Without this
   * peer itself. The same array until something changes.
   */
  neighbours(): readonly Member[]

  /**
   * How many of the members that are known sit nearer to the key than this peer; a few dozen at most are counted. Backends
   * without it keep no answers on their way (`path-cache.ts`).
   */
  countNearer?(key: Id): number

  /** A request to that peer went unanswered; find out whether it is dead. */
  suspect(peerId: PeerId): void
  /** Adds a listener; the result removes it. */
  onChange(listener: (change: RoutingChange) => void): () => void

  /**
   * For checkers of backends that keep a ring: this peer's place, undefined while it has none. The same object until something
   * changes.
   */
  ring?(): RingPlace | undefined

  /** The neighbours by the backend's own names, for status pages and checkers. */
  describe(): { readonly peersKnown: number; readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>> }
}

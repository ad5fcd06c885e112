/**
 * The words of the servlet contract: values, mutations, preconditions,
 * options, events, capabilities and limits.
 */

/** A key or a piece of data: bytes, or text that stands for its UTF-8 bytes. */
export type Data = Uint8Array | string

/** One live value of a key. */
export interface Value {
  /** Tells the values of one key apart; 1 to 64 bytes. Defaults to the SHA-256 of the value cut to 20 bytes. */
  readonly valueHash: Uint8Array
  readonly value: Uint8Array
  /** Whole seconds that the value has left to live, rounded up; at least 1. */
  readonly ttlSeconds: number
}

/**
 * Places a mutation in a series of its writer's: it applies only if the stored
 * value or tombstone of the same valueHash, and the last removal of everything,
 * is of another series or has a lower number. (RFC 3261 §10.3: the series is the Call-ID, the number the CSeq.)
 */
export interface Sequence {
  /** 1 to 255 bytes. */
  readonly series: Data
  /** A whole number in [0, 2^32). */
  readonly number: number
}

/** Stores a value, in place of the one with the same valueHash. */
export interface PutMutation {
  readonly kind: "put"
  readonly value: Data
  readonly valueHash?: Data
  /** 1 to 2^31-1; may shorten or lengthen the life of the value it replaces. */
  readonly ttlSeconds: number
  readonly sequence?: Sequence
}

/** Deletes the value of that hash; a tombstone makes the deletion converge. */
export interface RemoveMutation {
  readonly kind: "remove"
  readonly valueHash: Data
  readonly sequence?: Sequence
}

/** Deletes every live value of the key, also those that are not known yet where it is made: peers out of reach may hold them. */
export interface RemoveAllMutation {
  readonly kind: "removeAll"
  readonly sequence?: Sequence
}

/** One change to the values of a key. */
export type Mutation = PutMutation | RemoveMutation | RemoveAllMutation

/** A condition on the live values of the key, judged by the owner in the same step as the mutations. */
export type Precondition =
  /** The key has no live value. */
  | { readonly kind: "empty" }
  /** A live value of that hash exists. */
  | { readonly kind: "exists"; readonly valueHash: Data }
  /** No live value of that hash exists. */
  | { readonly kind: "absent"; readonly valueHash: Data }
  /** Once the mutations are made, the key has no more than `values` live values; else `P2PSIP_TOO_MANY_VALUES`. */
  | { readonly kind: "atMost"; readonly values: number }

/** Common to all operations. */
export interface OperationOptions {
  /** Ends the wait with `P2PSIP_ABORTED`; a change may have been made all the same. */
  readonly signal?: AbortSignal
}

/** Common to all operations that change something. */
export interface UpdateOptions extends OperationOptions {
  /**
   * Eight bytes that name this operation. An operation repeated under the same
   * name is made once, however often its answer is lost. Random by default;
   * give it when your own caller may repeat itself (a retransmitted REGISTER).
   */
  readonly operationId?: Uint8Array
}

/** How a value is to be stored. */
export interface PutOptions extends UpdateOptions {
  readonly valueHash?: Data
  /** @default 3600 */
  readonly ttlSeconds?: number
  readonly sequence?: Sequence
}

/** How a value is to be deleted. */
export interface RemoveOptions extends UpdateOptions {
  readonly sequence?: Sequence
}

/**
 * Who may answer a get.
 * - `owner` (default): the peer responsible for the key.
 * - `any`: the first peer found to hold the key, this one included; may be a moment old,
 *   or as old as the backend was configured to keep answers (`pathCache.maxSeconds`, off by default).
 * - `all`: every replica, merged; slowest, and right even while copies differ.
 */
export type Consistency = "owner" | "any" | "all"

/** How values are to be found. */
export interface GetOptions extends OperationOptions {
  readonly consistency?: Consistency
}

/** How an overlay is to be entered. */
export type JoinOptions = OperationOptions

/** What putOrGet found or did. */
export interface PutOrGetResult {
  /** True if this call stored its value, false if the key had one already. */
  readonly stored: boolean
  readonly value: Value
}

/** A peer as the contract shows it. */
export interface PeerInfo {
  readonly peerId: string
  /** The peer's place in the backend's identifier space, in hexadecimal. */
  readonly id: string
  readonly addresses: readonly string[]
}

/** What happens on the way of a look-up, in order; `done` or `failed` is the last. */
export type LookupEvent =
  /** A peer is being asked. */
  | { readonly name: "hop"; readonly peer: PeerInfo; readonly hop: number }
  /** The peer answered: with who is closer, or that it is the owner. `rttMs` is the time that took. */
  | { readonly name: "answer"; readonly peer: PeerInfo; readonly rttMs: number; readonly closer: readonly PeerInfo[] }
  /** The peer did not answer in time. */
  | { readonly name: "timeout"; readonly peer: PeerInfo; readonly waitedMs: number }
  /** The owner, the replica set it names (itself first), and the live values there. */
  | {
      readonly name: "done"
      readonly owner: PeerInfo
      readonly replicas: readonly PeerInfo[]
      readonly values: readonly Value[]
      readonly hops: number
      readonly elapsedMs: number
    }
  | { readonly name: "failed"; readonly code: string; readonly message: string; readonly hops: number; readonly elapsedMs: number }

/** What a backend can do; declared to `super()`, never sniffed. The conformance suite skips by it. */
export interface Capabilities {
  /** Several peers form one overlay; false for a store inside one process. */
  readonly distributed: boolean
  /** `update` with several mutations is all or nothing. */
  readonly atomicUpdate: boolean
  readonly sequences: boolean
  readonly preconditions: boolean
  readonly multipleValues: boolean
  /** Acknowledged values survive the restart of the process that stores them. */
  readonly durable: boolean
}

/** Bounds that every operation is held to before it leaves this peer. */
export interface Limits {
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  readonly maxValuesPerKey: number
  readonly maxMutations: number
  /** Operations under way at once at this peer; more are refused with `P2PSIP_LIMIT`. */
  readonly maxPendingOperations: number
}

/**
 * Life of a servlet:
 * `new` → `joining` → `joined` → `leaving` → `left`; a failed join leads back to `new`.
 */
export type ServletState = "new" | "joining" | "joined" | "leaving" | "left"

/** What a servlet tells about itself; plain data, fit for JSON. */
export interface ServletStatus {
  readonly backend: string
  readonly state: ServletState
  readonly self?: PeerInfo
  /** Peers known to this one. */
  readonly peersKnown: number
  /** The peers next to this one, in the backend's own terms (successors, leaf set, …). */
  readonly neighbours: Readonly<Record<string, readonly PeerInfo[]>>
  /** Live values for which this peer is responsible, and those it keeps as a copy. */
  readonly records: { readonly owned: number; readonly copies: number; readonly tombstones: number }
}

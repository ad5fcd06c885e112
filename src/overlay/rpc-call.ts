/** What the caller's side remembers of peers, and of calls under way. */
import type { ByteReader } from "../codec.ts"
import type { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { RtoOptions } from "./rto.ts"
import { RttEstimator } from "./rto.ts"

/** What is remembered of a peer. */
export interface PeerState {
  readonly peerId: PeerId
  readonly rtt: RttEstimator
  readonly calls: Set<Call>
  learned: readonly string[] | undefined
  backedOffAt: number
  /** When it last answered anything. */
  heardAt: number
  /** The connection was lost: the next request waits until there is another. */
  isDown: boolean
}

/** Of a peer that was never called. */
export function freshPeer(peerId: PeerId, options: Required<RtoOptions>): PeerState {
  return { peerId, rtt: new RttEstimator(options), calls: new Set(), learned: undefined, backedOffAt: -1, heardAt: -1, isDown: false }
}

/** One call under way. */
export interface Call {
  readonly id: number
  readonly peer: PeerState
  readonly frame: Uint8Array
  readonly startedAt: number
  readonly giveUpAt: number
  readonly attempts: number
  sent: number
  sentAt: number
  /** When the request was sent first since the last sign of life. */
  silentSince: number
  /** Times it has been sent since then. */
  unanswered: number
  /** The peer has said that it is at work on it. */
  isAcknowledged: boolean
  isDone: boolean
  stopListening: (() => void) | undefined
  readonly resolve: (body: ByteReader) => void
  readonly reject: (error: P2PSipError) => void
}

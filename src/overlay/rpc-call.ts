/** What the caller's side remembers of a peer, and of a call under way. */
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
  /** What the Link told of it last. While it is down, the next request waits until there is another. */
  connection: "unknown" | "up" | "down"
}

/** Of a peer that was never called. */
export function freshPeer(peerId: PeerId, options: Required<RtoOptions>): PeerState {
  const rtt = new RttEstimator(options)
  return { peerId, rtt, calls: new Set(), learned: undefined, backedOffAt: -1, heardAt: -1, connection: "unknown" }
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
  /** When it is to be looked at again; a deadline that comes earlier is an old one. */
  dueAt: number
  /** Times it has been sent since then. */
  unanswered: number
  /** It was sent once more because the connection with which it went was lost. */
  isResent: boolean
  /** The peer has said that it is at work on it. */
  isAcknowledged: boolean
  isDone: boolean
  stopListening: (() => void) | undefined
  readonly resolve: (body: ByteReader) => void
  readonly reject: (error: P2PSipError) => void
}

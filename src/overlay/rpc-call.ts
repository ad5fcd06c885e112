/** What the caller's side remembers of a peer, and of a call under way. */
import type { ByteReader } from "../codec.ts"
import type { P2PSipError } from "../errors.ts"
import type { PeerId } from "../link/link.ts"
import type { RpcOptions } from "./rpc-options.ts"
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

/** What a call is made for. */
export interface Request {
  readonly id: number
  readonly peer: PeerState
  readonly frame: Uint8Array
  readonly resolve: (body: ByteReader) => void
  readonly reject: (error: P2PSipError) => void
}

/** One call under way. */
export interface Call extends Request {
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
}

/** Before it is sent for the first time. */
export function freshCall(request: Request, { timeoutMs, attempts }: Pick<Required<RpcOptions>, "timeoutMs" | "attempts">, now: number): Call {
  return {
    ...request, startedAt: now, giveUpAt: now + timeoutMs, attempts,
    sent: 0, sentAt: now, silentSince: now, dueAt: now, unanswered: 0, isResent: false, isAcknowledged: false, isDone: false, stopListening: undefined,
  }
}

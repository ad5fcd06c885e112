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
  /** Connections, and attempts to make another, that broke while it was under way. */
  losses: number
  /** It waits for the moment to be sent with another connection. */
  isHeldBack: boolean
  /** The peer has said that it is at work on it. */
  isAcknowledged: boolean
  isDone: boolean
  stopListening: (() => void) | undefined
}

/** Before it is sent for the first time. */
export function freshCall(request: Request, { timeoutMs, attempts }: Pick<Required<RpcOptions>, "timeoutMs" | "attempts">, now: number): Call {
  return {
    ...request, startedAt: now, giveUpAt: now + timeoutMs, attempts,
    sent: 0, sentAt: now, silentSince: now, dueAt: now, unanswered: 0, losses: 0, isHeldBack: false, isAcknowledged: false, isDone: false, stopListening: undefined,
  }
}

/** Under one call: a connection, at once the attempt to make another, and after a pause another attempt. */
const maxLosses = 3
/** What broke the first two may last a moment. */
const redialMs = 100

/**
 * A connection to the peer broke, or an attempt to make one. Connections break
 * between peers that live, so what went with one goes with another; the result
 * is when, in milliseconds from now. `undefined`: that peer must be gone, or
 * the request itself be what breaks them.
 */
export function afterLoss(call: Call, wasUp: boolean): number | undefined {
  if (wasUp || call.losses > 0) call.losses++
  if (call.losses === 0 || call.losses >= maxLosses) return undefined
  call.isHeldBack = !wasUp
  return wasUp ? 0 : redialMs
}

/** How patient and how bounded the calls between peers are. */
import type { RtoOptions } from "./rto.ts"
import { rtoDefaults } from "./rto.ts"

/** What can be set on `Rpc`. */
export interface RpcOptions extends RtoOptions {
  /** How often a request is sent in all before the peer counts as silent. @default 3 */
  readonly attempts?: number
  /** A peer that gave no sign of life for so long counts as silent, however patient its timeout has become. @default 3500 */
  readonly maxSilenceMs?: number
  /** The longest that a call may take while the peer shows signs of life. @default 10000 */
  readonly timeoutMs?: number
  /** Calls under way at once; more are refused with `P2PSIP_LIMIT`. @default 65536 */
  readonly maxPendingCalls?: number
  /** Requests of one peer that are being handled at once; more are refused with `P2PSIP_LIMIT`. @default 8192 */
  readonly maxRequestsPerPeer?: number
  /** Peers of whom round-trip times are remembered. @default 4096 */
  readonly maxPeers?: number
}

/** The defaults of {@link RpcOptions}. */
export const rpcDefaults: Required<RpcOptions> = {
  ...rtoDefaults,
  attempts: 3,
  maxSilenceMs: 3_500,
  timeoutMs: 10_000,
  maxPendingCalls: 65_536,
  maxRequestsPerPeer: 8_192,
  maxPeers: 4_096,
}

/** How one request is to be made. */
export interface CallOptions {
  /** See {@link RpcOptions.attempts}. */
  readonly attempts?: number
  /** See {@link RpcOptions.timeoutMs}. */
  readonly timeoutMs?: number
  /** Rejects with `P2PSIP_ABORTED` when it fires. */
  readonly signal?: AbortSignal
}

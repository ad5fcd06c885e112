/** What a user may choose about transactions; every time of RFC 3261 table 4 follows from T1, T2 and T4. */
export interface TransactionOptions {
  /** Estimate of the round-trip time. @default 500 */
  readonly t1Ms?: number
  /** The longest interval between retransmissions of all but INVITE requests. @default 4000 */
  readonly t2Ms?: number
  /** How long a message may stay in the network. @default 5000 */
  readonly t4Ms?: number
  /** An INVITE that has no response after this time gets a 100 (RFC 3261 §17.2.1). @default 200 */
  readonly tryingDelayMs?: number
  /** Server transactions at a time; beyond it new requests get a 503. Client transactions may be twice as many. @default 100000 */
  readonly maxTransactions?: number
  /** About how much memory server transactions may take; beyond it new requests get a 503. @default 512 MiB */
  readonly maxTransactionBytes?: number
  /** The Retry-After of that 503. @default 5 */
  readonly retryAfterSeconds?: number
}

/** The options with the times that follow from them. */
export interface TransactionSettings extends Required<TransactionOptions> {
  /** 64*T1: timers B, F, H, J, L, M. */
  readonly lifetimeMs: number
  /** Timer D: "at least 32 seconds" by default (RFC 3261 §17.1.1.2), and never less than a peer's timer H. */
  readonly timerDMs: number
  /** How long timer E takes until it is reset to T2: when a 100 to a non-INVITE is due (RFC 4320 §4.1). */
  readonly nonInviteTryingDelayMs: number
}

/** Fills in the defaults. */
export function transactionSettings(options: TransactionOptions): TransactionSettings {
  const t1Ms = options.t1Ms ?? 500
  const t2Ms = options.t2Ms ?? 4000
  let nonInviteTryingDelayMs = 0
  for (let delayMs = t1Ms; delayMs < t2Ms; delayMs *= 2) nonInviteTryingDelayMs += delayMs
  return {
    t1Ms,
    t2Ms,
    t4Ms: options.t4Ms ?? 5000,
    tryingDelayMs: options.tryingDelayMs ?? 200,
    maxTransactions: options.maxTransactions ?? 100_000,
    maxTransactionBytes: options.maxTransactionBytes ?? 512 * 1024 * 1024,
    retryAfterSeconds: options.retryAfterSeconds ?? 5,
    lifetimeMs: 64 * t1Ms,
    timerDMs: Math.max(32_000, 64 * t1Ms),
    nonInviteTryingDelayMs,
  }
}

/**
 * Slows down those who guess passwords, and nobody else.
 *
 * Wrong credentials fill three buckets: that of the source and the account
 * together, that of the source, and that of the account. The last two are
 * closed only to sources where the account has not been authentic lately: a
 * stranger who guesses cannot keep the user out, and a phone with a wrong
 * password cannot keep out its neighbours behind one NAT. Whoever gets here
 * has shown a nonce that was issued to the source: nobody can fill the buckets
 * of an address that is not theirs.
 */
import type { Counter, Runtime } from "../runtime/runtime.ts"
import { LeakyBuckets } from "./leaky-buckets.ts"

/** What can be set on {@link GuessLimiter}: wrong credentials in a row, and how many more each minute. */
export interface GuessLimits {
  /** For one account from one source. @default 6 */
  readonly perPair?: number
  /** @default 6 */
  readonly perPairAndMinute?: number
  /** From one source, for all accounts. @default 30 */
  readonly perSource?: number
  /** @default 30 */
  readonly perSourceAndMinute?: number
  /** For one account, from all sources that are new to it. @default 60 */
  readonly perAccount?: number
  /** @default 60 */
  readonly perAccountAndMinute?: number
}

const maxBuckets = 65_536
/** How long a source is remembered where an account was authentic. */
const familiarMs = 86_400_000
const maxFamiliar = 262_144

/** See the head of this file. */
export class GuessLimiter {
  readonly #runtime: Runtime
  readonly #pairs: LeakyBuckets
  readonly #sources: LeakyBuckets
  readonly #accounts: LeakyBuckets
  /** When an account was authentic at a source; the oldest first. */
  readonly #familiar = new Map<string, number>()
  readonly #wrong: Counter
  readonly #throttled: Counter

  constructor(runtime: Runtime, limits: GuessLimits = {}) {
    this.#runtime = runtime
    const { perPair = 6, perPairAndMinute = 6, perSource = 30, perSourceAndMinute = 30, perAccount = 60, perAccountAndMinute = 60 } = limits
    const buckets = (capacity: number, perMinute: number) => new LeakyBuckets(runtime, { capacity, leakPerSecond: perMinute / 60, maxBuckets })
    this.#pairs = buckets(perPair, perPairAndMinute)
    this.#sources = buckets(perSource, perSourceAndMinute)
    this.#accounts = buckets(perAccount, perAccountAndMinute)
    this.#wrong = runtime.metrics.counter("p2psip_wrong_credentials_total", "Requests with a wrong password or user name.")
    this.#throttled = runtime.metrics.counter("p2psip_throttled_credentials_total", "Credentials that were not judged after too many wrong ones.")
  }

  /** Whole seconds until credentials are judged again; 0 for now. */
  delaySeconds(source: string, account: string): number {
    const pair = pairOf(source, account)
    let seconds = this.#pairs.secondsUntilRoom(pair)
    if (!this.#isFamiliar(pair)) seconds = Math.max(seconds, this.#sources.secondsUntilRoom(source), this.#accounts.secondsUntilRoom(account))
    if (seconds > 0) this.#throttled.add()
    return Math.ceil(seconds)
  }

  failed(source: string, account: string): void {
    const pair = pairOf(source, account)
    this.#wrong.add()
    this.#pairs.add(pair)
    if (this.#isFamiliar(pair)) return
    this.#sources.add(source)
    this.#accounts.add(account)
  }

  succeeded(source: string, account: string): void {
    const pair = pairOf(source, account)
    this.#pairs.clear(pair)
    const now = this.#runtime.now()
    // Moved to the end once an hour: each REGISTER comes by here.
    if (now - (this.#familiar.get(pair) ?? -Infinity) < familiarMs / 24) return
    this.#familiar.delete(pair)
    this.#familiar.set(pair, now)
    for (const [oldest, at] of this.#familiar) {
      if (this.#familiar.size <= maxFamiliar && now - at <= familiarMs) break
      this.#familiar.delete(oldest)
    }
  }

  #isFamiliar(pair: string): boolean {
    const at = this.#familiar.get(pair)
    return at !== undefined && this.#runtime.now() - at <= familiarMs
  }
}

function pairOf(source: string, account: string): string {
  return `${source} ${account}`
}

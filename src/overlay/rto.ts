/**
 * How long to wait for an answer before asking again: RFC 6298, per peer.
 */

/** Bounds of the estimate, in milliseconds. */
export interface RtoOptions {
  /**
   * Before the first measurement. RFC 6298 (2.1) says 1 s; RFC 6940 uses 0.5 s.
   * @default 500
   */
  readonly initialRtoMs?: number
  /**
   * RFC 6298 (2.4) says 1 s; links that are reliable by themselves bear less.
   * @default 250
   */
  readonly minRtoMs?: number
  /** @default 4000 */
  readonly maxRtoMs?: number
}

export const rtoDefaults: Required<RtoOptions> = { initialRtoMs: 500, minRtoMs: 250, maxRtoMs: 4000 }

/** The estimator of one peer. */
export class RttEstimator {
  readonly #options: Required<RtoOptions>
  #smoothedMs = -1
  #variationMs = 0
  #rtoMs: number

  constructor(options: Required<RtoOptions> = rtoDefaults) {
    this.#options = options
    this.#rtoMs = options.initialRtoMs
  }

  /** The retransmission timeout to use now. */
  get rtoMs(): number {
    return this.#rtoMs
  }

  /** The smoothed round-trip time; undefined before the first measurement. */
  get rttMs(): number | undefined {
    return this.#smoothedMs < 0 ? undefined : this.#smoothedMs
  }

  /** Takes a measurement. Karn's rule: only of requests that were sent once. */
  sample(rttMs: number): void {
    if (this.#smoothedMs < 0) {
      // RFC 6298 (2.2)
      this.#smoothedMs = rttMs
      this.#variationMs = rttMs / 2
    } else {
      // RFC 6298 (2.3): the variation first, with the old average.
      this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - rttMs)
      this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * rttMs
    }
    this.#set(this.#smoothedMs + 4 * this.#variationMs)
  }

  /** Takes an expectation, once, before the first measurement: RFC 6298 (2.2), with room for its error. */
  expect(rttMs: number): void {
    if (this.#smoothedMs < 0 && this.#rtoMs === this.#options.initialRtoMs) this.#set(Math.max(4 * rttMs, this.#options.initialRtoMs / 2))
  }

  /** RFC 6298 (5.5): doubles the timeout; the next measurement undoes that. */
  backOff(): void {
    this.#set(this.#rtoMs * 2)
  }

  #set(rtoMs: number): void {
    this.#rtoMs = Math.min(Math.max(rtoMs, this.#options.minRtoMs), this.#options.maxRtoMs)
  }
}

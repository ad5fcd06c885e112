/**
 * Everything ambient, behind one contract.
 *
 * Protocol code takes its clock, timers, randomness, log and metrics from a
 * `Runtime` that is handed to it, so that the same code runs on a real machine
 * and, unchanged, on a virtual clock. Only `node.ts` touches the system's own.
 */

/** A running timer. */
export interface Timer {
  /** Stops the timer; harmless when it has fired already. */
  cancel(): void
}

/** Source of randomness: cryptographic on a real machine, seeded in a simulation. */
export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
  /** A uniform whole number in [0, 2^32). */
  uint32(): number
  /** A uniform number in [0, 1). */
  float(): number
}

/** Structured log: fields first, then a short constant sentence. No field may hold a secret. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger
}

/** A count that only grows. */
export interface Counter {
  add(count?: number): void
}

/** A distribution of values. */
export interface Histogram {
  observe(value: number): void
}

/**
 * Registers metrics. Names follow Prometheus (`p2psip_…_total`, `…_seconds`);
 * asking twice for the same name and labels gives the same metric.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: Readonly<Record<string, string>>): Counter
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
  /** A value that is read when somebody asks for it. */
  gauge(name: string, help: string, read: () => number, labels?: Readonly<Record<string, string>>): void
}

/** See the head of this file. */
export interface Runtime {
  /** Milliseconds since some fixed moment; never goes back. For durations and deadlines. */
  now(): number
  /** Milliseconds since 1970 as this peer believes; may jump, may be wrong. For the hybrid logical clock and log lines. */
  wallClock(): number
  /** Calls `callback` once, `delayMs` from now. A running timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Calls `callback` once the events at hand have been dealt with; batches are flushed here. */
  defer(callback: () => void): void
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
}

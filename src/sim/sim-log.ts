/** The log of a simulation: the last lines of all peers, in the order in which they were written. */
import type { Logger } from "../runtime/runtime.ts"
import type { VirtualClock } from "./clock.ts"

export const logLevels = ["debug", "info", "warn", "error", "off"] as const
export type LogLevel = (typeof logLevels)[number]

/** One line of a peer's log. `timeMs` is virtual. */
export interface LogLine {
  readonly timeMs: number
  readonly peer: string
  readonly level: LogLevel
  readonly message: string
  readonly fields: object
}

/** Keeps the last `maxLines` lines of `level` and above. */
export class LogCollector {
  readonly #clock: VirtualClock
  readonly #minimum: number
  readonly #maxLines: number
  #lines: LogLine[] = []

  constructor(clock: VirtualClock, level: LogLevel, maxLines: number) {
    this.#clock = clock
    this.#minimum = logLevels.indexOf(level)
    this.#maxLines = maxLines
  }

  /** The lines kept, oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines.slice(-this.#maxLines)
  }

  loggerFor(peer: string): Logger {
    return this.#logger(peer, {})
  }

  #logger(peer: string, context: object): Logger {
    const write = (level: LogLevel) => {
      if (logLevels.indexOf(level) < this.#minimum) return () => undefined
      return (fields: object, message: string): void => {
        this.#lines.push({ timeMs: this.#clock.now, peer, level, message, fields: { ...context, ...fields } })
        if (this.#lines.length > this.#maxLines * 2) this.#lines = this.#lines.slice(-this.#maxLines)
      }
    }
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (fields) => this.#logger(peer, { ...context, ...fields }),
    }
  }
}

/** The log of a real machine (JSON lines on stderr), and one that says nothing. */
import { destination, pino } from "pino"
import type { Logger } from "./runtime.ts"

/** How much is logged; each level includes those to its right: debug, info, warn, error, silent. */
export const logLevels = ["debug", "info", "warn", "error", "silent"] as const

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number]

const timestamp = (): string => `,"time":"${new Date().toISOString()}"`
/** The field `error` shows message, code, cause and stack; JSON alone would show `{}`. */
const serializers = { error: pino.stdSerializers.err }

/** Lines with the same sentence in one second: what strangers send must not fill a disk, nor keep this peer busy with writing. */
const maxLinesPerSecond = 10

/** JSON lines on a file descriptor; stdout stays free for what the user asked for. */
export function createLogger(level: LogLevel, fileDescriptor = 2, now: () => number = Date.now): Logger {
  const limit = new LineLimit(now)
  const log = pino({
    level,
    base: null,
    timestamp,
    serializers,
    hooks: {
      logMethod(parts, write) {
        const [fields, message = ""] = parts
        const suppressed = limit.take(message)
        if (suppressed === 0) write.apply(this, parts)
        else if (suppressed !== undefined) write.apply(this, [{ ...Object(fields), suppressed }, message])
      },
    },
    // Synchronous, so that the last words before a crash or an exit are not lost.
  }, destination({ fd: fileDescriptor, sync: true }))
  return log
}

/** Counts the lines of each sentence; the sentences are constants of the program, so the table stays small. */
class LineLimit {
  readonly #now: () => number
  readonly #lines = new Map<string, { second: number; written: number; suppressed: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** How many lines with this sentence were left out before this one; undefined when this one is to be left out as well. */
  take(message: string): number | undefined {
    const second = Math.floor(this.#now() / 1000)
    const line = this.#lines.get(message) ?? { second, written: 0, suppressed: 0 }
    this.#lines.set(message, line)
    if (line.second !== second) Object.assign(line, { second, written: 0 })
    if (line.written >= maxLinesPerSecond) {
      line.suppressed++
      return undefined
    }
    const { suppressed } = line
    Object.assign(line, { written: line.written + 1, suppressed: 0 })
    return suppressed
  }
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child() {
    return silentLogger
  },
}

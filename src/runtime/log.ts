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

/** JSON lines on a file descriptor; stdout stays free for what the user asked for. */
export function createLogger(level: LogLevel, fileDescriptor = 2): Logger {
  // Synchronous, so that the last words before a crash or an exit are not lost.
  return pino({ level, base: null, timestamp, serializers }, destination({ fd: fileDescriptor, sync: true }))
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

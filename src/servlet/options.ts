/** What every backend lets its user choose, with the defaults. */
import { z } from "zod"
import type { Limits } from "./types.ts"

/** Common to the options of all backends; each extends it with its own. */
export interface ServletOptions {
  /**
   * Milliseconds after which an operation without an answer is given up with `P2PSIP_TIMEOUT`.
   * @default 10000
   */
  readonly operationTimeoutMs?: number | undefined
  /** Narrower or wider bounds than {@link defaultLimits}. */
  readonly limits?: { readonly [Name in keyof Limits]?: number | undefined } | undefined
}

/** The default of `operationTimeoutMs`. */
export const defaultOperationTimeoutMs = 10_000

/** A SIP binding takes about 500 bytes and an address-of-record has a handful; the rest is room. */
export const defaultLimits: Limits = {
  maxKeyBytes: 1024,
  maxValueBytes: 16_384,
  maxValuesPerKey: 64,
  maxMutations: 64,
  maxPendingOperations: 20_000,
}

const count = z.int().min(1)

/** Checks {@link ServletOptions}; a backend's own schema is `servletOptionsSchema.extend({ … })`. */
export const servletOptionsSchema = z.strictObject({
  operationTimeoutMs: count.max(600_000).optional(),
  limits: z
    .strictObject({
      maxKeyBytes: count.max(65_535),
      maxValueBytes: count.max(1_048_576),
      maxValuesPerKey: count.max(65_535),
      maxMutations: count.max(65_535),
      maxPendingOperations: count.max(10_000_000),
    })
    .partial()
    .optional(),
})

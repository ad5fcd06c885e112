/** Checks the options that every backend on key-based routing shares. */
import { z } from "zod"
import { servletOptionsSchema } from "../servlet/options.ts"

const count = z.int().min(1)
const interval = z.int().min(100).max(86_400_000)

/** Checks `OverlayOptions`; a backend's own schema is `overlayOptionsSchema.extend({ … })`. */
export const overlayOptionsSchema = servletOptionsSchema.extend({
  replication: count.max(16).optional(),
  acks: count.max(16).optional(),
  ackTimeoutMs: interval.optional(),
  repairIntervalMs: interval.optional(),
  strayIntervalMs: interval.optional(),
  holdDownMs: interval.optional(),
  leaveTimeoutMs: interval.optional(),
  maxFutureMs: z.int().min(1000).optional(),
  storage: z.enum(["memory", "sqlite"]).optional(),
  journal: z
    .strictObject({ survives: z.enum(["process", "power"]), maxFileBytes: z.int().min(1_048_576) })
    .partial()
    .optional(),
  store: z
    .strictObject({ maxRecords: count, maxBytes: count, maxRecordsPerKey: count, maxBytesPerKey: count })
    .partial()
    .optional(),
})

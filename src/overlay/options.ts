/** Checks the options that every backend on key-based routing shares. */
import { z } from "zod"
import { servletOptionsSchema } from "../servlet/options.ts"

const count = z.int().min(1)
const interval = z.int().min(100).max(86_400_000)

/** A span of time between a peer's routine doings. */
export const milliseconds = z.number().min(10).max(86_400_000)

/** Checks `MembershipOptions`. */
export const membershipSchema = z
  .strictObject({
    maxMembers: z.int().min(1).max(65_536),
    gossipIntervalMs: milliseconds,
    pushDelayMs: milliseconds,
    pushFanout: z.int().min(1).max(16),
    maxBytesPerSecond: z.int().min(1_000),
    maxNewsBytesPerSecond: z.int().min(0),
    maxFrameBytes: z.int().min(1_024).max(131_072),
  })
  .partial()

/** Checks `OverlayOptions`; a backend's own schema is `overlayOptionsSchema.extend({ … })`. */
export const overlayOptionsSchema = servletOptionsSchema.extend({
  replication: count.max(16).optional(),
  acks: count.max(16).optional(),
  ackTimeoutMs: interval.optional(),
  repairIntervalMs: interval.optional(),
  strayIntervalMs: interval.optional(),
  holdDownMs: interval.optional(),
  leaveTimeoutMs: interval.optional(),
  routing: z.enum(["recursive", "iterative"]).optional(),
  forwarding: z.strictObject({ maxPerPeer: count.max(8_192), maxBytes: count }).partial().optional(),
  pathCache: z.strictObject({ maxSeconds: z.number().min(0).max(300), maxKeys: count.max(65_536), maxBytes: count }).partial().optional(),
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

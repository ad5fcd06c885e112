/** Checks scenarios that come from a file or the command line. */
import { z } from "zod"
import { P2PSipError } from "../errors.ts"
import type { Scenario } from "./scenario.ts"

const ms = z.number().min(0)
const share = z.number().min(0).max(1)
const count = z.int().min(1)
const atMs = ms

const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ atMs, kind: z.literal("crash"), victims: count }),
  z.strictObject({
    atMs, kind: z.literal("restart"), victims: count, downMs: ms,
    disk: z.enum(["kept", "unsynced", "lost"]).optional(), graceful: z.boolean().optional(),
  }),
  z.strictObject({ atMs, kind: z.literal("crash-in-commit"), victims: count, downMs: ms, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("blackout"), downMs: ms }),
  z.strictObject({ atMs, kind: z.literal("disk-full"), victims: count, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("slow-disk"), victims: count, byMs: ms, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("pause"), victims: count, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("leave"), victims: count }),
  z.strictObject({ atMs, kind: z.literal("join"), newcomers: count }),
  z.strictObject({ atMs, kind: z.literal("partition"), share, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("one-way"), forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("loss"), rate: share, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("reset"), share }),
  z.strictObject({ atMs, kind: z.literal("slow"), victims: count, byMs: ms, forMs: ms }),
  z.strictObject({ atMs, kind: z.literal("clock"), victims: count, byMs: z.number() }),
])

const scenarioSchema = z.strictObject({
  seed: z.int().min(0),
  peers: count,
  startGapMs: ms.optional(),
  formed: z.boolean().optional(),
  latency: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("constant"), oneWayMs: ms }),
      z.strictObject({ kind: z.literal("plane"), sideMs: ms.optional(), meanHeightMs: ms.optional() }),
      z.strictObject({ kind: z.literal("matrix"), file: z.string() }),
    ])
    .optional(),
  network: z
    .strictObject({
      lossRate: share,
      jitter: z.number().min(0),
      dialRoundTrips: z.number().min(0),
      uploadBytesPerSecond: z.number().min(1),
      maxQueueBytes: z.number().min(1),
      resetOnCrash: share,
      breakAfterMs: ms,
      requireAddresses: z.boolean(),
    })
    .partial()
    .optional(),
  backendOptions: z.record(z.string(), z.unknown()).optional(),
  maxClockSkewMs: ms.optional(),
  nattedShare: share.optional(),
  storage: z.enum(["memory", "disk"]).optional(),
  registrations: z.strictObject({
    phones: count,
    phonesPerKey: count.optional(),
    ttlSeconds: count.optional(),
    meanIntervalMs: z.number().min(1).optional(),
    removals: share.optional(),
    clearances: share.optional(),
    patienceMs: ms.optional(),
  }),
  lookups: z.strictObject({ perSecond: z.number().positive(), zipf: ms.optional(), patienceMs: ms.optional() }).optional(),
  calls: z
    .strictObject({
      phones: count, perSecond: z.number().positive(), expiresSeconds: count.optional(), meanUpMs: z.number().positive().optional(),
      lossRate: share.optional(), duplicationRate: share.optional(),
    })
    .optional(),
  warmUpMs: ms.optional(),
  faults: z.array(faultSchema).optional(),
  churn: z.strictObject({ medianSessionMs: z.number().positive(), graceful: share.optional() }).optional(),
  trace: z.string().optional(),
  faultsMs: ms.optional(),
  settleMs: ms.optional(),
  healMs: ms.optional(),
  replication: count.optional(),
  watched: z.boolean().optional(),
  readers: count.optional(),
  repairIntervalMs: ms.optional(),
})

/** A scenario out of JSON text. Throws `P2PSIP_BAD_CONFIG`, in one line. */
export function parseScenario(json: string, source: string): Scenario {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `scenario: expected JSON, found other text in ${source}`, { cause })
  }
  const parsed = scenarioSchema.safeParse(data)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue === undefined || issue.path.length === 0 ? "scenario" : `scenario.${issue.path.join(".")}`
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `${where}: ${issue?.message ?? "not a scenario"}, in ${source}`)
  }
  return withoutUndefined(parsed.data) as Scenario
}

/** JSON knows no undefined, but the schema's types do. */
function withoutUndefined(data: object): object {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))
}

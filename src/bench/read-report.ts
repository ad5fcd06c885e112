/** Reading a report that an earlier bench has written. */
import { readFileSync } from "node:fs"
import { z } from "zod"
import { P2PSipError } from "../errors.ts"
import type { Report, WorkloadName } from "./model.ts"
import { workloads } from "./workloads.ts"

const number = z.number()
const names = workloads.map(({ name }) => name) as [WorkloadName, ...WorkloadName[]]
const setup = z.object({ kind: z.enum(["processes", "one-process"]), peers: number, entry: z.enum(["spread", "first"]), storage: z.enum(["memory", "sqlite"]) })
const run = z.object({
  round: number, seconds: number, offered: number, done: number, failed: number, latencyMs: z.array(number),
  cpuMicroseconds: number, residentBytes: number, linkBytes: number.optional(), lagMs: number,
})
const flaw = z.object({ side: z.string(), what: z.string(), round: number.optional() })

const reportSchema = z.object({
  format: z.literal("p2psip bench 1"),
  startedAt: z.string(),
  seconds: number,
  version: z.string(),
  commit: z.string().optional(),
  machine: z.object({ processor: z.string(), processors: number, memoryBytes: number, system: z.string(), node: z.string(), loadBefore: number }),
  question: z.object({
    backends: z.array(z.string()), outside: z.array(z.string()), workloads: z.array(z.enum(names)), setups: z.array(setup), rounds: number,
    seconds: number, warmUpSeconds: number, users: number, simulatedPeers: z.array(number), rateFactor: number,
  }),
  measurements: z.array(z.object({ side: z.string(), setup, workload: z.enum(names), runs: z.array(run) })),
  simulated: z.array(z.object({
    side: z.string(), peers: number, hasTable: z.boolean(), hops: number, medianMs: number, p99Ms: number, failed: number, bytesPerPeerSecond: number,
  })),
  skipped: z.array(flaw),
  flaws: z.array(flaw),
})

/** The report in that file. Throws `P2PSIP_BAD_CONFIG` where there is none. */
export function readReport(path: string): Report {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, "utf8"))
  } catch (cause) {
    throw bad(path, "one that cannot be read, or is not JSON", cause)
  }
  const checked = reportSchema.safeParse(value)
  if (checked.success) return withoutUndefined(checked.data)
  const [issue] = checked.error.issues
  throw bad(path, `something else at ${issue?.path.join(".") || "its top"}`, checked.error)
}

/** Of a JSON file: what is not there is not there. */
function withoutUndefined(value: z.infer<typeof reportSchema>): Report {
  return JSON.parse(JSON.stringify(value)) as Report
}

function bad(path: string, found: string, cause: unknown): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", `--against: expected a file that \`p2psip bench compare --json\` has written, found ${path}, ${found}`, { cause })
}

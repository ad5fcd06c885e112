/** How busily the peers of each backend look after their overlay: options of theirs. */
import { P2PSipError } from "../../errors.ts"
import { hour, minute, second } from "./experiment.ts"

type Options = Readonly<Record<string, unknown>>

/** Keep looking after the neighbours at this interval, and after the rest in proportion. */
const paces: Readonly<Record<string, (intervalMs: number) => Options>> = {
  chord: (intervalMs) => ({
    minStabilizeMs: intervalMs, maxStabilizeMs: intervalMs, minFingerRefreshMs: 15 * intervalMs, maxFingerRefreshMs: 15 * intervalMs,
  }),
  bamboo: (intervalMs) => ({ leafExchangeMs: intervalMs, localTuningMs: 2.5 * intervalMs, globalTuningMs: 5 * intervalMs }),
  kademlia: (intervalMs) => ({ minExchangeMs: intervalMs, maxExchangeMs: intervalMs, refreshMs: 60 * intervalMs }),
}

/** How many neighbours a peer knows: `count` on one side, or in one bucket. */
const neighbourhoods: Readonly<Record<string, (count: number) => Options>> = {
  chord: (count) => ({ successors: count }),
  bamboo: (count) => ({ leavesPerSide: Math.min(count, 16) }),
  kademlia: (count) => ({ k: count }),
}

/** Maintenance at one pace, the table of all members left aside. */
export function pace(backend: string | undefined, intervalMs: number): Options {
  return entryOf(paces, backend)(intervalMs)
}

/** Maintenance so slow that it does not count: nobody fails, and only paths are measured. */
export function still(backend?: string): Options {
  return { ...pace(backend, 2 * minute), reunionMs: hour, repairIntervalMs: hour, strayIntervalMs: hour }
}

/** Neighbours in a number that fits the backend. */
export function neighbourhood(backend: string | undefined, count: number): Options {
  return entryOf(neighbourhoods, backend)(count)
}

/** From slow to fast. */
export const intervalsMs: readonly number[] = [20, 10, 5, 2, 1].map((seconds) => seconds * second)

function entryOf<T>(table: Readonly<Record<string, T>>, backend = "chord"): T {
  const found = Object.hasOwn(table, backend) ? table[backend] : undefined
  if (found === undefined) throw new P2PSipError("P2PSIP_BAD_CONFIG", `--backend: expected ${Object.keys(table).join(", ")} for this experiment, found ${JSON.stringify(backend)}`)
  return found
}

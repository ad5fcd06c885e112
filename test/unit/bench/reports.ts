/** Reports to draw and to compare, made up. */
import { quantiles } from "../../../src/bench/model.ts"
import type { Measurement, Report, Run, Setup, WorkloadName } from "../../../src/bench/model.ts"

export const setup: Setup = { kind: "processes", peers: 4, entry: "spread", storage: "memory" }

/** A run that did 1,000 operations at so much CPU time and response time each. */
export function runOf(round: number, cpuMicroseconds: number, ms = 1): Run {
  return {
    round, seconds: 2, offered: 1000, done: 1000, failed: 0, latencyMs: quantiles.map((part) => ms * (1 + part)),
    cpuMicroseconds: cpuMicroseconds * 1000, residentBytes: 4e8, linkBytes: 80_000, lagMs: 1,
  }
}

export function measured(side: string, workload: WorkloadName, cpus: readonly number[]): Measurement {
  return { side, setup, workload, runs: cpus.map((each, index) => runOf(index + 1, each)) }
}

export function reportOf(measurements: readonly Measurement[], rest: Partial<Report> = {}): Report {
  return {
    format: "p2psip bench 1", startedAt: "2026-05-04T10:11:12.000Z", seconds: 300, version: "0.1.0", commit: "0123456789",
    machine: { processor: "Made-up 3000", processors: 2, memoryBytes: 8 * 2 ** 30, system: "Linux 6", node: "v24", loadBefore: 0 },
    question: {
      backends: ["chord", "bamboo"], outside: [], workloads: ["idle", "refresh", "lookup"], setups: [setup], rounds: 3, seconds: 2, warmUpSeconds: 1,
      users: 100, simulatedPeers: [], rateFactor: 1,
    },
    measurements, simulated: [], skipped: [], flaws: [], ...rest,
  }
}

/** What speed costs: one curve for each backend, a point for each pace of maintenance. */
import type { Experiment } from "./experiment.ts"
import { costColumns, minute, readColumns, second, worldOf } from "./experiment.ts"
import { intervalsMs, pace } from "./maintenance.ts"

/** See the head of this file. */
export const costs: Experiment = {
  about: "what publishing and getting cost in time against what maintenance costs in bytes: 300 peers, sessions of 15 min, maintenance from slow to fast",
  trials: (choice) => {
    const { peers = 300, minutes = 3, backend } = choice
    return intervalsMs.map((intervalMs) => ({
      label: `${intervalMs / second} s`,
      scenario: {
        ...worldOf(choice), peers,
        backendOptions: { ...pace(backend, intervalMs), membership: { maxMembers: 1 } },
        registrations: { phones: peers, meanIntervalMs: 2 * minute }, lookups: { perSecond: peers / 10 },
        churn: { medianSessionMs: 15 * minute }, warmUpMs: 30 * second, faultsMs: minutes * minute, healMs: minute, readers: 1,
      },
    }))
  },
  columns: {
    ...readColumns,
    publications: ({ phase }) => phase?.writes.latency.count,
    "publish mean ms": ({ phase }) => phase?.writes.latency.meanMs,
    "publish p99 ms": ({ phase }) => phase?.writes.latency.p99Ms,
    ...costColumns,
  },
  bars: [],
  chart: { title: "Latency of publishing and getting against maintenance", x: { column: "bytes/s" }, y: ["publish mean ms", "mean ms"], unit: "ms" },
}

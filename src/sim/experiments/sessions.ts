/** Churn: sessions from long to very short. */
import type { Experiment } from "./experiment.ts"
import { costColumns, hour, minute, readColumns, second, worldOf } from "./experiment.ts"

const medians: readonly (readonly [string, number])[] = [["3 h", 3 * hour], ["1 h", hour], ["15 min", 15 * minute], ["1.4 min", 1.4 * minute]]

/** See the head of this file. */
export const sessions: Experiment = {
  about: "1,000 peers under Poisson churn, median sessions of 3 h, 1 h, 15 min and 1.4 min",
  trials: (choice) => {
    const { peers = 1000, minutes = 5 } = choice
    return medians.map(([label, medianSessionMs]) => ({
      label,
      scenario: {
        ...worldOf(choice), peers,
        registrations: { phones: peers, meanIntervalMs: 2 * minute }, lookups: { perSecond: peers / 10 },
        churn: { medianSessionMs }, warmUpMs: 10 * second, faultsMs: (minutes + 1) * minute, settleMs: minute, healMs: minute, readers: 1,
      },
    }))
  },
  columns: {
    "session min": ({ scenario }) => (scenario.churn === undefined ? undefined : scenario.churn.medianSessionMs / minute),
    ...readColumns,
    ...costColumns,
  },
  bars: [
    { label: "3 h", column: "consistent %", atLeast: 99.99 },
    { label: "3 h", column: "mean ms", atMost: 220 },
    { label: "1.4 min", column: "consistent %", atLeast: 99 },
    { label: "1.4 min", column: "mean ms", atMost: 1000 },
    { label: "1.4 min", column: "bytes/s", atMost: 900 },
  ],
  chart: { title: "Success against churn", x: { column: "session min", scale: "log" }, y: ["consistent %"], unit: "consistent gets, %" },
}

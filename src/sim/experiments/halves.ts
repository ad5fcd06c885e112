/** A network that falls into two halves, and heals. */
import type { Experiment } from "./experiment.ts"
import { minute, repairColumns, worldOf } from "./experiment.ts"

/** See the head of this file. */
export const halves: Experiment = {
  about: "two halves for ten minutes with writes on both sides, then healed: every law must hold",
  trials: (choice) => {
    const { peers = 100, minutes = 10 } = choice
    return [
      {
        label: `${peers} peers`,
        scenario: {
          ...worldOf(choice), peers,
          registrations: { phones: peers * 2, meanIntervalMs: minute, removals: 0.2 }, lookups: { perSecond: peers / 10 },
          faults: [{ atMs: 0, kind: "partition", share: 0.5, forMs: minutes * minute }], healMs: 5 * minute, readers: 10,
        },
      },
    ]
  },
  columns: {
    acknowledged: ({ writes }) => writes.acknowledged,
    "not acknowledged": ({ writes }) => writes.failed + writes.refused,
    "live records": ({ records }) => records?.live,
    "lost records": ({ records }) => records?.lost,
    violations: ({ violations }) => violations.length,
    ...repairColumns,
    "bytes/s": ({ phase }) => phase?.bytesPerPeerSecond,
  },
  bars: [{ label: "100 peers", column: "violations", atMost: 0 }],
}

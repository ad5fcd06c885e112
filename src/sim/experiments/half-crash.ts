/**
 * Half of the peers crash at once.
 *
 * After Stoica et al. ("Chord", ToN 2003, §V-D): a thousand peers with 20
 * successors, look-ups right after the failure. There the table of all members
 * did not exist, and no records: so one trial is without the one, and one has
 * so many copies that next to none of the other should be lost. Nor had a
 * look-up a deadline there; here it is a phone's.
 */
import type { Scenario } from "../scenario.ts"
import type { Experiment } from "./experiment.ts"
import { costColumns, minute, readColumns, repairColumns, worldOf } from "./experiment.ts"
import { neighbourhood } from "./maintenance.ts"

/** After this the phone that asked has given up (RFC 3261 §17.1.1.2, 64 T1). */
const patienceMs = 32_000

interface Variant {
  readonly label: string
  readonly neighbours: number
  readonly copies: number
  readonly hasTable: boolean
}

const variants: readonly Variant[] = [
  { label: "r = 8", neighbours: 8, copies: 3, hasTable: true },
  { label: "r = 8, no table", neighbours: 8, copies: 3, hasTable: false },
  { label: "r = 20", neighbours: 20, copies: 3, hasTable: true },
  { label: "r = 20, no table", neighbours: 20, copies: 3, hasTable: false },
  { label: "r = 20, 8 copies", neighbours: 20, copies: 8, hasTable: true },
]

/** See the head of this file. */
export const halfCrash: Experiment = {
  about: "half of 1,000 peers crash at once, with 8 and with 20 successors; look-ups of the first minute",
  trials: (choice) => {
    const { peers = 1000, backend } = choice
    return variants.map(({ label, neighbours, copies, hasTable }) => {
      const table = hasTable ? {} : { membership: { maxMembers: 1 } }
      const scenario: Scenario = {
        ...worldOf(choice), peers, replication: copies,
        backendOptions: { ...neighbourhood(backend, neighbours), ...table, replication: copies, operationTimeoutMs: patienceMs },
        registrations: { phones: peers, meanIntervalMs: minute }, lookups: { perSecond: peers / 5, zipf: 0, patienceMs },
        warmUpMs: 1.5 * minute, faults: [{ atMs: 0, kind: "crash", victims: Math.floor(peers / 2) }], faultsMs: minute,
        healMs: minute, readers: 1,
      }
      return { label, scenario }
    })
  },
  columns: {
    ...readColumns,
    ...costColumns,
    "live records": ({ records }) => records?.live,
    "lost records": ({ records }) => records?.lost,
    "lost %": ({ records }) => (records === undefined ? undefined : (100 * records.lost) / Math.max(1, records.live)),
    violations: ({ violations }) => violations.length,
    ...repairColumns,
  },
  // With 8 successors one peer in 256 loses them all: r must grow as log2 N for half of all to be survived.
  bars: variants.filter(({ neighbours }) => neighbours >= 20).flatMap(({ label }) => [
    { label, column: "failed", atMost: 0 },
    { label, column: "violations", atMost: 0 },
  ]),
}

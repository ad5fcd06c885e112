/** Each live record has its owner and as many copies as replication demands. */
import type { Fleet } from "../fleet.ts"
import type { Ledger } from "../workloads/ledger.ts"
import type { Violation } from "./records.ts"

/**
 * Compares the sums over all peers' status with what the ledger knows to be
 * live. Records whose fate is uncertain may add to the sums, so this demands
 * a minimum.
 */
export function checkCopies(fleet: Fleet, ledger: Ledger, replication: number): Violation[] {
  const { serving, simulation } = fleet
  const live = ledger.liveRecords(simulation.now, 1000).length
  const statuses = serving.map((member) => member.servlet.status().records)
  const owned = statuses.reduce((sum, records) => sum + records.owned, 0)
  const copies = statuses.reduce((sum, records) => sum + records.copies, 0)
  const wanted = live * (Math.min(replication, serving.length) - 1)
  const violations: Violation[] = []
  const law = "copies equal replication"
  if (owned < live) violations.push({ kind: "liveness", law, detail: `${live} live records, ${owned} with their owners` })
  if (copies < wanted) violations.push({ kind: "liveness", law, detail: `${live} live records want ${wanted} copies, found ${copies}` })
  return violations
}

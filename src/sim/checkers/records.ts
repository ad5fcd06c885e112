/** Every record as it must be, seen from every peer. */
import type { Fleet, FleetMember } from "../fleet.ts"
import type { Contradiction, Ledger } from "../workloads/ledger.ts"
import { withPatience } from "../workloads/registrations.ts"

/** A law that does not hold. */
export interface Violation {
  /** Something false (safety), or something that should have come about by now (liveness). */
  readonly kind: "safety" | "liveness"
  readonly law: string
  readonly detail: string
}

/** What holds of records. */
export const laws = { kept: "no acknowledged record is lost", truth: "no reader sees what is not so" } as const

const patienceMs = 15_000
/** Reads under way at once: a key asked for by thousands of peers in one moment is an attack on its owner. */
const readsAtOnce = 500

/**
 * Reads every key from every serving peer: acknowledged, unexpired, unremoved
 * records must be there, removed ones not, and every read must be answered.
 * Lets virtual time pass.
 */
export async function checkRecords(fleet: Fleet, ledger: Ledger, readers = Infinity): Promise<Violation[]> {
  const { simulation } = fleet
  const chosen = readers >= fleet.serving.length ? fleet.serving : simulation.random.sample(fleet.serving, readers)
  const violations: Violation[] = []
  const read = async (key: string, { name, servlet }: FleetMember): Promise<void> => {
    const versions = ledger.versionsOf(key)
    const outcome = await withPatience(fleet, servlet.get(key), patienceMs)
    if (!outcome.isDone) {
      violations.push({ kind: "liveness", law: "every read is answered", detail: `${key} from ${name}: ${outcome.code}` })
      return
    }
    for (const contradiction of ledger.judge(key, outcome.result, simulation.now, versions)) {
      violations.push(violationOf(contradiction, name))
    }
  }
  const pairs = ledger.keys.flatMap((key) => chosen.map((reader) => [key, reader] as const))
  for (let at = 0; at < pairs.length; at += readsAtOnce) {
    await simulation.wait(Promise.all(pairs.slice(at, at + readsAtOnce).map(([key, reader]) => read(key, reader))))
  }
  return violations
}

function violationOf(contradiction: Contradiction, reader: string): Violation {
  const { kind, key, hash, detail } = contradiction
  return { kind: "safety", law: kind === "lost" ? laws.kept : laws.truth, detail: `${kind}: ${key} ${hash}, read from ${reader}: ${detail}` }
}

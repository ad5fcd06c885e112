/** Scenarios by name, as functions of the size of the overlay. */
import { P2PSipError } from "../errors.ts"
import type { Scenario } from "./scenario.ts"
import { readTrace, traceEndMs } from "./trace.ts"

/** What a named scenario is made for. */
export interface ScenarioChoice {
  readonly seed: number
  readonly peers: number
  /** For `churn`. @default one hour */
  readonly medianSessionMs?: number
  /** For `trace`: the file. */
  readonly trace?: string
}

const minute = 60_000
const hour = 60 * minute

interface NamedScenario {
  readonly about: string
  readonly build: (choice: ScenarioChoice) => Scenario
}

const work = (peers: number): Pick<Scenario, "registrations" | "lookups"> => ({
  registrations: { phones: peers * 2, meanIntervalMs: 2 * minute },
  lookups: { perSecond: Math.max(1, peers / 10) },
})

/** The table. */
export const scenarios: Readonly<Record<string, NamedScenario>> = {
  calm: {
    about: "nothing goes wrong",
    build: ({ seed, peers }) => ({ seed, peers, ...work(peers), faultsMs: 5 * minute }),
  },
  rolling: {
    about: "one change after another, each inside what replication promises to survive: crash, leave, join, restart",
    build: ({ seed, peers }) => ({
      seed,
      peers,
      ...work(peers),
      faults: [
        { atMs: 0, kind: "crash", victims: 1 },
        { atMs: 30_000, kind: "leave", victims: 1 },
        { atMs: 45_000, kind: "join", newcomers: 2 },
        { atMs: 2 * minute, kind: "restart", victims: 1, downMs: 5000 },
        { atMs: 3 * minute, kind: "leave", victims: 1 },
        { atMs: 4 * minute, kind: "crash", victims: 1 },
      ],
    }),
  },
  calls: {
    about: "phones register and call each other by SIP through the peers, which come and go one after another",
    build: ({ seed, peers }) => ({
      seed,
      peers,
      registrations: { phones: peers },
      calls: { phones: peers * 3, perSecond: Math.max(1, peers / 5) },
      faults: [
        { atMs: 0, kind: "crash", victims: 1 },
        { atMs: 45_000, kind: "leave", victims: 1 },
        { atMs: 90_000, kind: "join", newcomers: 2 },
        { atMs: 2 * minute, kind: "restart", victims: 1, downMs: 5000 },
      ],
    }),
  },
  churn: {
    about: "Poisson churn by crashes, replaced by newcomers; see --session",
    build: ({ seed, peers, medianSessionMs = hour }) => ({
      seed,
      peers,
      startGapMs: 100,
      ...work(peers),
      churn: { medianSessionMs },
      faultsMs: 30 * minute,
    }),
  },
  trace: {
    about: "who comes and goes as in a file of sessions (--trace), around a few peers that stay (--peers)",
    build: ({ seed, peers, trace }) => {
      if (trace === undefined) throw new P2PSipError("P2PSIP_BAD_CONFIG", "--trace: expected a file of sessions for scenario trace, found none")
      const sessions = readTrace(trace)
      const endMs = traceEndMs(sessions)
      const stayMs = sessions.reduce((sum, { joinMs, end }) => sum + (end?.atMs ?? endMs) - joinMs, 0)
      const population = peers + Math.round(stayMs / Math.max(1, endMs))
      return { seed, peers, trace, warmUpMs: 5_000, ...work(population), faultsMs: endMs }
    },
  },
  "mass-failure": {
    about: "half of the peers crash at once",
    build: ({ seed, peers }) => ({
      seed,
      peers,
      startGapMs: 100,
      ...work(peers),
      faults: [{ atMs: 0, kind: "crash", victims: Math.floor(peers / 2) }],
      faultsMs: minute,
    }),
  },
  partition: {
    about: "two halves for ten minutes, writes on both sides, then healed",
    build: ({ seed, peers }) => ({
      seed,
      peers,
      ...work(peers),
      faults: [{ atMs: 0, kind: "partition", share: 0.5, forMs: 10 * minute }],
      healMs: 5 * minute,
    }),
  },
  outgrown: {
    about: "an overlay outgrows its table of all members to twice its size, and shrinks again, under load",
    build: ({ seed, peers }) => {
      const few = Math.max(2, Math.floor(peers / 3))
      const leavers = Math.ceil((peers - few) / 5)
      return {
        seed, peers: few, ...work(peers), registrations: { phones: peers, meanIntervalMs: 20_000 },
        backendOptions: { membership: { maxMembers: Math.max(2, Math.floor(peers / 2)) } },
        faults: [
          { atMs: 0, kind: "join", newcomers: peers - few },
          ...Array.from({ length: 5 }, (_, step) => ({ atMs: 2 * minute + step * 20_000, kind: "leave" as const, victims: leavers })),
        ],
        faultsMs: 5 * minute,
      }
    },
  },
  "flash-crowd": {
    about: "a few peers, and then as many as asked for at once",
    build: ({ seed, peers }) => ({
      seed,
      peers: Math.max(2, Math.floor(peers / 10)),
      ...work(peers),
      faults: [{ atMs: 0, kind: "join", newcomers: peers - Math.max(2, Math.floor(peers / 10)) }],
      faultsMs: minute,
    }),
  },
}

/** Builds a named scenario. Throws `P2PSIP_BAD_CONFIG` for a name that is not in the table. */
export function namedScenario(name: string, choice: ScenarioChoice): Scenario {
  const named = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
  if (named === undefined) {
    const known = Object.keys(scenarios).join(", ")
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `scenario: expected ${known}, or a JSON file, found ${JSON.stringify(name)}`)
  }
  return named.build(choice)
}

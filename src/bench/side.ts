/** What a bench asks of whatever it measures: backends of this package and programs of others, behind one contract. */
import type { Setup, Workload, WorkloadName } from "./model.ts"
import type { Outcome } from "./open-loop.ts"

/** What the processes of a side have taken so far. */
export interface Cost {
  readonly cpuMicroseconds: number
  readonly residentBytes: number
  /** Sent by all peers to other peers; absent where that cannot be told. */
  readonly linkBytes?: number
}

/** The kinds of work for the hash table itself, done within the peers. */
const tableWork = ["lookup", "lookup-zipf", "put", "put-or-get", "lookup-max", "put-max", "session-create", "session-get", "session-destroy"] as const

/** Work for the hash table itself. */
export interface TableLoad {
  readonly workload: (typeof tableWork)[number]
  readonly perSecond: number
  /** Where there is no rate. */
  readonly underWay?: number | undefined
  /** Where there is no time either: exactly these, by number. */
  readonly operations?: { readonly from: number; readonly count: number } | undefined
  readonly seconds: number
  readonly timeoutMs: number
  readonly seed: string
  /** Keys are those of so many users. */
  readonly users: number
}

/** A side that has started. */
export interface Side {
  /** UDP ports on loopback where phones may come in; empty where no SIP is spoken. */
  readonly sipPorts: readonly number[]
  /** Stores a registration for each of so many users without SIP; absent where phones register. */
  fill?(users: number): Promise<void>
  /** Absent where there is no hash table to ask. */
  load?(load: TableLoad): Promise<Outcome>
  cost(): Promise<Cost>
  /** Rejects, with one line for people, when a process ends that nobody has told to. Never resolves. */
  readonly died: Promise<never>
  /** Ends all its processes. Never rejects. */
  end(): Promise<void>
}

/** Something that can be measured. */
export interface SideKind {
  /** As reports call it. */
  readonly name: string
  /** For people: what it is, and what is not the same as with the others. */
  readonly about: string
  /** Which work it can do, put up like this. */
  does(workload: Workload, setup: Setup): boolean
  /** Of one that would otherwise drown: no more than this is offered to it a second, or under way at once, and no more users are stored beforehand. */
  readonly atMost?: { readonly perSecond: number; readonly underWay: number; readonly users: number }
  /** Why it cannot be started on this machine; undefined where it can. */
  missing(): string | undefined
  start(setup: Setup): Promise<Side>
}

/** The domain of all users. */
export const domain = "example.org"

/** The address-of-record of one user. */
export function userAddress(user: string | number): string {
  return `sip:${typeof user === "number" ? `u${user}` : user}@${domain}`
}

/** Whether a workload asks the hash table itself. */
export function isTableWork(name: WorkloadName): name is TableLoad["workload"] {
  return tableWork.some((each) => each === name)
}

/** A promise that only rejects, and is no unhandled rejection while nobody looks. */
export function deathOf(): { readonly died: Promise<never>; readonly die: (line: string) => void } {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  return { died: promise, die: (line) => reject(new Error(line)) }
}

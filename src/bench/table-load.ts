/** Load for a hash table, made where the table is: look-ups, put, and putOrGet. */
import type { Runtime } from "../runtime/runtime.ts"
import { SimRandom } from "../sim/sim-random.ts"
import { zipfRank } from "../sim/workloads/lookups.ts"
import { runClosedLoop } from "./closed-loop.ts"
import { poissonArrivals, runOpenLoop } from "./open-loop.ts"
import type { Outcome } from "./open-loop.ts"
import { userAddress } from "./side.ts"
import type { TableLoad } from "./side.ts"

/** What is asked of a hash table, whoever made it. */
export interface HashTable {
  /** Whether the key has a value. */
  has(key: string): Promise<boolean>
  put(key: string, value: string): Promise<unknown>
  /** Stores the value if the key has none, otherwise tells what it has. Absent where that is not one step. */
  putOrGet?(key: string, value: string): Promise<unknown>
  /** As `putOrGet`, of a session, which {@link destroySession} takes away again. */
  createSession?(key: string, value: string): Promise<unknown>
  destroySession?(key: string): Promise<unknown>
}

const zipfExponent = 0.9
/** So many different ones are drawn where nobody knows how many will be done. */
const manyOperations = 2000
/** About as long as a binding. */
const value = "v".repeat(300)

/** Puts the load on these tables in turn. */
export function loadTables(runtime: Pick<Runtime, "now" | "setTimer" | "defer">, tables: readonly HashTable[], load: TableLoad): Promise<Outcome> {
  const random = new SimRandom(load.seed, load.workload)
  const { seconds, timeoutMs, underWay, operations: exactly } = load
  if (exactly !== undefined) return runSessions(runtime, tables, load, exactly)
  const arrivalsMs = poissonArrivals(random, load.perSecond, seconds)
  const operations = Array.from({ length: Math.max(arrivalsMs.length, manyOperations) }, (_, index) => operationOf(load, random, index))
  const begin = (index: number, end: (isDone: boolean) => void): void => {
    const [table, operation] = [tables[index % tables.length], operations[index % operations.length]]
    if (table === undefined || operation === undefined) return end(false)
    operation(table).then(end, () => end(false))
  }
  if (underWay !== undefined) return runClosedLoop(runtime, { underWay, seconds, timeoutMs, begin })
  return runOpenLoop(runtime, { arrivalsMs, timeoutMs, begin })
}

/** Sessions by number, each once. */
function runSessions(
  runtime: Pick<Runtime, "now" | "setTimer" | "defer">, tables: readonly HashTable[], { workload, seconds, timeoutMs, underWay = 1 }: TableLoad,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<Outcome> {
  const begin = (index: number, end: (isDone: boolean) => void): void => {
    const [table, key] = [tables[index % tables.length], `session ${from + index}`]
    sessionWork(workload, table, key).then(end, () => end(false))
  }
  return runClosedLoop(runtime, { underWay, seconds, timeoutMs, begin, operations: count })
}

async function sessionWork(workload: TableLoad["workload"], table: HashTable | undefined, key: string): Promise<boolean> {
  if (table?.createSession === undefined || table.destroySession === undefined) return false
  if (workload === "session-get") return table.has(key)
  if (workload === "session-create") await table.createSession(key, value)
  else await table.destroySession(key)
  return true
}

/** The users that one of several processes gives values to. */
export interface Portion {
  /** Of all processes together. */
  readonly users: number
  readonly index: number
  readonly of: number
}

/** Gives each user of a portion a value, some at a time. */
export async function fillTables(tables: readonly HashTable[], { users, index, of }: Portion): Promise<void> {
  const atOnce = 64
  const own = Array.from({ length: users }, (_, number) => number).filter((number) => number % of === index)
  for (let from = 0; from < own.length; from += atOnce) {
    const some = own.slice(from, from + atOnce)
    await Promise.all(some.map(async (number) => tables[Math.floor(number / of) % tables.length]?.put(userAddress(number), value)))
  }
}

/** Drawn beforehand, so that drawing is no part of the response time. */
function operationOf({ workload, users, seed }: TableLoad, random: SimRandom, index: number): (table: HashTable) => Promise<boolean> {
  if (workload === "put" || workload === "put-max") {
    const key = `room ${seed} ${index % users}`
    return async (table) => {
      await table.put(key, value)
      return true
    }
  }
  if (workload !== "put-or-get") {
    const key = userAddress(zipfRank(random, users, workload === "lookup-zipf" ? zipfExponent : 0))
    return (table) => table.has(key)
  }
  // Each key is asked for twice, half of a hundred apart: the first stores, the second finds.
  const pair = Math.floor(index / 100) * 50 + (index % 50)
  return async (table) => {
    await table.putOrGet?.(`session ${seed} ${pair}`, value)
    return table.putOrGet !== undefined
  }
}

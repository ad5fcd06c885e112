/**
 * Kills a writing process at random moments, again and again, and checks after
 * each death that its file is whole and has every change that was called safe.
 *
 *     node test/durability/kill-loop.ts [ROUNDS]
 */
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { DurableStore } from "../../src/overlay/durable-store.ts"
import { SqliteJournal } from "../../src/overlay/sqlite-journal.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"
import { writeUntilKilled } from "./writer.ts"

const program = new URL(import.meta.url).pathname
const patienceMs = 20_000
/** Longer than any round's number of changes. */
const ordersPerRound = 1_000_000

export interface KillLoopResult {
  readonly rounds: number
  /** Changes that were called safe. */
  readonly safe: number
  readonly keys: number
}

/** Rejects with what was wrong after a death. */
export async function killLoop(rounds: number): Promise<KillLoopResult> {
  const folder = await mkdtemp(join(tmpdir(), "p2psip-kill-"))
  const path = join(folder, "records.sqlite")
  const orders = new Map<string, number>()
  let safe = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const line of await writeAndDie(path, round * ordersPerRound)) {
        const [key = "", order = ""] = line.split(" ")
        orders.set(key, Number(order))
        safe++
      }
      check(path, orders, round)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  return { rounds, safe, keys: orders.size }
}

/** What a writer called safe before it was killed, in order. */
function writeAndDie(path: string, firstOrder: number): Promise<string[]> {
  const child = spawn(process.execPath, [program, "write", path, `${firstOrder}`], { stdio: ["ignore", "pipe", "pipe"] })
  let [said, complaints] = ["", ""]
  const patience = setTimeout(() => child.kill("SIGKILL"), patienceMs)
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()))
  child.stdout.on("data", (chunk: Buffer) => {
    if (said === "") setTimeout(() => child.kill("SIGKILL"), Math.random() * 150)
    said += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.on("close", (_code, signal) => {
      clearTimeout(patience)
      // The last line may have been cut short: it was not said.
      const lines = said.split("\n").slice(0, -1)
      if (signal === "SIGKILL" && lines.length > 0) resolve(lines)
      else reject(new Error(`the writer ended by itself: ${complaints}`))
    })
  })
}

function check(path: string, orders: ReadonlyMap<string, number>, round: number): void {
  const database = new DatabaseSync(path)
  const integrity = database.prepare("PRAGMA integrity_check").get()?.["integrity_check"]
  database.close()
  if (integrity !== "ok") throw new Error(`round ${round}: the file is corrupt: ${String(integrity)}`)
  const store = new DurableStore({ runtime: new NodeRuntime({ logLevel: "warn" }), journal: new SqliteJournal(path) })
  try {
    for (const [key, order] of orders) {
      const found = store.get(key)[0]?.order
      // What was written after it need not have been called safe.
      if (found === undefined || found < order) throw new Error(`round ${round}: expected change ${order} of ${key}, found ${found ?? "nothing"}`)
    }
  } finally {
    store.close()
  }
}

if (process.argv[1] === program) {
  const [, , command = "200", path = "", order = ""] = process.argv
  if (command === "write") await writeUntilKilled(path, Number(order))
  process.stdout.write(`${JSON.stringify(await killLoop(Number(command)))}\n`)
}

/** Writes records until the process is killed, and says which changes are safe: a line `KEY ORDER` on stdout for each. */
import { DurableStore } from "../../src/overlay/durable-store.ts"
import { SqliteJournal } from "../../src/overlay/sqlite-journal.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"

const keys = 2_000
const lifeMs = 3_600_000

/** See the head of this file. Orders count from `firstOrder` on. */
export async function writeUntilKilled(path: string, firstOrder: number): Promise<never> {
  const runtime = new NodeRuntime({ logLevel: "warn" })
  const store = new DurableStore({ runtime, journal: new SqliteJournal(path) })
  let order = firstOrder
  const change = (): string => {
    const key = (runtime.random.uint32() % keys).toString(16).padStart(40, "0")
    const isRemoval = runtime.random.uint32() % 8 === 0
    const until = runtime.now() + lifeMs
    store.put(key, {
      valueHash: "hash", value: isRemoval ? undefined : "v".repeat(runtime.random.uint32() % 1_500),
      order: ++order, operationId: "12345678", series: "", number: 0,
      liveUntil: isRemoval ? runtime.now() : until, keptUntil: until,
    })
    return `${key} ${order}\n`
  }
  // Something must keep the process alive: commits alone do not.
  setInterval(() => undefined, 60_000)
  for (;;) {
    const lines = Array.from({ length: 1 + (runtime.random.uint32() % 40) }, change).join("")
    await store.flushed()
    await new Promise((resolve) => process.stdout.write(lines, resolve))
  }
}

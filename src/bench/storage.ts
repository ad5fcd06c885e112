/**
 * What keeping records on disk costs: the store alone, by the number of puts
 * that share a tick, and REGISTERs through real peers.
 *
 *     node src/bench/storage.ts [--puts 60000] [--registers 30000] [--rate 1500] [--peers 3] [--backend chord]
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { DurableStore } from "../overlay/durable-store.ts"
import { MemoryStore } from "../overlay/memory-store.ts"
import { SqliteJournal } from "../overlay/sqlite-journal.ts"
import type { RecordStore } from "../overlay/store.ts"
import { NodeRuntime } from "../runtime/node.ts"
import type { Daemon } from "./daemon.ts"
import { startDaemon } from "./daemon.ts"
import { costOfAll } from "./process-cost.ts"
import { injectedLines, registerScenario } from "./sipp-scenarios.ts"
import { runSipp } from "./sipp.ts"

const { values } = parseArgs({
  options: {
    puts: { type: "string", default: "60000" },
    registers: { type: "string", default: "30000" },
    rate: { type: "string", default: "1500" },
    peers: { type: "string", default: "3" },
    backend: { type: "string", default: "chord" },
  },
})

const domain = "example.org"
const kinds = ["memory", "process", "power"] as const
type Kind = (typeof kinds)[number]

const root = await mkdtemp(join(tmpdir(), "p2psip-bench-"))
// Commits alone do not keep a process alive.
const alive = setInterval(() => undefined, 60_000)
try {
  const puts = Number(values.puts)
  if (puts > 0) console.table(await measureStores(puts))
  const registers = Number(values.registers)
  if (registers > 0) {
    const rows = []
    // Twice each, in turn: the machine may be slower at one time than at another.
    for (const storage of ["memory", "sqlite", "memory", "sqlite"]) rows.push(await measureRegisters(storage, registers))
    console.table(rows)
  }
} finally {
  clearInterval(alive)
  await rm(root, { recursive: true })
}

async function measureStores(puts: number): Promise<object[]> {
  const rows = []
  for (const kind of kinds) {
    for (const perTick of [1, 10, 100]) rows.push({ store: kind, perTick, ...(await measureStore(kind, perTick, puts)) })
  }
  return rows
}

/** Renews 20,000 bindings, so many in a tick, each tick when the one before is safe. */
async function measureStore(kind: Kind, perTick: number, puts: number): Promise<object> {
  const runtime = new NodeRuntime({ logLevel: "warn" })
  const path = join(root, `${kind}-${perTick}.sqlite`)
  const store: RecordStore = kind === "memory"
    ? new MemoryStore({ runtime })
    : new DurableStore({ runtime, journal: new SqliteJournal(path, { survives: kind }) })
  const ticks = Math.min(Math.ceil(puts / perTick), kind === "power" ? 500 : 10_000)
  const keys = Array.from({ length: 20_000 }, () => Buffer.from(runtime.random.bytes(20)).toString("hex"))
  const value = "v".repeat(300)
  const costBefore = process.cpuUsage()
  const began = performance.now()
  let worstMs = 0
  for (let tick = 0; tick < ticks; tick++) {
    const tickBegan = performance.now()
    for (let each = 0; each < perTick; each++) {
      const number = tick * perTick + each
      const until = runtime.now() + 3_600_000
      store.put(keys[number % keys.length] ?? "", {
        valueHash: "h".repeat(20), value, order: number + 1, operationId: "12345678", series: "call", number, liveUntil: until, keptUntil: until,
      })
    }
    await store.flushed()
    worstMs = Math.max(worstMs, performance.now() - tickBegan)
  }
  const { user, system } = process.cpuUsage(costBefore)
  const elapsedMs = performance.now() - began
  store.close()
  const count = ticks * perTick
  return {
    "CPU µs per put": Number(((user + system) / count).toFixed(1)),
    "puts per s": Math.round((count / elapsedMs) * 1000),
    "longest tick ms": Math.round(worstMs),
  }
}

async function measureRegisters(storage: string, count: number): Promise<object> {
  const daemons: Daemon[] = []
  const folder = await mkdtemp(join(root, `${storage}-`))
  try {
    for (let index = 0; index < Number(values.peers); index++) {
      const bootstrap = daemons.slice(0, 1).flatMap(({ ready }) => ready.listen.flatMap((address) => ["--bootstrap", address]))
      const data = ["--data", join(folder, `${index}`), "--storage", storage]
      const names = ["--backend", values.backend, "--domain", domain, "--sip", "udp:127.0.0.1:0", "--log-level", "error"]
      daemons.push(await startDaemon([...names, ...data, ...bootstrap]))
    }
    const pids = daemons.map(({ pid }) => pid)
    const before = costOfAll(pids)
    const lines = Array.from({ length: count }, (_, index) => ({
      user: `u${index}`, host: "127.0.0.1", port: daemons[index % daemons.length]?.sipPort("udp") ?? 0,
    }))
    const result = await runSipp({
      scenario: registerScenario(domain),
      injected: injectedLines(lines),
      remote: `127.0.0.1:${lines[0]?.port}`,
      calls: count,
      callsPerSecond: Number(values.rate),
      maxOpenCalls: 50_000,
      timeoutSeconds: 300,
    })
    const after = costOfAll(pids)
    return {
      storage,
      "done/s": Math.round(result.successful / result.elapsedSeconds),
      failed: result.failed,
      retransmitted: result.retransmissions,
      "mean ms": Number(result.responseMs.mean.toFixed(1)),
      "CPU µs per REGISTER": Math.round((after.cpuMicroseconds - before.cpuMicroseconds) / count),
      "resident MB": Math.round(after.residentBytes / 1e6),
    }
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.end()))
  }
}

/**
 * What a stored binding takes of a peer's memory: in the store alone, as owner
 * or copy, and in a daemon at which SIPp has registered so many phones.
 *
 *     node src/bench/memory.ts [--records 1000000] [--store memory,sqlite] [--registers 150000] [--rate 4000]
 *
 * Each measurement has a process of its own. What is resident comes from the
 * kernel, before any collection of garbage that nothing has asked for.
 */
import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { DurableStore } from "../overlay/durable-store.ts"
import { idOfKey } from "../overlay/id.ts"
import { wholeRing } from "../overlay/key-range.ts"
import { MemoryStore } from "../overlay/memory-store.ts"
import { toBinaryText } from "../overlay/record.ts"
import { SqliteJournal } from "../overlay/sqlite-journal.ts"
import type { RecordStore } from "../overlay/store.ts"
import { encodeBinding } from "../peer/binding-codec.ts"
import { keyOf } from "../peer/location.ts"
import { NodeRuntime } from "../runtime/node.ts"
import { startDaemon } from "./daemon.ts"
import { costOf } from "./process-cost.ts"
import { injectedLines, registerScenario } from "./sipp-scenarios.ts"
import { runSipp } from "./sipp.ts"

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "1000000" },
    store: { type: "string", default: "memory,sqlite" },
    registers: { type: "string", default: "150000" },
    rate: { type: "string", default: "4000" },
    child: { type: "string" },
  },
})

const records = Number(values.records)
if (values.child !== undefined) console.log(JSON.stringify(await measureStore(values.child)))
else await main()

async function main(): Promise<void> {
  const rows: object[] = []
  for (const kind of values.store.split(",")) {
    const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, "--child", kind, "--records", `${records}`], { encoding: "utf8" })
    if (stdout === "") throw new Error(stderr)
    rows.push(JSON.parse(stdout) as object)
  }
  if (rows.length > 0) console.table(rows)
  const registers = Number(values.registers)
  if (registers > 0) console.table(await measureDaemon(registers))
}

/** A store with so many bindings, all of them refreshed once. */
async function measureStore(kind: string): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), "p2psip-memory-"))
  const runtime = new NodeRuntime({ logLevel: "warn" })
  const store: RecordStore = kind === "memory"
    ? new MemoryStore({ runtime })
    : new DurableStore({ runtime, journal: new SqliteJournal(join(folder, "records.sqlite"), { survives: "process" }) })
  const collect = collector()
  collect()
  const before = process.memoryUsage()
  const began = process.cpuUsage()
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < records; index++) {
      putBinding(store, runtime, index, round)
      if (index % 500 === 0) await store.flushed()
    }
  }
  const cpu = process.cpuUsage(began)
  const peak = process.memoryUsage()
  collect()
  const after = process.memoryUsage()
  const pauseMs = timed(collect)
  const { keys } = store.counts()
  const walkMs = timed(() => store.keys(wholeRing, 100))
  const row = {
    store: kind,
    bindings: keys,
    "resident B each": perRecord(peak.rss - before.rss),
    "live B each": perRecord(after.heapUsed + after.external - before.heapUsed - before.external),
    "CPU µs per put": Number(((cpu.user + cpu.system) / (2 * records)).toFixed(2)),
    "full collection ms": Math.round(pauseMs),
    "100 keys ms": Number(walkMs.toFixed(2)),
  }
  store.close()
  await rm(folder, { recursive: true })
  return row
}

/** As a phone's REGISTER leaves it behind: contact, Path, Call-ID, user agent. */
function putBinding(store: RecordStore, runtime: NodeRuntime, index: number, round: number): void {
  const user = `user${index}`
  const host = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
  const binding = {
    contact: `sip:${user}@${host}:5060`,
    parameters: "",
    qThousandths: 1000,
    callId: `${index.toString(36).padStart(12, "0")}@${host}`,
    cseq: round + 1,
    path: [`<sip:${"t".repeat(44)}@${"k".repeat(62)}.p2psip.invalid;transport=p2p;lr;ob>`],
    userAgent: "Example Phone 4.2.1",
  }
  const until = runtime.now() + 3_600_000 + (index % 600) * 1000
  store.put(idOfKey(keyOf(`sip:${user}@example.org`)), {
    valueHash: toBinaryText(Buffer.from(idOfKey(Buffer.from(binding.contact)), "hex")),
    value: toBinaryText(encodeBinding(binding)),
    order: Date.now() * 4096 + index + round * records,
    operationId: toBinaryText(runtime.random.bytes(8)),
    series: toBinaryText(Buffer.from(binding.callId)),
    number: binding.cseq,
    liveUntil: until,
    keptUntil: until,
  })
}

/** What a daemon has after so many REGISTERs by UDP, with all that the load itself leaves behind. */
async function measureDaemon(registers: number): Promise<object[]> {
  const daemon = await startDaemon(["--domain", "example.org", "--sip", "udp:127.0.0.1:0", "--log-level", "error"])
  try {
    const port = daemon.sipPort("udp")
    const before = costOf(daemon.pid).residentBytes
    const row = (moment: string): object => {
      const { residentBytes } = costOf(daemon.pid)
      return { moment, "resident MB": Math.round(residentBytes / 1e6), "B each": Math.round((residentBytes - before) / registers) }
    }
    const rows = [row("started")]
    const lines = Array.from({ length: registers }, (_, index) => ({ user: `u${index}`, host: "127.0.0.1", port }))
    const result = await runSipp({
      scenario: registerScenario("example.org"),
      injected: injectedLines(lines),
      remote: `127.0.0.1:${port}`,
      calls: registers,
      callsPerSecond: Number(values.rate),
      maxOpenCalls: 50_000,
      timeoutSeconds: 600,
    })
    rows.push(row(`${result.successful} registered`))
    return rows
  } finally {
    await daemon.end()
  }
}

function perRecord(bytes: number): number {
  return Math.round(bytes / records)
}

function timed(work: () => unknown): number {
  const began = performance.now()
  work()
  return performance.now() - began
}

/** A full collection of garbage, on demand. */
function collector(): () => void {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

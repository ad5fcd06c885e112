/**
 * REGISTER and calls against real peers, driven by SIPp: rates, response
 * times, and CPU time of all peers together per request.
 *
 *     node src/bench/sip-load.ts [--peers 1,5] [--backend chord] [--registers 150000]
 *                                [--rate 15000,3000] [--calls 10000] [--call-rate 400]
 *
 * Every overlay is started afresh, on loopback, one process a peer.
 */
import { parseArgs } from "node:util"
import type { Daemon } from "./daemon.ts"
import { startOverlay } from "./daemon.ts"
import { costOfAll } from "./process-cost.ts"
import { calleeScenario, callerScenario, injectedLines, registerScenario } from "./sipp-scenarios.ts"
import { runSipp, startSipp } from "./sipp.ts"
import type { SippResult } from "./sipp.ts"

const domain = "example.org"

interface Row {
  readonly peers: number
  readonly work: string
  readonly offered: number
  readonly result: SippResult
  readonly cpuMicrosecondsEach: number
  readonly residentMegabytes: number
}

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "1,5" },
    backend: { type: "string", default: "chord" },
    registers: { type: "string", default: "150000" },
    rate: { type: "string", default: "15000,3000" },
    calls: { type: "string", default: "10000" },
    "call-rate": { type: "string", default: "400" },
  },
})

const peerCounts = values.peers.split(",").map(Number)
const rates = values.rate.split(",").map(Number)
const rows: Row[] = []
for (const [index, peers] of peerCounts.entries()) {
  const daemons = await startOverlay(peers, ["--backend", values.backend, "--domain", domain])
  try {
    rows.push(await measureRegisters(daemons, Number(values.registers), rates[index] ?? rates[0] ?? 1000))
    rows.push(await measureCalls(daemons, Number(values.calls), Number(values["call-rate"])))
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.end()))
  }
}
print(rows)

/** Registers `count` users, each at the next peer in turn. */
async function measureRegisters(daemons: readonly Daemon[], count: number, offered: number): Promise<Row> {
  const lines = Array.from({ length: count }, (_, index) => ({ user: `u${index}`, ...portOf(daemons, index) }))
  return measure(daemons, "REGISTER", offered, async () =>
    runSipp({
      scenario: registerScenario(domain),
      injected: injectedLines(lines),
      remote: `127.0.0.1:${lines[0]?.port}`,
      calls: count,
      callsPerSecond: offered,
      maxOpenCalls: 50_000,
      timeoutSeconds: 300,
    }),
  )
}

/** Calls one phone, registered at the first peer, through the other peers in turn. */
async function measureCalls(daemons: readonly Daemon[], count: number, offered: number): Promise<Row> {
  const calleePort = 15_700
  const first = daemons[0]
  if (first === undefined) throw new Error("no peers")
  await runSipp({
    scenario: registerScenario(domain),
    injected: injectedLines([{ user: "callee", host: "127.0.0.1", port: first.sipPort("udp") }]),
    remote: `127.0.0.1:${first.sipPort("udp")}`,
    localPort: calleePort,
    calls: 1,
    timeoutSeconds: 10,
  })
  const callee = startSipp({ scenario: calleeScenario(), remote: `127.0.0.1:${first.sipPort("udp")}`, localPort: calleePort })
  const entries = daemons.length === 1 ? daemons : daemons.slice(1)
  const lines = Array.from({ length: count }, (_, index) => ({ user: "callee", ...portOf(entries, index) }))
  try {
    return await measure(daemons, "call", offered, async () =>
      runSipp({
        scenario: callerScenario(domain),
        injected: injectedLines(lines),
        remote: `127.0.0.1:${lines[0]?.port}`,
        calls: count,
        callsPerSecond: offered,
        maxOpenCalls: 20_000,
        timeoutSeconds: 300,
      }),
    )
  } finally {
    callee.stop()
    await callee.done.catch(() => undefined)
  }
}

async function measure(daemons: readonly Daemon[], work: string, offered: number, run: () => Promise<SippResult>): Promise<Row> {
  const pids = daemons.map(({ pid }) => pid)
  const before = costOfAll(pids)
  const result = await run()
  const after = costOfAll(pids)
  return {
    peers: daemons.length,
    work,
    offered,
    result,
    cpuMicrosecondsEach: (after.cpuMicroseconds - before.cpuMicroseconds) / Math.max(1, result.successful),
    residentMegabytes: after.residentBytes / 1e6,
  }
}

function portOf(daemons: readonly Daemon[], index: number): { readonly host: string; readonly port: number } {
  const daemon = daemons[index % daemons.length]
  if (daemon === undefined) throw new Error("no peers")
  return { host: "127.0.0.1", port: daemon.sipPort("udp") }
}

function print(all: readonly Row[]): void {
  console.table(
    all.map(({ peers, work, offered, result, cpuMicrosecondsEach, residentMegabytes }) => ({
      peers,
      work,
      "offered/s": offered,
      "done/s": Math.round(result.successful / result.elapsedSeconds),
      ok: result.successful,
      failed: result.failed,
      retransmitted: result.retransmissions,
      "mean ms": Number(result.responseMs.mean.toFixed(1)),
      "CPU µs each": Number(cpuMicrosecondsEach.toFixed(1)),
      "RSS MB": Math.round(residentMegabytes),
    })),
  )
}

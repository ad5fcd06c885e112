/** A running peer under attack at all of its ports. FUZZ_EFFORT=20 makes it twenty times as long. */
import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startDaemon, type Daemon } from "../../src/bench/daemon.ts"
import { silentLogger } from "../../src/runtime/log.ts"
import { noMetrics } from "../../src/runtime/metrics.ts"
import { NodeRuntime } from "../../src/runtime/node.ts"
import { UserAgent } from "../../src/sip/agent/index.ts"
import { UdpTransport } from "../../src/sip/transport/index.ts"
import { attackAsPeer, attackStreams, attackTcp, attackUdp, hostileHandshakes, hostileHttp } from "./live-attacks.ts"
import { hostileDatagrams } from "./sip-datagrams.ts"

const domain = "attacked.example"
const effort = Number(process.env["FUZZ_EFFORT"] ?? 1)
const timeout = 20_000 + 30_000 * effort
/** The peer alone takes about 150; the rest is what the engine lets lie before it collects garbage, however long the attack. */
const maxResidentMiB = 600

let daemon: Daemon
let child: ChildProcess
let log = ""

beforeAll(async () => {
  const args = ["--domain", domain, "--sip", "udp:127.0.0.1:0", "--sip", "tcp:127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "warn"]
  daemon = await startDaemon(args, (spawned) => {
    child = spawned
    spawned.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()))
  })
})
afterAll(() => void child.kill("SIGKILL"))

/** The resident memory of the peer's process. */
function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8")) ?? []
  return Number(kib) / 1024
}

async function counters(): Promise<Readonly<Record<string, number>>> {
  const status = (await (await fetch(`${daemon.ready.http}/status`)).json()) as { readonly counters: Readonly<Record<string, number>> }
  return status.counters
}

/** Resolves with the status as soon as it is 200, or with the last one after a while. */
async function readiness(): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const { status } = await fetch(`${daemon.ready.http}/readyz`)
    if (status === 200 || attempt === 40) return status
    await sleep(250)
  }
}

async function registerPhone(): Promise<string> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const transport = new UdpTransport({ runtime }, { port: 0 })
  const phone = new UserAgent({ runtime, transport }, { addressOfRecord: `sip:alice@${domain}`, proxy: { host: "127.0.0.1", port: daemon.sipPort("udp") } })
  await phone.start()
  const { kind } = await phone.register()
  await phone.stop()
  return kind
}

/** Everything that an attack may leave a trace in: what was dropped, and why. */
const traces = [
  'p2psip_sip_messages_dropped_total{reason="malformed"}',
  'p2psip_sip_requests_refused_total{status="400"}',
  'p2psip_sip_transport_closed_total{protocol="TCP",reason="not-sip"}',
  'p2psip_sip_transport_closed_total{protocol="TCP",reason="header-too-large"}',
  'p2psip_link_drops_total{reason="bad-frame"}',
  'p2psip_rpc_dropped_frames_total{reason="malformed"}',
  'p2psip_rpc_dropped_frames_total{reason="unknown method"}',
]

describe("a running peer survives", () => {
  const address = (): string => daemon.ready.listen[0] ?? ""
  const libp2pPort = (): number => Number(/\/tcp\/(\d+)/.exec(address())?.[1])
  const httpPort = (): number => Number(new URL(daemon.ready.http ?? "").port)
  const some = (count: number): { seed: number; count: number } => ({ seed: 7, count: count * effort })

  test.each<readonly [string, () => Promise<number>]>([
    ["datagrams at its SIP port", () => attackUdp(daemon.sipPort("udp"), domain, some(1000))],
    ["streams at its SIP port", () => attackTcp(daemon.sipPort("tcp"), hostileDatagrams({ ...some(200), domain }))],
    ["requests at its HTTP port", () => attackTcp(httpPort(), hostileHttp(some(200)))],
    ["handshakes that are none", () => attackTcp(libp2pPort(), hostileHandshakes(some(50)))],
    ["streams of strangers with a key", () => attackStreams(address(), some(50))],
    ["frames and answers of hostile peers", () => attackAsPeer(address(), domain, some(1500))],
  ])("%s", async (_name, attack) => {
    expect(await attack()).toBeGreaterThan(10)
    expect(child.exitCode).toBeNull()
    expect(await readiness()).toBe(200)
    expect(await registerPhone()).toBe("registered")
  }, timeout)

  test("and has counted what it dropped, has not grown, found no defect of its own, and leaves", async () => {
    const counts = await counters()
    expect(traces.filter((name) => !((counts[name] ?? 0) > 0))).toEqual([])
    expect(residentMiB()).toBeLessThan(maxResidentMiB)
    expect(log).not.toMatch(/"level":50|unhandled/)
    expect(await daemon.end("SIGTERM")).toBe(0)
  }, timeout)
})

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
const timeout = 150_000 + 30_000 * effort
/** The peer alone takes about 150; the rest is what the engine lets lie before it collects garbage, however long the attack. */
const maxResidentMiB = 600

/** A running peer, and what it has written to its log so far. */
interface Victim {
  readonly daemon: Daemon
  readonly child: ChildProcess
  readonly log: () => string
}

async function startVictim(...more: readonly string[]): Promise<Victim> {
  const args = ["--domain", domain, "--sip", "udp:127.0.0.1:0", "--sip", "tcp:127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "warn", ...more]
  let log = ""
  let child: ChildProcess | undefined
  const daemon = await startDaemon(args, (spawned) => {
    child = spawned
    spawned.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()))
  })
  if (child === undefined) throw new Error("no process was started")
  return { daemon, child, log: () => log }
}

/** The resident memory of the peer's process. */
function residentMiB({ pid }: Daemon): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kib) / 1024
}

async function counters({ ready }: Daemon): Promise<Readonly<Record<string, number>>> {
  const status = (await (await fetch(`${ready.http}/status`)).json()) as { readonly counters: Readonly<Record<string, number>> }
  return status.counters
}

/** Resolves with the status as soon as it is 200, or with the last one after a while. */
async function readiness({ ready }: Daemon): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const { status } = await fetch(`${ready.http}/readyz`)
    if (status === 200 || attempt === 40) return status
    await sleep(250)
  }
}

async function registerPhone(daemon: Daemon): Promise<string> {
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const transport = new UdpTransport({ runtime }, { port: 0 })
  const phone = new UserAgent({ runtime, transport }, { addressOfRecord: `sip:alice@${domain}`, proxy: { host: "127.0.0.1", port: daemon.sipPort("udp") } })
  await phone.start()
  const { kind } = await phone.register()
  await phone.stop()
  return kind
}

async function expectWell({ daemon, child }: Victim): Promise<void> {
  expect(child.exitCode).toBeNull()
  expect(await readiness(daemon)).toBe(200)
  expect(await registerPhone(daemon)).toBe("registered")
}

/** It has counted what it dropped, has not grown, found no defect of its own, and leaves. */
async function expectGoodEnd({ daemon, log }: Victim, traces: readonly string[]): Promise<void> {
  const counts = await counters(daemon)
  expect(traces.filter((name) => !((counts[name] ?? 0) > 0))).toEqual([])
  expect(residentMiB(daemon)).toBeLessThan(maxResidentMiB)
  expect(log()).not.toMatch(/"level":50|unhandled/)
  expect(await daemon.end("SIGTERM")).toBe(0)
}

const overlayTraces = ['p2psip_rpc_dropped_frames_total{reason="malformed"}', 'p2psip_rpc_dropped_frames_total{reason="unknown method"}']
/** Everything that an attack may leave a trace in: what was dropped, and why. */
const traces = [
  'p2psip_sip_messages_dropped_total{reason="malformed"}',
  'p2psip_sip_requests_refused_total{status="400"}',
  'p2psip_sip_transport_closed_total{protocol="TCP",reason="not-sip"}',
  'p2psip_sip_transport_closed_total{protocol="TCP",reason="header-too-large"}',
  'p2psip_link_drops_total{reason="bad-frame"}',
  ...overlayTraces,
]

const some = (count: number): { seed: number; count: number } => ({ seed: 7, count: count * effort })

describe("a running peer survives", () => {
  let victim: Victim
  beforeAll(async () => {
    victim = await startVictim()
  })
  afterAll(() => void victim.child.kill("SIGKILL"))
  const address = (): string => victim.daemon.ready.listen[0] ?? ""
  const sipPort = (protocol: "udp" | "tcp"): number => victim.daemon.sipPort(protocol)
  const libp2pPort = (): number => Number(/\/tcp\/(\d+)/.exec(address())?.[1])
  const httpPort = (): number => Number(new URL(victim.daemon.ready.http ?? "").port)

  test.each<readonly [string, () => Promise<number>]>([
    ["datagrams at its SIP port", () => attackUdp(sipPort("udp"), domain, some(1000))],
    ["streams at its SIP port", () => attackTcp(sipPort("tcp"), hostileDatagrams({ ...some(200), domain }))],
    ["requests at its HTTP port", () => attackTcp(httpPort(), hostileHttp(some(200)))],
    ["handshakes that are none", () => attackTcp(libp2pPort(), hostileHandshakes(some(50)))],
    ["streams of strangers with a key", () => attackStreams(address(), some(50))],
    ["frames and answers of hostile peers", () => attackAsPeer(address(), domain, { ...some(1500), backend: "chord" })],
  ])("%s", async (_name, attack) => {
    expect(await attack()).toBeGreaterThan(10)
    await expectWell(victim)
  }, timeout)

  test("and has counted what it dropped, has not grown, found no defect of its own, and leaves", () => expectGoodEnd(victim, traces), timeout)
})

test.each(["kademlia", "bamboo"] as const)("a running %s peer survives frames and answers of hostile peers", async (backend) => {
  const victim = await startVictim("--backend", backend)
  try {
    expect(await attackAsPeer(victim.daemon.ready.listen[0] ?? "", domain, { ...some(600), backend })).toBeGreaterThan(10)
    await expectWell(victim)
    await expectGoodEnd(victim, overlayTraces)
  } finally {
    victim.child.kill("SIGKILL")
  }
}, timeout)

/**
 * Where each microsecond of CPU time of a REGISTER into an overlay goes: V8's
 * profiles of all peers, each a process of its own, within a window of load,
 * and what the kernel and the other threads took.
 *
 *     node src/bench/register-profile.ts [--peers 8] [--backend chord] [--rate 2000] [--seconds 10] [--warm-up 10] [--users 3000]
 *                                        [--code DIR] [--label TEXT] [--json FILE] [--before FILE] [--svg FILE]
 *
 * `--code` profiles the peers of another clone, and `--before` takes what an
 * earlier run has written with `--json`, for a picture of before and after.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { silentLogger } from "../runtime/log.ts"
import { noMetrics } from "../runtime/metrics.ts"
import { NodeRuntime } from "../runtime/node.ts"
import { sumByName, timesWithin } from "./cpu-profiles.ts"
import type { CpuProfile, FunctionTime } from "./cpu-profiles.ts"
import { startDaemon } from "./daemon.ts"
import type { Daemon } from "./daemon.ts"
import { thisCommit } from "./machine.ts"
import { divisionOf } from "./process-cost.ts"
import type { ProcessDivision } from "./process-cost.ts"
import { drawProfiles, rowsOf } from "./profile-picture.ts"
import type { RegisterProfile } from "./profile-picture.ts"
import { domain } from "./side.ts"
import { SipWork } from "./sip-work.ts"

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "8" },
    backend: { type: "string", default: "chord" },
    rate: { type: "string", default: "2000" },
    seconds: { type: "string", default: "10" },
    "warm-up": { type: "string", default: "10" },
    users: { type: "string", default: "3000" },
    code: { type: "string" },
    label: { type: "string" },
    json: { type: "string" },
    before: { type: "string" },
    svg: { type: "string" },
  },
})

const sampleMicroseconds = 1000
const folder = mkdtempSync(join(tmpdir(), "p2psip-profile-"))
const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
const alive = setInterval(() => undefined, 60_000)
try {
  const profile = await profilePeers()
  const before = values.before === undefined ? [] : [JSON.parse(readFileSync(values.before, "utf8")) as RegisterProfile]
  console.table(rowsOf([...before, profile]))
  console.table(profile.functions.slice(0, 25).map(({ name, part, microseconds }) => ({ function: name, part, "µs each": Number(microseconds.toFixed(2)) })))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(profile)}\n`)
  if (values.svg !== undefined) writeFileSync(values.svg, await drawProfiles([...before, profile]))
} finally {
  clearInterval(alive)
  rmSync(folder, { recursive: true })
}

/** Starts the peers, loads them, ends them, and reads what they have written of themselves. */
async function profilePeers(): Promise<RegisterProfile> {
  const peers = Number(values.peers)
  const daemons: Daemon[] = []
  try {
    for (let index = 0; index < peers; index++) daemons.push(await startProfiled(index, daemons[0]))
    const pids = daemons.map(({ pid }) => pid)
    const work = await SipWork.open(runtime, { sipPorts: daemons.map((daemon) => daemon.sipPort("udp")), users: Number(values.users), timeoutMs: 5000, seed: "profile" })
    const missing = await work.prepare()
    if (missing > 0) throw new Error(`${missing} of ${values.users} users could not be registered beforehand`)
    const refresh = { name: "refresh", perSecond: Number(values.rate) } as const
    await work.load(refresh, Number(values["warm-up"]))
    const [from, before] = [monotonic(), sumOf(pids.map(divisionOf))]
    const { done, failed } = await work.load(refresh, Number(values.seconds))
    const [to, after] = [monotonic(), sumOf(pids.map(divisionOf))]
    work.close()
    if (failed > 0) console.error(`${failed} of ${done + failed} REGISTERs failed`)
    await Promise.all(daemons.map((daemon) => daemon.end()))
    const times = pids.flatMap((_, index) => timesWithin(JSON.parse(readFileSync(join(folder, nameOf(index)), "utf8")) as CpuProfile, { from, to, most: 1.5 * sampleMicroseconds }))
    return profileOf(times, difference(before, after), done)
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.end()))
  }
}

function startProfiled(index: number, first: Daemon | undefined): Promise<Daemon> {
  const bootstrap = (first?.ready.listen ?? []).flatMap((address) => ["--bootstrap", address])
  const options = `--cpu-prof --cpu-prof-interval=${sampleMicroseconds} --cpu-prof-dir=${folder} --cpu-prof-name=${nameOf(index)}`
  const command = values.code === undefined ? undefined : resolve(values.code, "src/cli/main.ts")
  const args = ["--domain", domain, "--backend", values.backend, "--sip", "udp:127.0.0.1:0", "--log-level", "error", ...bootstrap]
  return startDaemon(args, undefined, ["env", `NODE_OPTIONS=${options}`], command)
}

function nameOf(index: number): string {
  return `peer-${index + 1}.cpuprofile`
}

/** Samples come by the clock of the wall: what the kernel has counted is shared out in proportion to them. */
function profileOf(times: readonly FunctionTime[], division: ProcessDivision, done: number): RegisterProfile {
  const sampled = times.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const scale = division.mainThread / sampled / done
  const functions = sumByName(times).map((time) => ({ ...time, microseconds: time.microseconds * scale }))
  return {
    label: values.label ?? thisCommit() ?? "now",
    question: `${values.peers} peers, ${values.backend}, ${values.rate} REGISTER/s`,
    each: { mainThread: division.mainThread / done, allThreads: division.allThreads / done, kernel: division.kernel / done },
    functions: functions.slice(0, 400),
    parts: Object.fromEntries([...Map.groupBy(functions, ({ part }) => part)].map(([part, all]) => [part, all.reduce((sum, { microseconds }) => sum + microseconds, 0)])),
  }
}

function sumOf(divisions: readonly ProcessDivision[]): ProcessDivision {
  const sum = (read: (division: ProcessDivision) => number): number => divisions.reduce((total, division) => total + read(division), 0)
  return { mainThread: sum((each) => each.mainThread), allThreads: sum((each) => each.allThreads), kernel: sum((each) => each.kernel) }
}

function difference(before: ProcessDivision, after: ProcessDivision): ProcessDivision {
  return { mainThread: after.mainThread - before.mainThread, allThreads: after.allThreads - before.allThreads, kernel: after.kernel - before.kernel }
}

/** On the clock of V8's profiles, in µs. */
function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

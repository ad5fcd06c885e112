/**
 * One peer under a steady load for an hour: REGISTERs and calls by SIPp. Flat
 * memory, no failed request, and response times whose 99th percentile stays
 * below 20 ms, or the exit code is 1.
 *
 *     node src/bench/one-hour.ts [--minutes 60] [--load 0.7] [--registers-per-call 5] [--users 100000]
 *                                [--capacity CALLS/s] [--backend chord]
 *
 * A peer works on one processor; the load is the part that it takes of what it
 * can get of one: where others have work for the processors as well, that is
 * less than all. The rate for that is found first, unless `--capacity` says how
 * many calls a second, each with its REGISTERs, would take all of it.
 *
 * What the kernel drops because the peer, or SIPp, had to wait for a processor
 * is shown (`lost`): a failure beside such losses may be the machine's.
 */
import { spawnSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { startDaemon } from "./daemon.ts"
import { datagramLosses } from "./datagram-losses.ts"
import type { DatagramLosses } from "./datagram-losses.ts"
import { costOf, turnsOf, type Turns } from "./process-cost.ts"
import { calleeScenario, callerScenario, injectedLines, registerScenario } from "./sipp-scenarios.ts"
import { runSipp, startSipp } from "./sipp.ts"
import type { SippRun, SippSample } from "./sipp.ts"
import { quantilesOf } from "./statistics.ts"

const domain = "example.org"
const calleePort = 15_720
/** The longest that a registrar gives: the callee registers once. */
const calleeExpiresSeconds = 7200
const boundsMs = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000]
const maxP99Ms = 20
/** Pages and heap come and go; beyond this it is growth. */
const maxGrowth = 0.05
/** Rates for the first look at what a call costs, and the time to look. */
const trialCallsPerSecond = 100
const trialSeconds = 10
const none: SippSample = { elapsedSeconds: 0, created: 0, successful: 0, refused: 0, failed: 0, retransmissions: 0, responseCounts: [] }

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    load: { type: "string", default: "0.7" },
    "registers-per-call": { type: "string", default: "5" },
    users: { type: "string", default: "100000" },
    capacity: { type: "string" },
    backend: { type: "string", default: "chord" },
  },
})
const seconds = 60 * Number(values.minutes)
const load = Number(values.load)
const registersPerCall = Number(values["registers-per-call"])

interface Peer {
  readonly pid: number
  readonly port: number
  readonly http: string
}

/** Where all stood at one moment; counters are those since the load began. */
interface Sight {
  readonly atSeconds: number
  readonly cpuMicroseconds: number
  readonly registers: SippSample
  readonly calls: SippSample
  readonly losses: DatagramLosses
}

/** What the peer had of the machine's memory. */
interface Memory {
  readonly atSeconds: number
  readonly residentMegabytes: number
  readonly heapMegabytes: number
}

async function run(): Promise<boolean> {
  const args = ["--backend", values.backend, "--domain", domain, "--sip", "udp:127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"]
  const daemon = await startDaemon(args)
  const peer = { pid: daemon.pid, port: daemon.sipPort("udp"), http: daemon.ready.http ?? "" }
  const remote = `127.0.0.1:${peer.port}`
  const injected = injectedLines([{ user: "callee", host: "127.0.0.1", port: peer.port }])
  const called = await runSipp({ scenario: registerScenario(domain, calleeExpiresSeconds), injected, remote, localPort: calleePort, calls: 1, timeoutSeconds: 10 })
  if (called.successful !== 1) {
    await daemon.end()
    throw new Error(`expected the phone that is called to register from port ${calleePort}, which must be free, found: ${called.complaints}`)
  }
  const callee = startSipp({ scenario: calleeScenario(), remote, localPort: calleePort })
  try {
    const capacity = values.capacity === undefined ? await findCapacity(peer) : Number(values.capacity)
    const callsPerSecond = Math.max(1, Math.round(load * capacity))
    console.log(`${callsPerSecond} calls/s and ${callsPerSecond * registersPerCall} REGISTER/s: ${load} of ${Math.round(capacity)} calls/s with their REGISTERs`)
    return verdict(await observe(peer, callsPerSecond))
  } finally {
    callee.stop()
    await callee.done.catch(() => undefined)
    await daemon.end()
  }
}

/** Calls per second, with their REGISTERs, that would take all that the peer gets of one processor. A second look, at the load in question, corrects the first. */
async function findCapacity(peer: Peer): Promise<number> {
  let capacity = trialCallsPerSecond / load
  for (let look = 0; look < 3; look++) {
    const [registers, calls] = startLoad(peer, Math.ceil(load * capacity), trialSeconds, trialSeconds)
    await sleep(trialSeconds * 400)
    const before = { cpu: costOf(peer.pid).cpuMicroseconds, turns: turnsOf(peer.pid), registers: registers.latest() ?? none, calls: calls.latest() ?? none }
    await sleep(trialSeconds * 400)
    const registered = (registers.latest() ?? none).successful - before.registers.successful
    const called = (calls.latest() ?? none).successful - before.calls.successful
    // Where not all that was offered was done, what was done less of counts.
    const done = Math.max(1, Math.min(called, registered / registersPerCall))
    const callMicroseconds = (costOf(peer.pid).cpuMicroseconds - before.cpu) / done
    capacity = (1e6 / callMicroseconds) * shareBetween(before.turns, turnsOf(peer.pid))
    await Promise.all([registers.done, calls.done])
  }
  return capacity
}

/** The part of the time in which the peer could have run that it ran. */
function shareBetween(from: Turns | undefined, to: Turns | undefined): number {
  if (from === undefined || to === undefined) return 1
  const ran = to.ranMicroseconds - from.ranMicroseconds
  const waited = to.waitedMicroseconds - from.waitedMicroseconds
  return ran > 0 ? ran / (ran + waited) : 1
}

/** REGISTERs and calls, in this order. */
function startLoad(peer: Peer, callsPerSecond: number, forSeconds: number, cutSeconds = forSeconds + 40): readonly [SippRun, SippRun] {
  const at = { host: "127.0.0.1", port: peer.port }
  const common = { remote: `127.0.0.1:${peer.port}`, maxOpenCalls: 20_000, responseBoundsMs: boundsMs, cutSeconds }
  const users = Array.from({ length: Number(values.users) }, (_, index) => ({ user: `u${index}`, ...at }))
  const perSecond = callsPerSecond * registersPerCall
  return [
    startSipp({ ...common, scenario: registerScenario(domain), injected: injectedLines(users), callsPerSecond: perSecond, calls: perSecond * forSeconds }),
    startSipp({
      ...common,
      scenario: callerScenario(domain),
      injected: injectedLines([{ user: "callee", ...at }]),
      callsPerSecond,
      calls: callsPerSecond * forSeconds,
    }),
  ]
}

/** Loads the peer, and prints a line a minute. */
async function observe(peer: Peer, callsPerSecond: number): Promise<{ readonly end: Sight; readonly memory: readonly Memory[] }> {
  const [registers, calls] = startLoad(peer, callsPerSecond, seconds)
  const from = performance.now()
  const elapsed = (): number => (performance.now() - from) / 1000
  const look = (registersNow = registers.latest() ?? none, callsNow = calls.latest() ?? none): Sight => {
    return { atSeconds: elapsed(), cpuMicroseconds: costOf(peer.pid).cpuMicroseconds, registers: registersNow, calls: callsNow, losses: datagramLosses(peer.port) }
  }
  const memory: Memory[] = []
  let last = look(none, none)
  console.log(columns.map(([name]) => name).join("  "))
  for (let minute = 1; last.atSeconds < seconds - 1; minute++) {
    const end = Math.min(60 * minute, seconds)
    while (elapsed() < end) {
      await sleep(Math.min(2, end - elapsed()) * 1000)
      const sample = await memoryOf(peer, elapsed())
      if (sample !== undefined) memory.push(sample)
    }
    const now = look()
    console.log(lineOf(minute, last, now, memory))
    last = now
  }
  return { end: look(await registers.done, await calls.done), memory }
}

/** Undefined where the peer did not tell: an hour is not to end for that, and two seconds later there is another look. */
async function memoryOf({ pid, http }: Peer, atSeconds: number): Promise<Memory | undefined> {
  // A connection that is kept may be closed just as it is used again.
  const text = await fetch(`${http}/metrics`, { headers: { connection: "close" } }).then((response) => response.text(), () => "")
  const heapBytes = Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1])
  if (Number.isNaN(heapBytes)) return undefined
  return { atSeconds, residentMegabytes: costOf(pid).residentBytes / 1e6, heapMegabytes: heapBytes / 1e6 }
}

type Period = { readonly minute: number; readonly from: Sight; readonly to: Sight; readonly memory: readonly Memory[] }

const columns: readonly (readonly [name: string, value: (period: Period) => string])[] = [
  ["minute", ({ minute }) => String(minute)],
  ["REGISTER/s", ({ from, to }) => perSecond(from.registers, to.registers)],
  ["calls/s", ({ from, to }) => perSecond(from.calls, to.calls)],
  ["failed", ({ from, to }) => String(sum(to, "failed") - sum(from, "failed"))],
  ["retransmitted", ({ from, to }) => String(sum(to, "retransmissions") - sum(from, "retransmissions"))],
  ["lost by peer", ({ from, to }) => String(to.losses.own - from.losses.own)],
  ["by others", ({ from, to }) => String(to.losses.others - from.losses.others)],
  ["p50 ms", ({ from, to }) => shownPercentile(countsBetween(from, to), 0.5)],
  ["p99 ms", ({ from, to }) => shownPercentile(countsBetween(from, to), 0.99)],
  ["processor", ({ from, to }) => `${Math.round((to.cpuMicroseconds - from.cpuMicroseconds) / 1e4 / (to.atSeconds - from.atSeconds))} %`],
  ["RSS MB", ({ from, to, memory }) => mostResident(memory, from.atSeconds, to.atSeconds).toFixed(0)],
  // What is left after a collection: the least of the minute.
  ["heap MB", ({ from, to, memory }) => leastHeap(memory, from.atSeconds, to.atSeconds).toFixed(0)],
]

function lineOf(minute: number, from: Sight, to: Sight, memory: readonly Memory[]): string {
  return columns.map(([name, value]) => value({ minute, from, to, memory }).padStart(name.length)).join("  ")
}

function perSecond(from: SippSample, to: SippSample): string {
  return String(Math.round((to.successful - from.successful) / (to.elapsedSeconds - from.elapsedSeconds)))
}

function sum({ registers, calls }: Sight, name: "failed" | "retransmissions"): number {
  return registers[name] + calls[name]
}

function countsBetween(from: Sight, to: Sight): readonly number[] {
  const of = ({ registers, calls }: Sight, index: number): number => (registers.responseCounts[index] ?? 0) + (calls.responseCounts[index] ?? 0)
  return Array.from({ length: boundsMs.length + 1 }, (_, index) => of(to, index) - of(from, index))
}

/** The bound below which that part of the responses came; Infinity beyond the last. */
function percentileBound(counts: readonly number[], part: number): number {
  const wanted = part * counts.reduce((total, count) => total + count, 0)
  let seen = 0
  return boundsMs.find((_, index) => (seen += counts[index] ?? 0) >= wanted) ?? Infinity
}

function shownPercentile(counts: readonly number[], part: number): string {
  return `< ${percentileBound(counts, part)}`
}

function mostResident(memory: readonly Memory[], fromSeconds: number, toSeconds: number): number {
  return Math.max(...between(memory, fromSeconds, toSeconds).map(({ residentMegabytes }) => residentMegabytes))
}

function leastHeap(memory: readonly Memory[], fromSeconds: number, toSeconds: number): number {
  return Math.min(...between(memory, fromSeconds, toSeconds).map(({ heapMegabytes }) => heapMegabytes))
}

function between(memory: readonly Memory[], fromSeconds: number, toSeconds: number): readonly Memory[] {
  return memory.filter(({ atSeconds }) => atSeconds > fromSeconds && atSeconds <= toSeconds)
}

/**
 * The last quarter of the time against the second one: in the first all is made
 * that stays. Of resident memory the most counts, which a machine must have: V8
 * lets the heap grow between two collections, and gives pages back, as it likes.
 * Of the heap it is what collections leave, in the median of the minutes.
 */
function growthOf(memory: readonly Memory[]): { readonly resident: number; readonly heap: number } {
  const growth = (of: (fromSeconds: number) => number): number => of(0.75 * seconds) / of(0.25 * seconds) - 1
  return {
    resident: growth((from) => mostResident(memory, from, from + seconds / 4)),
    heap: growth((from) => typicalHeap(memory, from)),
  }
}

/** Of the quarter of the time that begins there. */
function typicalHeap(memory: readonly Memory[], fromSeconds: number): number {
  const spans = Math.max(1, Math.floor(seconds / 4 / 60))
  const spanSeconds = seconds / 4 / spans
  const minutes = Array.from({ length: spans }, (_, index) => fromSeconds + index * spanSeconds)
  return quantilesOf(minutes.map((from) => leastHeap(memory, from, from + spanSeconds)), [0.5])[0] ?? NaN
}

function verdict({ end, memory }: { readonly end: Sight; readonly memory: readonly Memory[] }): boolean {
  const failed = sum(end, "failed")
  const counts = countsBetween({ ...end, registers: none, calls: none }, end)
  const growth = growthOf(memory)
  const isFlat = growth.resident <= maxGrowth && growth.heap <= maxGrowth
  const shown = (part: number): string => `${(100 * part).toFixed(1)} %`
  const findings: readonly (readonly [isGood: boolean, text: string])[] = [
    [failed === 0 && end.calls.successful > 0, `${end.registers.successful} REGISTERs and ${end.calls.successful} calls, ${failed} failed`],
    [percentileBound(counts, 0.99) <= maxP99Ms, `p99 ${shownPercentile(counts, 0.99)} ms`],
    [isFlat, `from the second quarter of the time to the last the most of RSS grew by ${shown(growth.resident)}, what collections leave by ${shown(growth.heap)}`],
  ]
  for (const [isGood, text] of findings) console.log(`${isGood ? "well" : "NOT WELL"}: ${text}`)
  return findings.every(([isGood]) => isGood)
}

if (spawnSync("sipp", ["-v"]).error !== undefined) {
  console.log("skipped: there is no sipp (package sip-tester)")
} else if (seconds + 5 * trialSeconds > calleeExpiresSeconds) {
  throw new Error(`--minutes: expected at most ${Math.floor(calleeExpiresSeconds / 60) - 2}, the time of a registration, found ${values.minutes}`)
} else {
  process.exitCode = (await run()) ? 0 : 1
}

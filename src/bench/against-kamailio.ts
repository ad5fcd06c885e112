/**
 * A peer and Debian's Kamailio, one after the other, under the same load by
 * SIPp: CPU time per request, throughput, response times, and what is left of
 * them when three times as much is offered as they can do.
 *
 *     node src/bench/against-kamailio.ts [--backend chord] [--seconds 3] [--rates 2500,5000,10000] [--call-rates 150,300,600]
 *                                        [--overload 3] [--processor-share 10] [--only call] [--warm-up 20]
 *
 * For the overload each server gets one part in so many of one processor, next
 * to a process that wants all of it: SIPp, on the other processors, could not
 * make three times the load of a whole one. Its capacity is what it does then,
 * over five times as many seconds as a level takes: a single collection of
 * garbage is a second's work at a tenth of a processor. Where other programs
 * are at work, start it with priority over them: `nice -n -20 node …`.
 */
import { spawn, spawnSync } from "node:child_process"
import { availableParallelism, getPriority, setPriority } from "node:os"
import { parseArgs } from "node:util"
import { startDaemon } from "./daemon.ts"
import { kamailioVersion, registrarConfiguration, startKamailio } from "./kamailio.ts"
import { childrenOf, costOfAll } from "./process-cost.ts"
import { calleeScenario, callerScenario, injectedLines, registerScenario } from "./sipp-scenarios.ts"
import { runSipp, startSipp } from "./sipp.ts"
import type { SippOptions, SippResult } from "./sipp.ts"

const domain = "example.org"
const calleePort = 15_710

/** One of the two. */
interface Side {
  readonly name: string
  readonly port: number
  pids(): readonly number[]
  end(): Promise<unknown>
}

type Work = "REGISTER" | "call"

interface Row {
  readonly work: Work
  readonly level: string
  readonly side: string
  readonly offered: number
  readonly result: SippResult
  readonly cpuMicroseconds: number
}

const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "chord" },
    seconds: { type: "string", default: "3" },
    rates: { type: "string", default: "2500,5000,10000" },
    "call-rates": { type: "string", default: "150,300,600" },
    overload: { type: "string", default: "3" },
    "processor-share": { type: "string", default: "10" },
    only: { type: "string" },
    "warm-up": { type: "string", default: "20" },
  },
})
/** What a just-in-time compiler needs; nobody restarts a server every few seconds. */
const warmUpSeconds = Number(values["warm-up"])
const seconds = Number(values.seconds)
const works = (["REGISTER", "call"] as const).filter((work) => values.only === undefined || values.only === work)
const levels: Readonly<Record<Work, readonly number[]>> = {
  REGISTER: values.rates.split(",").map(Number),
  call: values["call-rates"].split(",").map(Number),
}

const missing = [
  ...(kamailioVersion() === undefined ? ["kamailio"] : []),
  ...(spawnSync("sipp", ["-v"]).error === undefined ? [] : ["sipp (package sip-tester)"]),
]
if (missing.length > 0) {
  console.log(`skipped: there is no ${missing.join(" and no ")}`)
} else {
  const rows: Row[] = []
  for (const work of works) rows.push(...(await compareLevels(work)))
  printLevels(rows)
  if (Number(values.overload) > 0) {
    const overloaded: Row[] = []
    for (const work of works) overloaded.push(...(await compareOverload(work, rows)))
    printOverload(overloaded)
  }
}

async function startSides(): Promise<Side[]> {
  const daemon = await startDaemon(["--backend", values.backend, "--domain", domain, "--sip", "udp:127.0.0.1:0", "--log-level", "error"])
  const ours = { name: "p2psip", port: daemon.sipPort("udp"), pids: () => [daemon.pid, ...childrenOf(daemon.pid)], end: () => daemon.end() }
  try {
    const kamailio = await startKamailio((port, modulePath) => registrarConfiguration(domain, port, modulePath))
    return [ours, { ...kamailio, name: kamailio.version }]
  } catch (error) {
    await daemon.end()
    throw error
  }
}

/** Both sides in turn at each level, after a warm-up. */
async function compareLevels(work: Work): Promise<Row[]> {
  return withSides(async (sides) => {
    const rows: Row[] = []
    for (const side of sides) await load(side, work, Math.max(...levels[work]), { seconds: warmUpSeconds })
    for (const rate of levels[work]) {
      for (const side of sides) rows.push(await load(side, work, rate, { seconds }))
    }
    return rows
  })
}

/** Both sides in turn with a small share of one processor: at their capacity, then at `overload` times as much. */
async function compareOverload(work: Work, rows: readonly Row[]): Promise<Row[]> {
  const share = Number(values["processor-share"])
  return withSides(async (sides) => {
    const overloaded: Row[] = []
    for (const side of sides) {
      const highest = rows.filter((row) => row.side === side.name && row.work === work).at(-1)
      if (highest === undefined) continue
      const capacity = Math.round(1e6 / cpuEach(highest) / share)
      await load(side, work, Math.max(...levels[work]), { seconds: warmUpSeconds })
      const release = confine(side, share)
      try {
        for (const times of [1, Number(values.overload)]) {
          const row = await load(side, work, Math.round(capacity * times), { seconds: 5 * seconds, isOverload: true })
          overloaded.push({ ...row, level: `${times} x` })
        }
      } finally {
        release()
      }
    }
    return overloaded
  })
}

async function withSides(use: (sides: readonly Side[]) => Promise<Row[]>): Promise<Row[]> {
  const sides = await startSides()
  try {
    return await use(sides)
  } finally {
    await Promise.all(sides.map((side) => side.end()))
  }
}

/** Leaves a server one part in `share` of the first processor; the result undoes it. */
function confine(side: Side, share: number): () => void {
  const weightOfNice = 1.25
  // Next to a process as important as this one, which may have been started with priority over other work.
  const nice = Math.min(19, getPriority() + Math.round(Math.log(share - 1) / Math.log(weightOfNice)))
  for (const pid of side.pids()) {
    spawnSync("taskset", ["-a", "-cp", "0", String(pid)])
    setPriority(pid, nice)
  }
  const hog = spawn("taskset", ["-c", "0", process.execPath, "-e", "for (;;);"], { stdio: "ignore" })
  return () => void hog.kill("SIGKILL")
}

async function load(side: Side, work: Work, rate: number, how: { readonly seconds: number; readonly isOverload?: boolean }): Promise<Row> {
  const isOverload = how.isOverload === true
  const calls = Math.round(rate * how.seconds)
  const processor = isOverload ? { processor: availableParallelism() - 1 } : {}
  const end = isOverload ? { cutSeconds: how.seconds + 0.5 } : { calls, timeoutSeconds: how.seconds + 20 }
  const options: SippOptions = {
    scenario: work === "call" ? callerScenario(domain, isOverload) : registerScenario(domain, 3600, isOverload),
    injected: injectedLines(Array.from({ length: calls + 1 }, (_, index) => ({ user: work === "call" ? "callee" : `u${index}`, host: "127.0.0.1", port: side.port }))),
    remote: `127.0.0.1:${side.port}`,
    callsPerSecond: rate,
    maxOpenCalls: 200_000,
    withResponseTimes: true,
    ...processor,
    ...end,
  }
  const measure = async (): Promise<Row> => {
    const before = costOfAll(side.pids())
    const result = await runSipp(options)
    const after = costOfAll(side.pids())
    return { work, level: `${rate}/s`, side: side.name, offered: rate, result, cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds }
  }
  return work === "call" ? withCallee(side, processor, measure) : measure()
}

/** A phone that is registered at the side, and answers. */
async function withCallee<T>(side: Side, how: { readonly processor?: number }, use: () => Promise<T>): Promise<T> {
  const remote = `127.0.0.1:${side.port}`
  const injected = injectedLines([{ user: "callee", host: "127.0.0.1", port: side.port }])
  await runSipp({ scenario: registerScenario(domain), injected, remote, localPort: calleePort, calls: 1, timeoutSeconds: 10, ...how })
  const callee = startSipp({ scenario: calleeScenario(), remote, localPort: calleePort, ...how })
  try {
    return await use()
  } finally {
    callee.stop()
    await callee.done.catch(() => undefined)
  }
}

function cpuEach({ cpuMicroseconds, result }: Row): number {
  return cpuMicroseconds / Math.max(1, result.successful)
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

function printLevels(rows: readonly Row[]): void {
  console.table(
    rows.map((row) => {
      const { work, level, side, result } = row
      const other = rows.find((candidate) => candidate.work === work && candidate.level === level && candidate.side !== side)
      return {
        work,
        offered: level,
        side,
        "done/s": Math.round(result.successful / result.elapsedSeconds),
        failed: result.failed,
        retransmitted: result.retransmissions,
        "p50 ms": rounded(percentile(result.sortedResponseMs, 0.5)),
        "p99 ms": rounded(percentile(result.sortedResponseMs, 0.99)),
        "CPU µs each": rounded(cpuEach(row)),
        ratio: side === "p2psip" && other !== undefined ? rounded(cpuEach(row) / cpuEach(other), 2) : "",
      }
    }),
  )
}

function printOverload(rows: readonly Row[]): void {
  const best = (row: Row): number => Math.max(...rows.filter(({ work, side }) => work === row.work && side === row.side).map(goodput))
  console.table(
    rows.map((row) => {
      const { work, level, side, offered, result } = row
      const { retransmissions, sortedResponseMs } = result
      return {
        work,
        "x capacity": level,
        side,
        "offered/s": offered,
        "begun/s": Math.round(steady(result, ({ created }) => created)),
        "goodput/s": Math.round(goodput(row)),
        "of the best": `${Math.round((100 * goodput(row)) / best(row))} %`,
        "503/s": Math.round(steady(result, ({ refused }) => refused)),
        failed: result.failed,
        retransmitted: retransmissions,
        "p50 ms": rounded(percentile(sortedResponseMs, 0.5)),
        "p99 ms": rounded(percentile(sortedResponseMs, 0.99)),
      }
    }),
  )
}

function goodput({ result }: Row): number {
  return steady(result, ({ successful, refused }) => successful - refused)
}

/** Per second, between the second note and the last. */
function steady({ samples }: SippResult, count: (sample: SippResult["samples"][number]) => number): number {
  const first = samples[1]
  const last = samples.at(-1)
  if (first === undefined || last === undefined || first === last) return NaN
  return (count(last) - count(first)) / (last.elapsedSeconds - first.elapsedSeconds)
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

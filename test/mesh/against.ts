/**
 * The same circle of eight hosts twice: as a mesh of p2psip, and with babeld
 * and one central Kamailio. The same phones, calls and faults; a table.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Row } from "../../src/sim/chart.ts"
import { formatTable } from "../../src/sim/table.ts"
import type { SippResult } from "../../src/bench/sipp.ts"
import type { Check } from "../interop/checks.ts"
import { babeld, kamailio, requireProgram } from "../interop/debian.ts"
import { call, fetchEach, register, startPhone } from "./phones.ts"
import type { Cable, Network, Side } from "./sides.ts"
import { babelSide, meshSide } from "./sides.ts"

/** In the order of the cables; on the ring of addresses they are all mixed up. */
const addresses = ["10", "b0", "50", "f0", "30", "90", "70", "d0"].map((digits) => digits.repeat(6))
const network: Network = {
  names: addresses.map((_, at) => `m${at}`),
  cables: addresses.map((_, at) => [at, (at + 1) % addresses.length]),
  keeper: 6,
}
const idleSeconds = 10
const kept = 100
const calmMs = 5_000
/** Across the circle the keeper is on the way; beside each other, it is not. */
const [caller, across, beside] = [0, 4, 1]
const calls = { count: 100, rate: 20 }
const slow = { count: 100, rate: 10 }
const after = { count: 20, rate: 10 }

/** What was found on one side, by name of the measure. */
type Findings = Record<string, string>

/** All of both sides, as a table, and what the mesh must have stood. */
export async function against(): Promise<Check[]> {
  process.stdout.write(`${requireProgram(babeld)}, ${requireProgram(kamailio)}\n`)
  const checks: Check[] = []
  const sides: Side[] = []
  const findings: Findings[] = []
  for (const make of [() => meshSide(network, addresses), () => babelSide(network)]) {
    const side = make()
    sides.push(side)
    try {
      findings.push(await measure(side))
    } finally {
      side.hosts.destroy()
    }
  }
  const [mesh = {}] = findings
  const rows: Row[] = Object.keys(mesh).map((name) => ({ label: name, ...Object.fromEntries(sides.map((side, at) => [side.name, findings[at]?.[name] ?? ""])) }))
  process.stdout.write(`${formatTable(rows)}\n`)
  for (const name of Object.keys(mesh).filter((key) => key.endsWith(mustAll))) {
    const [found, of] = (mesh[name] ?? "").split(/ of |,/)
    checks.push({ name: `mesh: ${name}`, passed: found === of, detail: mesh[name] ?? "" })
  }
  return checks
}

/** Names of measures of which the mesh may lose nothing end in this. */
const mustAll = "succeeded"

async function measure(side: Side): Promise<Findings> {
  const findings: Findings = { "stands after": `${((await side.start()) / 1000).toFixed(1)} s` }
  await sleep(calmMs)
  const perSecond = (await bytesDuring(side, () => sleep(1000 * idleSeconds))).bytes / idleSeconds
  findings["idle, all 8 cables"] = `${Math.round(perSecond)} B/s`
  const users = side.users(kept, "kept")
  const registered = await register(users, side.place(caller), kept)
  findings["REGISTER from m0: succeeded"] = share(registered, kept)
  findings["REGISTER from m0, median / 99 %"] = delay(registered)
  const [callee = "", nextDoor = ""] = side.users(2, "phone")
  const phones = [await startPhone(callee, side.place(across)), await startPhone(nextDoor, side.place(beside))]
  try {
    for (const [where, user] of [["m0 to m4, by way of the keeper's host", callee], ["m0 to m1, next door", nextDoor]] as const) {
      const { result, bytes, ms } = await bytesDuring(side, () => call(user, side.place(caller), calls))
      findings[`calls ${where}: succeeded`] = share(result, calls.count)
      findings[`call set-up ${where}, median / 99 %`] = delay(result)
      findings[`bytes on cables per call ${where}`] = `${Math.round((bytes - (perSecond * ms) / 1000) / calls.count)}`
    }
    const pulled = await side.cableBetween(caller, across)
    findings["a cable on the way is pulled: calls succeeded"] = outage(await during(side, callee, () => plug(side, pulled, false)), slow.count)
    plug(side, pulled, true)
    await sleep(calmMs)
    const dead = await side.cableBetween(caller, across)
    findings["a cable on the way goes dead: calls succeeded"] = outage(await during(side, callee, () => muffle(side, dead, true)), slow.count)
    muffle(side, dead, false)
    await sleep(calmMs)
    findings["the keeper's host dies: calls succeeded"] = outage(await during(side, callee, () => end(side)), slow.count)
    findings["after that: calls succeeded"] = share(await call(callee, side.place(caller), after), after.count)
    findings["after that: bindings found, succeeded"] = share(await fetchEach(users, side.place(2), kept), kept)
    for (const cable of cablesOf(network.keeper)) plug(side, cable, true)
    await side.restart()
    findings["the host is back: bindings found, succeeded"] = share(await fetchEach(users, side.place(2), kept), kept)
  } finally {
    for (const phone of phones) phone.stop()
    await Promise.all(phones.map((phone) => phone.done))
  }
  return findings
}

/** Calls across the circle; two seconds after the first of them something happens. */
async function during(side: Side, callee: string, happens: () => void): Promise<SippResult> {
  const running = call(callee, side.place(caller), slow)
  await sleep(2_000)
  happens()
  return running
}

/** The power fails there. */
function end({ hosts }: Side): void {
  const name = network.names[network.keeper] as string
  hosts.kill(name)
  for (const [a, b] of cablesOf(network.keeper)) hosts.plug(network.names[a] as string, network.names[b] as string, false)
}

function cablesOf(host: number): Cable[] {
  return network.cables.filter((cable) => cable.includes(host))
}

function plug({ hosts }: Side, [a, b]: Cable, isIn: boolean): void {
  hosts.plug(network.names[a] as string, network.names[b] as string, isIn)
}

function muffle({ hosts }: Side, [a, b]: Cable, isSilent: boolean): void {
  hosts.muffle(network.names[a] as string, network.names[b] as string, isSilent)
}

async function bytesDuring<T>({ hosts }: Side, run: () => Promise<T>): Promise<{ readonly result: T; readonly bytes: number; readonly ms: number }> {
  const [before, startedAt] = [hosts.bytesSent(), performance.now()]
  const result = await run()
  return { result, bytes: hosts.bytesSent() - before, ms: performance.now() - startedAt }
}

function share({ successful }: SippResult, of: number): string {
  return `${successful} of ${of}`
}

function delay({ sortedResponseMs }: SippResult): string {
  const at = (part: number): string => (sortedResponseMs[Math.floor(part * (sortedResponseMs.length - 1))] ?? NaN).toFixed(1)
  return `${at(0.5)} / ${at(0.99)} ms`
}

/** SIPp tells how long answers took by the hundred. */
function outage(result: SippResult, of: number): string {
  const slowestMs = result.sortedResponseMs.at(-1)
  return slowestMs === undefined ? share(result, of) : `${share(result, of)}, slowest answer ${(slowestMs / 1000).toFixed(1)} s`
}

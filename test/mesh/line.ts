/**
 * Four routers in a line, with the addresses of the test plan that Linyphi was
 * too slow for (§4.5.1 of its description), and the whole list of what was to
 * be measured there: idle, and with background traffic.
 */
import type { Check } from "../interop/checks.ts"
import { judge, passed, seconds } from "../interop/checks.ts"
import { Hosts } from "./hosts.ts"
import { call, register, startPhone } from "./phones.ts"
import type { Router } from "./routers.ts"
import { metricsOf, startRouter, traces, untilRing, usersOf } from "./routers.ts"

const names = ["A0", "30", "70", "D0"] as const
const echoes = 100
const registrations = { count: 40, rate: 40 }
const calls = { count: 20, rate: 20 }
/** The first far above the 3 to 4 calls/s at which Linyphi broke down. */
const loads = [100, 200, 400, 800, 1600].map((rate) => ({ count: 3 * rate, rate }))
/** More than a machine can do. */
const tooMuch = { count: 9_600, rate: 3_200 }
/** Of a router; four run here, and hold what they refuse for half a minute. */
const maxResidentMB = 1_024
const background = { count: 6000, rate: 200 }

export async function line(): Promise<Check[]> {
  const hosts = new Hosts()
  try {
    for (const name of names) hosts.add(name)
    for (const [at, name] of names.slice(1).entries()) hosts.cable(names[at] as string, name)
    const routers = await Promise.all(names.map((name, at) => startRouter(hosts, name, `${name.repeat(5)}27`, neighboursOf(at))))
    const checks = [passed("the line of four is one ring", `after ${seconds(await untilRing(routers))}`)]
    checks.push(...(await measure(routers, "")))
    for (const links of [1, 3]) checks.push(...(await underLoad(routers, links)))
    checks.push(...(await withBackground(routers)))
    return checks
  } finally {
    hosts.destroy()
  }
}

function neighboursOf(at: number): string[] {
  return [names[at - 1], names[at + 1]].filter((name) => name !== undefined)
}

/** The measurement list; `condition` tells the runs apart. */
async function measure(routers: readonly Router[], condition: string): Promise<Check[]> {
  const [a0, , , d0] = routers as readonly [Router, Router, Router, Router]
  const checks = [await echo(a0, d0, condition)]
  for (const owner of routers) {
    const users = usersOf(owner, routers, registrations.count, `r${condition === "" ? "" : "b"}${owner.name}-`)
    checks.push(judge(`REGISTER from A0 to an entry at ${owner.name}${condition}`, await register(users, a0, registrations.rate), users.length))
  }
  const combinations = [[a0, d0], [a0, a0], [d0, a0], [d0, d0]] as const
  for (const [home, owner] of combinations) {
    const [user = ""] = usersOf(owner, routers, 1, `phone-${home.name}-${condition === "" ? "" : "b"}-`)
    const phone = await startPhone(user, home)
    const result = await call(user, d0, calls)
    checks.push(judge(`INVITE from D0 to a phone at ${home.name}, its entry at ${owner.name}${condition}`, result, calls.count))
    phone.stop()
    await phone.done
  }
  return checks
}

/** More and more calls a second from A0 to a phone so many links away: the first load is to be carried whole; then what is too much is to do no harm. */
async function underLoad(routers: readonly Router[], links: number): Promise<Check[]> {
  const [from, to] = [routers[0] as Router, routers[links] as Router]
  const [user = ""] = usersOf(to, routers, 1, `busy-${links}-`)
  const phone = await startPhone(user, to)
  const over = `over ${links} link${links === 1 ? "" : "s"}`
  const checks: Check[] = []
  let sustained = 0
  for (const { count, rate } of loads) {
    const result = await call(user, from, { count, rate })
    if (checks.length === 0) checks.push(judge(`${rate} calls/s ${over}`, result, count))
    if (result.successful < count) break
    sustained = rate
  }
  checks.push(passed(`calls/s that succeed whole ${over}`, `${sustained}`))
  const { successful, failed } = await call(user, from, tooMuch)
  const fates = await Promise.all(routers.map(fateOf))
  checks.push({
    name: `${tooMuch.rate} calls/s ${over}`, passed: successful > 0 && fates.every(({ residentMB }) => residentMB <= maxResidentMB),
    detail: [`${successful} of ${tooMuch.count} succeeded, ${failed} failed`, ...fates.map((fate, at) => `${names[at]}: ${told(fate)}`)].join("; "),
  })
  checks.push(judge(`calls after that ${over}`, await call(user, from, calls), calls.count))
  phone.stop()
  await phone.done
  return checks
}

/** What a router says of what was too much for it. */
interface Fate {
  readonly residentMB: number
  /** Requests, by SIP. */
  readonly refused: number
  /** By the mesh, and from sockets. */
  readonly dropped: number
}

async function fateOf(router: Router): Promise<Fate> {
  const metrics = await metricsOf(router)
  const sum = (name: string): number => [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].reduce((total, [, value]) => total + Number(value), 0)
  return {
    residentMB: Math.round(sum("process_resident_memory_bytes") / 2 ** 20),
    refused: sum("p2psip_sip_requests_refused_total"),
    dropped: sum("p2psip_ssr_dropped_packets_total") + sum("p2psip_sip_messages_dropped_total") + sum("p2psip_sip_transport_dropped_total"),
  }
}

function told({ residentMB, refused, dropped }: Fate): string {
  return `${refused} refused, ${dropped} dropped and counted, ${residentMB} MB`
}

/** The same again while phones at the two routers in the middle register without a pause. */
async function withBackground(routers: readonly Router[]): Promise<Check[]> {
  const loads = [1, 2].map((at) => {
    const users = Array.from({ length: background.count }, (_, number) => `background-${at}-${number}`)
    return register(users, routers[at] as Router, background.rate / 2)
  })
  const checks = await measure(routers, ", with background traffic")
  // What is left of it is not waited for: the hosts go, and it with them.
  for (const load of loads) load.catch(() => undefined)
  return checks
}

async function echo(from: Router, to: Router, condition: string): Promise<Check> {
  const found = await traces(from, to.address, echoes)
  const times = found.map(({ rttMs }) => rttMs).sort((a, b) => a - b)
  const mean = times.reduce((sum, time) => sum + time, 0) / Math.max(1, times.length)
  const links = new Set(found.map(({ hops }) => hops.length - 1))
  const detail = `${found.length} of ${echoes}, over ${[...links].join(", ")} links, ${mean.toFixed(1)} ms on average (${times[0]?.toFixed(1)} to ${times.at(-1)?.toFixed(1)})`
  return { name: `echo from A0 to D0 and back${condition}`, passed: found.length === echoes, detail }
}

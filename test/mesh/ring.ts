/**
 * Eight routers in a ring of cables, and calls across it, while a cable is cut,
 * dead air comes up, a router is killed, and two halves come apart and together.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { SippRun } from "../../src/bench/sipp.ts"
import type { Check } from "../interop/checks.ts"
import { judge, passed, seconds, untilAll } from "../interop/checks.ts"
import { Hosts } from "./hosts.ts"
import { call, fetchEach, register, startPhone } from "./phones.ts"
import type { Router } from "./routers.ts"
import { startRouter, untilRing } from "./routers.ts"

/** In the order of the cables; on the ring of addresses they are all mixed up. */
const addresses = ["10", "b0", "50", "f0", "30", "90", "70", "d0"].map((digits) => digits.repeat(6))
const names = addresses.map((_, at) => `m${at}`)
const callRate = 10
const kept = 60
const killed = 6

export async function ring(): Promise<Check[]> {
  const hosts = new Hosts()
  try {
    for (const name of names) hosts.add(name)
    for (const at of names.keys()) hosts.cable(nameOf(at), nameOf(at + 1))
    const routers = await Promise.all(addresses.map((address, at) => startRouter(hosts, nameOf(at), address, [nameOf(at - 1), nameOf(at + 1)])))
    const checks = [passed("eight routers in a circle are one ring", `after ${seconds(await untilRing(routers))}`)]
    checks.push(...(await cut(hosts, routers)), ...(await split(hosts, routers)), ...(await kill(routers)))
    return checks
  } finally {
    hosts.destroy()
  }
}

function nameOf(at: number): string {
  return names.at(at % names.length) as string
}

/** Calls from router 0 to a phone at router 4 while cables on their way are cut, and one goes dead. */
async function cut(hosts: Hosts, routers: readonly Router[]): Promise<Check[]> {
  const [from, to] = [routers[0], routers[4]] as [Router, Router]
  return withPhone("callee", to, async () => {
    const count = 10 * callRate
    const calls = call("callee", from, { count, rate: callRate })
    await sleep(2_000)
    hosts.plug(nameOf(2), nameOf(3), false)
    await sleep(3_000)
    hosts.plug(nameOf(2), nameOf(3))
    await sleep(2_000)
    hosts.muffle(nameOf(5), nameOf(6))
    const result = await calls
    hosts.muffle(nameOf(5), nameOf(6), false)
    return [
      judge(`${callRate} calls/s across the circle while one cable is pulled out and put back, and another goes dead`, result, count),
    ]
  })
}

/** Two halves, each with registrations of its own; then one again. */
async function split(hosts: Hosts, routers: readonly Router[]): Promise<Check[]> {
  for (const [a, b] of [[3, 4], [7, 0]] as const) hosts.plug(nameOf(a), nameOf(b), false)
  const halves = [routers.slice(0, 4), routers.slice(4)]
  const apartMs = Math.max(...(await Promise.all(halves.map((half) => untilRing(half)))))
  const users = halves.map((_, half) => Array.from({ length: kept }, (_user, number) => `half${half}-${number}`))
  const registered = await Promise.all(halves.map((half, at) => register(users[at] ?? [], half[1] as Router, kept)))
  for (const [a, b] of [[3, 4], [7, 0]] as const) hosts.plug(nameOf(a), nameOf(b))
  const togetherMs = await untilRing(routers)
  const found = await Promise.all(halves.map((half, at) =>
    untilAll(`what the other half took is found in half ${at}`, () => fetchEach(users[1 - at] ?? [], half[2] as Router, kept), kept)))
  return [
    passed("two cables less make two rings", `after ${seconds(apartMs)}`),
    ...registered.map((result, half) => judge(`half ${half} goes on registering`, result, kept)),
    passed("two meshes that meet are one ring", `after ${seconds(togetherMs)}`),
    ...found,
  ]
}

/** A router dies with all that it knew, on the way of calls. */
async function kill(routers: readonly Router[]): Promise<Check[]> {
  const [from, to] = [routers[7], routers[5]] as [Router, Router]
  const others = routers.filter((_, at) => at !== killed)
  return withPhone("survivor", to, async () => {
    const users = Array.from({ length: 2 * kept }, (_, number) => `kept${number}`)
    const registered = await register(users, routers[killed] as Router, kept)
    const count = 6 * callRate
    const calls = call("survivor", from, { count, rate: callRate })
    await sleep(1_000)
    await routers[killed]?.daemon.end("SIGKILL")
    const ringMs = await untilRing(others)
    const result = await calls
    const found = await fetchEach(users, routers[2] as Router, kept)
    return [
      judge("registered through a router", registered, users.length),
      judge(`${callRate} calls/s by way of that router while it is killed`, result, count),
      passed("seven are one ring", `after ${seconds(ringMs)}`),
      judge("nothing that was acknowledged is lost", found, users.length),
    ]
  })
}

async function withPhone(user: string, at: Router, run: () => Promise<Check[]>): Promise<Check[]> {
  const phone: SippRun = await startPhone(user, at)
  try {
    return await run()
  } finally {
    phone.stop()
    await phone.done
  }
}

/**
 * Four routers in a line; those at the ends relay media, those between do not.
 * Phones know nothing but their router's loopback, so that what one hears of
 * another was carried by the mesh.
 */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { promisify } from "node:util"
import type { Check } from "../interop/checks.ts"
import { passed, seconds } from "../interop/checks.ts"
import { Hosts } from "./hosts.ts"
import type { Router } from "./routers.ts"
import { metricsOf, startRouter, untilRing } from "./routers.ts"
import type { Heard } from "./talker.ts"

const run = promisify(execFile)
const names = ["A0", "30", "70", "D0"] as const
const talker = new URL("talker.ts", import.meta.url).pathname
/** Ten seconds of talk. */
const packets = 500
/** On a machine with more to do some come too late for the phone's patience, and are lost. */
const wantedShare = 0.99
const mediaPorts = "40000-40019"

export async function media(): Promise<Check[]> {
  const hosts = new Hosts()
  try {
    for (const name of names) hosts.add(name)
    for (const [at, name] of names.slice(1).entries()) hosts.cable(names[at] as string, name)
    const routers = await Promise.all(names.map((name, at) => startRouter(hosts, name, `${name.repeat(5)}27`, neighboursOf(at), at === 0 || at === 3 ? { mediaPorts } : {})))
    const checks = [passed("the line of four is one ring", `after ${seconds(await untilRing(routers))}`)]
    const [a0, , seventy, d0] = routers as [Router, Router, Router, Router]
    checks.push(hears("a phone at A0 and one at D0 hear each other over three links", await talk(a0, d0, packets), true))
    checks.push(hears("and the other way round", await talk(d0, a0, packets), true))
    checks.push(hears("a phone at A0 and one at 70, which does not relay, cannot", await talk(a0, seventy, 10), false))
    for (const router of [a0, d0]) checks.push(await portsOf(router))
    return checks
  } finally {
    hosts.destroy()
  }
}

function neighboursOf(at: number): string[] {
  return [names[at - 1], names[at + 1]].filter((name) => name !== undefined)
}

/** A call from a phone at one router to one at another. */
async function talk(from: Router, to: Router, count: number): Promise<Heard> {
  const user = `talker-${from.name}-${to.name}`
  const [program = "", ...args] = [...to.inside, process.execPath, talker, "answer", user]
  const phone = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
  try {
    await once(phone.stdout, "data")
    const [caller = "", ...rest] = [...from.inside, process.execPath, talker, "call", user, String(count)]
    return JSON.parse((await run(caller, rest)).stdout) as Heard
  } finally {
    phone.kill()
  }
}

function hears(name: string, { sent, rtp, rtcp, told, roundTripsMs }: Heard, isHeard: boolean): Check {
  const at = (share: number): string => (roundTripsMs[Math.floor(share * (roundTripsMs.length - 1))] ?? NaN).toFixed(1)
  const times = rtp === 0 ? "" : `, there and back in ${at(0.5)} ms, 99 % within ${at(0.99)} ms`
  const isRight = isHeard ? rtp >= wantedShare * sent && rtcp : rtp === 0 && !rtcp
  return { name, passed: isRight, detail: `${rtp} of ${sent} packets, RTCP ${rtcp ? "too" : "not"}, sent to ${told}${times}` }
}

/** After the calls no stream is left. */
export async function portsOf(router: Router): Promise<Check> {
  const streams = /^p2psip_media_streams (\d+)$/m.exec(await metricsOf(router))?.[1]
  return { name: `the router at ${router.name} has its ports back after the calls`, passed: streams === "0", detail: `${streams ?? "no"} streams` }
}

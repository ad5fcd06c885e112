/**
 * Real phones: four routers in a line, and beyond either end a host with
 * baresip, which talks by G.711. Both hosts have the same address, on networks
 * that know nothing of each other; each says a tone, and records what it hears.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { BaresipPhone } from "../interop/baresip-phone.ts"
import type { Check } from "../interop/checks.ts"
import { domain, passed } from "../interop/checks.ts"
import { baresip, requireProgram } from "../interop/debian.ts"
import { Hosts } from "./hosts.ts"
import { portsOf } from "./media.ts"
import type { Router } from "./routers.ts"
import { startRouter, untilRing } from "./routers.ts"

const names = ["A0", "30", "70", "D0"] as const
const [router, phone] = ["192.168.1.1", "192.168.1.2"]
const mediaPorts = "40000-40019"
/** Hz. */
const tones = { A0: 440, D0: 1_000 }
const talkMs = 6_000
const patienceMs = 20_000
const pollMs = 100
/** The rest is the silence before the first packet, and what a machine with more to do loses. */
const purity = 0.9

export async function phones(): Promise<Check[]> {
  const program = requireProgram(baresip)
  const hosts = new Hosts()
  try {
    for (const name of names) hosts.add(name)
    for (const [at, name] of names.slice(1).entries()) hosts.cable(names[at] as string, name)
    for (const end of ["A0", "D0"]) addPhone(hosts, end)
    const routers = await Promise.all(names.map((name, at) => {
      const neighbours = [names[at - 1], names[at + 1]].filter((neighbour) => neighbour !== undefined)
      return startRouter(hosts, name, `${name.repeat(5)}27`, neighbours, neighbours.length === 1 ? { host: router, mediaPorts } : {})
    }))
    await untilRing(routers)
    const [a0, , , d0] = routers as [Router, Router, Router, Router]
    const checks = [passed("the phones at both ends", program), ...(await talk(hosts, a0, d0))]
    for (const end of [a0, d0]) checks.push(await portsOf(end))
    return checks
  } finally {
    hosts.destroy()
  }
}

function addPhone(hosts: Hosts, end: string): void {
  const host = phoneAt(end)
  hosts.add(host)
  hosts.cable(end, host)
  hosts.address(end, host, `${router}/24`)
  hosts.address(host, end, `${phone}/24`)
}

function phoneAt(end: string): string {
  return `phone${end}`
}

/** Ann at A0 calls Bob at D0, and hangs up. */
async function talk(hosts: Hosts, a0: Router, d0: Router): Promise<Check[]> {
  const settings = { transport: "udp", host: router } as const
  const bob = new BaresipPhone("bob", d0.daemon, { ...settings, inside: hosts.inside(phoneAt("D0")), tone: tones.D0 })
  const isRegistered = await until(() => bob.output.includes("200 OK"))
  const ann = new BaresipPhone("ann", a0.daemon, { ...settings, inside: hosts.inside(phoneAt("A0")), tone: tones.A0, target: `sip:bob@${domain}` })
  const isEstablished = isRegistered && (await until(() => ann.output.includes("Call established")))
  await sleep(talkMs)
  const heardByAnn = await ann.stop(tones.D0)
  const isEnded = await until(() => /Call with .* terminated/.test(bob.output))
  const heardByBob = await bob.stop(tones.A0)
  return [
    { name: "baresip at A0 calls baresip at D0, whose address is the same", passed: isEstablished && isEnded, detail: `${isEstablished ? "" : "not "}established, ${isEnded ? "" : "not "}ended` },
    hears("the one at A0 hears the other", heardByAnn, tones.D0),
    hears("the one at D0 hears the other", heardByBob, tones.A0),
  ]
}

function hears(name: string, share: number, tone: number): Check {
  return { name, passed: share >= purity, detail: `${(100 * share).toFixed(1)} % of what it has heard is the tone of ${tone} Hz` }
}

async function until(condition: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < patienceMs && !condition(); waitedMs += pollMs) await sleep(pollMs)
  return condition()
}

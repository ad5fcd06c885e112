/**
 * Scenario `transports`: SIPp registers over each transport that a phone may
 * use, over IPv4 and IPv6, and is called there by phones that speak UDP.
 */
import { spawnSync } from "node:child_process"
import type { SipListenerTransport } from "../../src/peer/sip-address.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { calleeScenario, callerScenario, injectedLines, registerScenario } from "../../src/bench/sipp-scenarios.ts"
import { runSipp, startSipp } from "../../src/bench/sipp.ts"
import { domain, inTurn, judge, maxOpen, type Check, type ScenarioOptions } from "./checks.ts"
import { fetchUntilFound, phoneScenario, withoutDestination } from "./scenarios.ts"
import { secured, type Prepared } from "./secured.ts"
import { openTunnel, type Tunnel } from "./tls-tunnel.ts"

interface Kind {
  readonly words: string
  readonly listener: SipListenerTransport
  readonly transport: "u1" | "t1" | "l1"
  readonly host: "127.0.0.1" | "::1"
}

const kinds: readonly Kind[] = [
  { words: "UDP and IPv4", listener: "udp", transport: "u1", host: "127.0.0.1" },
  { words: "UDP and IPv6", listener: "udp", transport: "u1", host: "::1" },
  { words: "TCP and IPv4", listener: "tcp", transport: "t1", host: "127.0.0.1" },
  { words: "TCP and IPv6", listener: "tcp", transport: "t1", host: "::1" },
  { words: "TLS", listener: "tls", transport: "l1", host: "127.0.0.1" },
]

/** Peers with listeners of all kinds. */
export async function dualStack(): Promise<Prepared> {
  const { args, release } = await secured("tls")
  return { args: [...args, "--sip", "udp:[::1]:0", "--sip", "tcp:[::1]:0"], release }
}

export async function transports(peers: readonly Daemon[], options: ScenarioOptions): Promise<Check[]> {
  const checks: Check[] = []
  const hasTls = sippHasTls()
  for (const kind of kinds) {
    if (kind.transport === "l1" && !hasTls) checks.push(...(await throughTunnel(kind, peers, options)))
    else checks.push(...(await each(kind, portOf(kind, inTurn(peers, 0)), peers, options)))
  }
  return checks
}

/** Debian's SIPp is built without TLS: it speaks TCP to somebody who speaks TLS to the peer. */
async function throughTunnel(kind: Kind, peers: readonly Daemon[], options: ScenarioOptions): Promise<Check[]> {
  const tunnel: Tunnel = await openTunnel(portOf(kind, inTurn(peers, 0)))
  try {
    return await each({ ...kind, words: `${kind.words} through a tunnel`, transport: "t1" }, tunnel.port, peers, options)
  } finally {
    tunnel.close()
  }
}

async function each(kind: Kind, port: number, peers: readonly Daemon[], options: ScenarioOptions): Promise<Check[]> {
  return [await registers(kind, port, options), await isCalled(kind, port, inTurn(peers, 1), options)]
}

async function registers(kind: Kind, port: number, options: ScenarioOptions): Promise<Check> {
  const lines = Array.from({ length: options.count }, (_, index) => ({ user: `${kind.listener}${index}`, host: kind.host, port }))
  const result = await runSipp({
    ...common(kind, port),
    scenario: withoutDestination(registerScenario(domain)),
    injected: injectedLines(lines),
    calls: options.count,
    callsPerSecond: options.rate,
    maxOpenCalls: maxOpen(options.rate),
    timeoutSeconds: 60,
  })
  return judge(`SIPp registers over ${kind.words}`, result, options.count)
}

/** One phone of that kind at one peer, callers on UDP at another. */
async function isCalled(kind: Kind, port: number, entry: Daemon, options: ScenarioOptions): Promise<Check> {
  const user = `phone-${kind.listener}-${kind.host === "::1" ? "six" : "four"}`
  const phone = startSipp({
    ...common(kind, port),
    scenario: withoutDestination(phoneScenario()),
    outOfCallScenario: calleeScenario(),
    injected: injectedLines([{ user, host: kind.host, port }]),
    calls: 1,
  })
  try {
    await fetchUntilFound(user, entry)
    const line = { user, host: "127.0.0.1", port: entry.sipPort("udp") }
    const result = await runSipp({
      scenario: callerScenario(domain),
      injected: injectedLines([line]),
      remote: `127.0.0.1:${line.port}`,
      calls: options.count,
      callsPerSecond: options.rate,
      maxOpenCalls: maxOpen(options.rate),
      timeoutSeconds: 60,
    })
    return judge(`SIPp on UDP calls SIPp on ${kind.words} at another peer`, result, options.count)
  } finally {
    phone.stop()
    await phone.done.catch(() => undefined)
  }
}

function common({ transport, host }: Kind, port: number) {
  return { transport, localAddress: host, remote: host === "::1" ? `[::1]:${port}` : `127.0.0.1:${port}` }
}

function sippHasTls(): boolean {
  return /SIPp v[^\n]*TLS/.test(spawnSync("sipp", ["-v"], { encoding: "utf8" }).stdout)
}

/** The port of the listener of that kind and family. */
function portOf({ listener, host }: Kind, peer: Daemon): number {
  const prefix = `${listener}:${host === "::1" ? "[::1]" : host}:`
  const found = peer.ready.sip.find((text) => text.startsWith(prefix))
  if (found === undefined) throw new Error(`the peer has no listener ${prefix}`)
  return Number(found.slice(prefix.length))
}

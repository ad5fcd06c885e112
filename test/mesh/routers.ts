/** Routers of a mesh: peers on hosts of their own, whose only links are cables without addresses. */
import { execFile } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { addressOfId, clockwise, parseAddress } from "../../backends/ssr/address.ts"
import { startDaemon } from "../../src/bench/daemon.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { idOfKey } from "../../src/overlay/id.ts"
import { keyOf } from "../../src/peer/location.ts"
import type { NetworkStatus, NetworkTrace } from "../../src/servlet/index.ts"
import { domain } from "../interop/checks.ts"
import type { Hosts } from "./hosts.ts"

const run = promisify(execFile)
const api = "http://127.0.0.1:8080/api"
const pollMs = 100

/** One router. */
export interface Router {
  /** Its host's. */
  readonly name: string
  /** 12 hexadecimal digits. */
  readonly address: string
  readonly daemon: Daemon
  /** The command that runs another one there. */
  readonly inside: readonly string[]
}

/** How a router differs from one whose phones are on its own host, and that relays nothing. */
export interface RouterSettings {
  /** Where its phones find it. @default "127.0.0.1" */
  readonly host?: string
  /** UDP ports there, for media. */
  readonly mediaPorts?: string
}

/** Starts a router that looks for neighbours at the ends of these cables. */
export async function startRouter(hosts: Hosts, name: string, address: string, interfaces: readonly string[], settings: RouterSettings = {}): Promise<Router> {
  const { host = "127.0.0.1", mediaPorts: ports } = settings
  const inside = hosts.inside(name)
  const variables = [`P2PSIP_MESH=${JSON.stringify({ interfaces, address })}`]
  if (ports !== undefined) variables.push(`P2PSIP_MEDIA_RELAY=${JSON.stringify({ ports, address: host })}`)
  // Whoever is on its cable may register.
  const args = ["--backend", "ssr", "--domain", domain, "--sip", `udp:${host}:5060`, "--http", "127.0.0.1:8080", "--log-level", "error", "--open-registration"]
  const daemon = await startDaemon(args, undefined, [...inside, "env", ...variables])
  return { name, address, daemon, inside }
}

export async function statusOf({ inside }: Router): Promise<NetworkStatus> {
  const [status] = await ask<NetworkStatus>(inside, [`${api}/mesh`])
  if (status === undefined) throw new Error("a router does not tell how it is")
  return status
}

/** The ways of so many packets to a node, one after the other; those without an answer are missing. */
export async function traces({ inside }: Router, to: string, count: number): Promise<NetworkTrace[]> {
  const answers = await ask<Partial<NetworkTrace>>(inside, Array.from({ length: count }, () => `${api}/mesh/trace?to=${to}`))
  return answers.filter((answer): answer is NetworkTrace => answer.hops !== undefined)
}

/** The router that answers for a user's registrations. */
export function ownerOf(user: string, routers: readonly Router[]): Router {
  const key = addressOfId(idOfKey(keyOf(`sip:${user}@${domain}`)))
  const distance = ({ address }: Router): number => clockwise(parseAddress(address), key)
  return routers.reduce((best, router) => (distance(router) < distance(best) ? router : best))
}

/** Names for users whose registrations belong to one router. */
export function usersOf(owner: Router, routers: readonly Router[], count: number, prefix: string): string[] {
  const users: string[] = []
  for (let number = 0; users.length < count; number++) {
    const user = `${prefix}${number}`
    if (ownerOf(user, routers) === owner) users.push(user)
  }
  return users
}

/** Waits until each router sits between those that its address says; resolves with the milliseconds it took. */
export async function untilRing(routers: readonly Router[], timeoutMs = 30_000): Promise<number> {
  const ring = [...routers].sort((a, b) => parseAddress(a.address) - parseAddress(b.address))
  const startedAt = performance.now()
  for (;;) {
    const states = await Promise.all(ring.map(statusOf))
    const nameOf = (at: number): string => `ssr-${ring.at(at % ring.length)?.address.toLowerCase()}`
    const misplaced = states.filter(({ ring: { left, right } }, at) => left !== nameOf(at - 1) || right !== nameOf(at + 1))
    const elapsedMs = performance.now() - startedAt
    if (misplaced.length === 0) return elapsedMs
    if (elapsedMs > timeoutMs) throw new Error(`after ${Math.round(elapsedMs)} ms ${misplaced.map(({ peerId }) => peerId).join(", ")} are not where they should be`)
    await sleep(pollMs)
  }
}

/** As Prometheus reads them. */
export async function metricsOf({ inside }: Router): Promise<string> {
  const [program = "", ...args] = [...inside, "curl", "-s", "http://127.0.0.1:8080/metrics"]
  return (await run(program, args, { maxBuffer: 2 ** 24 })).stdout
}

/** The JSON at each of these URLs, as seen from a host. */
async function ask<T>(inside: readonly string[], urls: readonly string[]): Promise<T[]> {
  const [program = "", ...args] = [...inside, "curl", "-s", "-w", String.raw`\n`, ...urls]
  const { stdout } = await run(program, args, { maxBuffer: 2 ** 24 })
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as T)
}

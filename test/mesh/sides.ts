/** Two ways to let phones at the hosts of one network call each other: a mesh of p2psip, and babeld with one Kamailio. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { modulePath, registrarConfiguration } from "../../src/bench/kamailio.ts"
import { domain } from "../interop/checks.ts"
import { Hosts } from "./hosts.ts"
import { register } from "./phones.ts"
import type { Place } from "./phones.ts"
import type { Router } from "./routers.ts"
import { startRouter, traces, untilRing, usersOf } from "./routers.ts"

/** A cable, by the numbers of its hosts. */
export type Cable = readonly [number, number]

/** The hosts, and what runs there. */
export interface Side {
  readonly name: string
  readonly hosts: Hosts
  /** Starts what runs on each host, and waits until each has ways to all; resolves with the milliseconds that took. */
  start(): Promise<number>
  /** Where a phone at a host is. */
  place(at: number): Place
  /** Names of users whose bindings are at the keeper. */
  users(count: number, prefix: string): string[]
  /** A cable on the way that calls take from one host to another just now. */
  cableBetween(from: number, to: number): Promise<Cable>
  /** The keeper, after its end, runs again. Resolves when it answers. */
  restart(): Promise<void>
}

/** Of both sides: what they are to stand on. */
export interface Network {
  readonly names: readonly string[]
  readonly cables: readonly Cable[]
  /** The host with the registrar, or with the node that answers for the users. */
  readonly keeper: number
}

const pollMs = 100
const timeoutMs = 60_000

/** Host after host with a node of the mesh, and phones that turn to the one beside them. */
export function meshSide(network: Network, addresses: readonly string[]): Side {
  const hosts = hostsOf(network)
  const routers: Router[] = []
  const start = async (at: number): Promise<void> => {
    routers[at] = await startRouter(hosts, network.names[at] as string, addresses[at] as string, neighboursOf(network, at))
  }
  return {
    name: "p2psip, SSR",
    hosts,
    start: async () => {
      const startedAt = performance.now()
      await Promise.all(network.names.map((_, at) => start(at)))
      await untilRing(routers)
      return performance.now() - startedAt
    },
    place: (at) => routers[at] as Router,
    users: (count, prefix) => usersOf(routers[network.keeper] as Router, routers, count, prefix),
    cableBetween: async (from, to) => {
      const [trace] = await traces(routers[from] as Router, addresses[to] as string, 1)
      const way = (trace?.hops ?? []).map((peer) => addresses.findIndex((address) => peer === `ssr-${address}`))
      return [from, way[1] ?? from]
    },
    restart: async () => {
      await start(network.keeper)
      await untilRing(routers)
    },
  }
}

/** Routes by Babel to one address of each host, and one Kamailio, to which all phones turn. */
export function babelSide(network: Network): Side {
  const hosts = hostsOf(network)
  const folder = mkdtempSync(join(tmpdir(), "p2psip-babel-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const { names, keeper } = network
  const place = (at: number): Place => ({ inside: hosts.inside(names[at] as string), localAddress: addressAt(at), proxy: addressAt(keeper) })
  return {
    name: "babeld, Kamailio",
    hosts,
    start: async () => {
      for (const [at, name] of names.entries()) prepare(hosts, name, at, neighboursOf(network, at))
      const startedAt = performance.now()
      for (const [at, name] of names.entries()) startBabel(hosts, folder, name, neighboursOf(network, at))
      startRegistrar(hosts, folder, names[keeper] as string, addressAt(keeper))
      while (names.some((name) => hosts.routes(name, "babel").length < names.length - 1)) await pause(startedAt, "routes")
      const elapsedMs = performance.now() - startedAt
      await untilAnswer(place(keeper))
      return elapsedMs
    },
    place,
    users: (count, prefix) => Array.from({ length: count }, (_, number) => `${prefix}${number}`),
    cableBetween: (from) => {
      // All that is said goes to the keeper.
      const beside = names.indexOf(hosts.nextHop(names[from] as string, addressAt(keeper)) ?? "")
      return Promise.resolve([from, beside])
    },
    restart: async () => {
      startBabel(hosts, folder, names[keeper] as string, neighboursOf(network, keeper))
      startRegistrar(hosts, folder, names[keeper] as string, addressAt(keeper))
      const startedAt = performance.now()
      while (names.some((name) => hosts.routes(name, "babel").length < names.length - 1)) await pause(startedAt, "routes")
      await untilAnswer(place(keeper))
    },
  }
}

function hostsOf({ names, cables }: Network): Hosts {
  const hosts = new Hosts()
  for (const name of names) hosts.add(name)
  for (const [a, b] of cables) hosts.cable(names[a] as string, names[b] as string)
  return hosts
}

function neighboursOf({ names, cables }: Network, at: number): string[] {
  return cables.flatMap(([a, b]) => (a === at ? [names[b] as string] : b === at ? [names[a] as string] : []))
}

function addressAt(at: number): string {
  return `10.77.0.${at + 1}`
}

/** One address for the whole host, at all ends of its cables. */
function prepare(hosts: Hosts, name: string, at: number, interfaces: readonly string[]): void {
  hosts.makeRouter(name)
  for (const one of ["lo", ...interfaces]) hosts.address(name, one, `${addressAt(at)}/32`)
}

function startBabel(hosts: Hosts, folder: string, name: string, interfaces: readonly string[]): void {
  // A pulled cable is noticed at once, as it is by the mesh.
  const [file, state] = [join(folder, `${name}.conf`), join(folder, `${name}.state`)]
  writeFileSync(file, "link-detect true\ndefault type wired\n")
  const [program = "", ...args] = [...hosts.inside(name), "babeld", "-I", "", "-S", state, "-c", file, ...interfaces]
  spawn(program, args, { stdio: "ignore" })
}

function startRegistrar(hosts: Hosts, folder: string, name: string, address: string): void {
  const file = join(folder, "kamailio.cfg")
  writeFileSync(file, registrarConfiguration(domain, 5060, modulePath(), address))
  const [program = "", ...args] = [...hosts.inside(name), "kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-Y", folder, "-f", file]
  spawn(program, args, { stdio: "ignore" })
}

async function untilAnswer(place: Place): Promise<void> {
  const startedAt = performance.now()
  while ((await register(["answer"], place, 1)).successful === 0) await pause(startedAt, "an answer of the registrar")
}

async function pause(startedAt: number, what: string): Promise<void> {
  if (performance.now() - startedAt > timeoutMs) throw new Error(`there is still no sign of ${what}`)
  await sleep(pollMs)
}

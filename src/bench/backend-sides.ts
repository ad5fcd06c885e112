/** The backends of this package as sides of a bench: whole peers as processes, or all of them in one. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { PeerConfigInput } from "../peer/config.ts"
import type { HostProcess } from "./hosted.ts"
import { startHost } from "./hosted.ts"
import type { Setup } from "./model.ts"
import type { Outcome } from "./open-loop.ts"
import { quantile } from "./statistics.ts"
import { domain } from "./side.ts"
import type { Cost, Side, SideKind, TableLoad } from "./side.ts"

/** A backend by its name. */
export function backendSide(backend: string): SideKind {
  return {
    name: backend,
    about: `backend ${backend} of this package`,
    does: ({ by }, { kind, peers, storage }) => kind === "processes"
      ? peers === 1 || backend !== "memory"
      : by !== "sip" && storage === "memory",
    missing: () => undefined,
    start: (setup) => (setup.kind === "processes" ? startPeers(backend, setup) : startOverlay(backend, setup)),
  }
}

async function startPeers(backend: string, setup: Setup): Promise<Side> {
  const folder = setup.storage === "sqlite" ? mkdtempSync(join(tmpdir(), "p2psip-bench-")) : undefined
  const hosts: HostProcess[] = []
  const end = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => host.end()))
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  const start = async (index: number): Promise<void> => {
    const config: PeerConfigInput = {
      backend,
      domains: [domain],
      sip: ["udp:127.0.0.1:0"],
      logLevel: "error",
      bootstrap: hosts[0]?.hosted.listen ?? [],
      ...(folder === undefined ? {} : { data: join(folder, `${index}`), storage: setup.storage }),
    }
    hosts.push(await startHost(`${backend}, peer ${index + 1}`, { kind: "peer", config }))
  }
  try {
    await start(0)
    for (let index = 1; index < setup.peers; index++) await start(index)
  } catch (error) {
    await end()
    throw error
  }
  const died = Promise.race(hosts.map((host) => host.died))
  died.catch(() => undefined)
  const entries = setup.entry === "first" ? hosts.slice(0, 1) : hosts
  return {
    sipPorts: entries.flatMap(({ hosted }) => hosted.sipPorts),
    load: async (load) => merge(await Promise.all(entries.map((host, index) => host.load(shareOf(load, index, entries.length))))),
    cost: async () => sum(await Promise.all(hosts.map((host) => host.cost()))),
    died,
    end,
  }
}

async function startOverlay(backend: string, { peers, entry }: Setup): Promise<Side> {
  return inOneProcess(await startHost(backend, { kind: "overlay", backend, peers, speaksTo: entry === "first" ? "first" : "all" }))
}

/** A side that is one process without phones. */
export function inOneProcess(host: HostProcess): Side {
  return { sipPorts: [], fill: (users) => host.fill(users), load: (load) => host.load(load), cost: () => host.cost(), died: host.died, end: () => host.end() }
}

function shareOf(load: TableLoad, index: number, count: number): TableLoad {
  const underWay = load.underWay === undefined ? {} : { underWay: Math.ceil(load.underWay / count) }
  return { ...load, ...underWay, perSecond: load.perSecond / count, seed: `${load.seed} ${index}` }
}

function merge(outcomes: readonly Outcome[]): Outcome {
  return {
    done: outcomes.reduce((total, { done }) => total + done, 0),
    failed: outcomes.reduce((total, { failed }) => total + failed, 0),
    latenciesMs: outcomes.flatMap(({ latenciesMs }) => latenciesMs),
    lagMs: quantile(outcomes.map(({ lagMs }) => lagMs).sort((a, b) => a - b), 1),
  }
}

function sum(costs: readonly Cost[]): Cost {
  return {
    cpuMicroseconds: costs.reduce((total, cost) => total + cost.cpuMicroseconds, 0),
    residentBytes: costs.reduce((total, cost) => total + cost.residentBytes, 0),
    linkBytes: costs.reduce((total, cost) => total + (cost.linkBytes ?? 0), 0),
  }
}

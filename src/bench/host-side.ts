/** Processes with peers, put together to a side. */
import type { HostProcess } from "./hosted.ts"
import type { Setup } from "./model.ts"
import type { Outcome } from "./open-loop.ts"
import { quantile } from "./statistics.ts"
import type { Cost, Side, TableLoad } from "./side.ts"

/** A side of one process a peer. */
export function sideOf(hosts: readonly HostProcess[], entry: Setup["entry"]): Side {
  const died = Promise.race(hosts.map((host) => host.died))
  died.catch(() => undefined)
  const entries = entry === "first" ? hosts.slice(0, 1) : hosts
  const sipPorts = entries.flatMap(({ hosted }) => hosted.sipPorts)
  const fill = async (users: number): Promise<void> => {
    await Promise.all(entries.map((host, index) => host.fill({ users, index, of: entries.length })))
  }
  return {
    sipPorts,
    ...(sipPorts.length === 0 ? { fill } : {}),
    load: async (load) => merge(await Promise.all(entries.map((host, index) => host.load(shareOf(load, index, entries.length))))),
    cost: async () => sum(await Promise.all(hosts.map((host) => host.cost()))),
    died,
    end: () => endAll(hosts),
  }
}

/** A side that is one process without phones. */
export function inOneProcess(host: HostProcess): Side {
  const fill = (users: number): Promise<void> => host.fill({ users, index: 0, of: 1 })
  return { sipPorts: [], fill, load: (load) => host.load(load), cost: () => host.cost(), died: host.died, end: () => host.end() }
}

/** Never rejects. */
export async function endAll(hosts: readonly HostProcess[]): Promise<void> {
  await Promise.all(hosts.map((host) => host.end()))
}

/** Of a load on several processes, what one of them gets. */
function shareOf(load: TableLoad, index: number, count: number): TableLoad {
  const share: TableLoad = { ...load, perSecond: load.perSecond / count, seed: `${load.seed} ${index}` }
  const underWay = load.underWay === undefined ? undefined : Math.ceil(load.underWay / count)
  if (load.operations === undefined) return { ...share, underWay }
  const bound = (at: number): number => Math.floor(((load.operations?.count ?? 0) * at) / count)
  return { ...share, underWay, operations: { from: load.operations.from + bound(index), count: bound(index + 1) - bound(index) } }
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

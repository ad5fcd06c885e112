/** The hash tables of other npm packages, one process a node, as a program would embed them. */
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { endAll, sideOf } from "../host-side.ts"
import { startHost } from "../hosted.ts"
import type { HostProcess } from "../hosted.ts"
import type { Setup } from "../model.ts"
import type { Side, SideKind } from "../side.ts"
import type { HashTable } from "../table-load.ts"

/** A node in this process. */
export interface DhtNode {
  /** What others take to find it. */
  readonly address: string
  readonly table: HashTable
}

/** Copies of each value: as many as the backends keep. */
export const copies = 3

/** The package of the libp2p project, over the same libp2p as the backends. */
export const kadDht: SideKind = dhtPackage({
  name: "@libp2p/kad-dht",
  about: "npm @libp2p/kad-dht over libp2p, 3 copies (k = 3), values unchecked; put and look-ups, at most 10 a second or 8 at once, of 100 users",
  plan: "kad-dht",
  // Each takes 10 to 30 ms of CPU time.
  atMost: { perSecond: 10, underWay: 8, users: 100 },
})

/** The package by which BitTorrent clients find each other. */
export const bittorrentDht: SideKind = dhtPackage({
  name: "bittorrent-dht",
  about: "npm bittorrent-dht over UDP, 3 copies (k = 3) and one at whoever puts, unsigned values whose key is their hash; put and look-ups",
  plan: "bittorrent-dht",
})

interface DhtPackage {
  readonly name: string
  readonly about: string
  readonly plan: "kad-dht" | "bittorrent-dht"
  readonly atMost?: NonNullable<SideKind["atMost"]>
}

function dhtPackage({ name, about, plan, atMost }: DhtPackage): SideKind {
  return {
    name,
    about,
    ...(atMost === undefined ? {} : { atMost }),
    does: (workload, { kind, peers, storage }) =>
      kind === "processes" && peers > 1 && storage === "memory" && ["idle", "lookup", "lookup-zipf", "lookup-max", "put", "put-max"].includes(workload.name),
    missing: () => (isInstalled(name) ? undefined : `the package ${name} is not installed`),
    start: (setup) => startNodes(name, plan, setup),
  }
}

async function startNodes(name: string, kind: DhtPackage["plan"], { peers, entry }: Setup): Promise<Side> {
  const hosts: HostProcess[] = []
  try {
    for (let index = 0; index < peers; index++) {
      const neighbours = hosts.flatMap(({ hosted }) => hosted.listen)
      hosts.push(await startHost(`${name}, node ${index + 1}`, { kind, neighbours }))
    }
  } catch (error) {
    await endAll(hosts)
    throw error
  }
  return sideOf(hosts, entry)
}

function isInstalled(name: string): boolean {
  const searched = createRequire(import.meta.url).resolve.paths(name) ?? []
  return searched.some((folder) => existsSync(join(folder, name, "package.json")))
}

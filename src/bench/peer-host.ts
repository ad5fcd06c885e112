/**
 * A process that runs peers for a bench, and asks them from within: the library
 * as a program would embed it.
 *
 * `p2psip bench` starts it as `node src/bench/peer-host.ts`, and talks to it by
 * the channel between parent and child.
 */
import { loadBackend } from "../../backends/index.ts"
import { MemoryLink, MemoryNetwork } from "../link/memory.ts"
import { createPeer } from "../peer/peer.ts"
import { RegistryMetrics } from "../runtime/metrics.ts"
import { NodeRuntime } from "../runtime/node.ts"
import type { P2PSipServlet } from "../servlet/servlet.ts"
import type { Answer, Ask, Hosted, HostPlan } from "./host-protocol.ts"
import type { Cost } from "./side.ts"
import { startBittorrentNode } from "./peers/bittorrent-dht-node.ts"
import type { DhtNode } from "./peers/dht-nodes.ts"
import { startKadDhtNode } from "./peers/kad-dht-node.ts"
import { startDhtPackage } from "./peers/kademlia-dht-tables.ts"
import { startSipPackage } from "./peers/sip-package.ts"
import { fillTables, loadTables } from "./table-load.ts"
import type { HashTable } from "./table-load.ts"

/** What has been started. */
interface Running {
  readonly hosted: Hosted
  /** Those that may be asked. */
  readonly tables: readonly HashTable[]
  /** Undefined where bytes are not counted. */
  linkBytes(): number | undefined
  stop(): Promise<void>
}

const sentBytes = 'p2psip_link_bytes_total{direction="out"}'
const none: Hosted = { listen: [], sipPorts: [] }
const runtime = new NodeRuntime({ logLevel: "error" })
let running: Running | undefined

process.on("message", (ask: Ask) => {
  answer(ask).then(
    (said) => say(said),
    (error: unknown) => say({ failed: error instanceof Error ? error.message : String(error) }),
  )
})
// Whoever started this has gone: nothing is left to do.
process.on("disconnect", () => process.exit(0))
// The terminal tells all processes of a command; the one at its head decides.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined)

function say(said: Answer): void {
  process.send?.(said)
}

async function answer(ask: Ask): Promise<Answer> {
  if (ask.ask === "start") {
    running = await start(ask.plan)
    return { hosted: running.hosted }
  }
  if (running === undefined) throw new Error("nothing has been started")
  switch (ask.ask) {
    case "fill":
      await fillTables(running.tables, ask.portion)
      return { ended: true }
    case "load":
      return { outcome: await loadTables(runtime, running.tables, ask.load) }
    case "cost":
      return { cost: costOf(running) }
    case "end":
      await running.stop()
      return { ended: true }
  }
}

function costOf(running: Running): Cost {
  const { user, system } = process.cpuUsage()
  const bytes = running.linkBytes()
  return { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss(), ...(bytes === undefined ? {} : { linkBytes: bytes }) }
}

async function start(plan: HostPlan): Promise<Running> {
  switch (plan.kind) {
    case "peer":
      return startPeer(plan)
    case "overlay":
      return startOverlay(plan)
    case "sip-package":
      startSipPackage(plan.port)
      return { hosted: none, tables: [], linkBytes: () => undefined, stop: async () => undefined }
    case "kad-dht":
      return startNode(await startKadDhtNode(plan.neighbours))
    case "bittorrent-dht":
      return startNode(await startBittorrentNode(plan.neighbours))
    case "kademlia-dht":
      return { hosted: none, tables: askable(await startDhtPackage(plan.peers), plan.speaksTo), linkBytes: () => undefined, stop: async () => undefined }
  }
}

function startNode({ address, table }: DhtNode): Running {
  return { hosted: { listen: [address], sipPorts: [] }, tables: [table], linkBytes: () => undefined, stop: async () => undefined }
}

async function startPeer({ config }: HostPlan & { readonly kind: "peer" }): Promise<Running> {
  const peer = await createPeer(config)
  await peer.start()
  const { listen, sip } = peer.addresses
  const sipPorts = sip.filter((text) => text.startsWith("udp:")).map((text) => Number(text.slice(text.lastIndexOf(":") + 1)))
  const linkBytes = (): number => peer.status().counters[sentBytes] ?? 0
  return { hosted: { listen, sipPorts }, tables: [tableOf(peer.servlet)], linkBytes, stop: () => peer.stop() }
}

/** One process, no network: what the algorithm and its storage cost by themselves. */
async function startOverlay({ backend: name, peers, speaksTo }: HostPlan & { readonly kind: "overlay" }): Promise<Running> {
  const backend = await loadBackend(name)
  const network = new MemoryNetwork()
  const metrics = new RegistryMetrics()
  const links: MemoryLink[] = []
  const servlets: P2PSipServlet[] = []
  for (let index = 0; index < peers; index++) {
    const runtime = new NodeRuntime({ logLevel: "error" }, { metrics })
    const link = new MemoryLink({ runtime, network })
    await link.start()
    const servlet = backend.create({ runtime, link }, backend.optionsSchema.parse({}))
    await servlet.join(links.slice(0, 3).flatMap(({ self }) => self.addresses))
    links.push(link)
    servlets.push(servlet)
  }
  return {
    hosted: none,
    tables: askable(servlets.map(tableOf), speaksTo),
    linkBytes: () => metrics.counts()[sentBytes] ?? 0,
    stop: async () => undefined,
  }
}

function tableOf(servlet: P2PSipServlet): HashTable {
  return {
    has: async (key) => (await servlet.get(key)).length > 0,
    put: (key, value) => servlet.put(key, value),
    putOrGet: (key, value) => servlet.putOrGet(key, value),
    createSession: (key, value) => servlet.putOrGet(key, value, { valueHash: "session" }),
    destroySession: (key) => servlet.remove(key, "session"),
  }
}

function askable(tables: readonly HashTable[], speaksTo: "all" | "first"): readonly HashTable[] {
  return speaksTo === "all" ? tables : tables.slice(0, 1)
}

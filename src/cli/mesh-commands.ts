/** `p2psip mesh status|trace`: what a peer of a mesh sees of it. */
import { styleText } from "node:util"
import { Command } from "commander"
import type { NetworkNeighbour, NetworkRoute, NetworkStatus, NetworkTrace } from "../servlet/index.ts"
import { addHttpFlag, clientFrom } from "./client-commands.ts"

interface MeshFlags {
  readonly http: string
  readonly json?: boolean
}

const dim = (text: string): string => styleText("dim", text)
const maxShownRoutes = 20

/** The command, to be added to the program. */
export function meshCommand(): Command {
  const status = command("status", "neighbours, ring, ways and drops, as one peer sees them").action(async (flags: MeshFlags) => {
    const client = clientFrom(flags)
    const [mesh, { counters }] = await Promise.all([client.mesh(), client.status()])
    console.log(flags.json === true ? JSON.stringify({ ...mesh, drops: dropsOf(counters) }, null, 2) : showMesh(mesh, dropsOf(counters)))
  })
  const trace = command("trace", "the way that a packet takes").argument("<id>", "12 hexadecimal digits: a node, or a place on the ring")
    .action(async (id: string, flags: MeshFlags) => {
      const found = await clientFrom(flags).trace(id)
      console.log(flags.json === true ? JSON.stringify(found, null, 2) : showTrace(found))
    })
  return new Command("mesh").description("a peer of a mesh (backend ssr) and what is around it").addCommand(status).addCommand(trace)
}

/** The essentials for people. */
export function showMesh({ peerId, neighbours, ring, routes, maxRoutes }: NetworkStatus, drops: Readonly<Record<string, number>>): string {
  const more = routes.length - maxShownRoutes
  return [
    `${dim("node")}        ${peerId}`,
    `${dim("ring")}        ${ring.left ?? "nobody"} ◄ this node ► ${ring.right ?? "nobody"}`,
    `${dim("neighbours")}  ${neighbours.length === 0 ? "none" : ""}`,
    ...neighbours.map(showNeighbour),
    `${dim("routes")}      ${routes.length} of at most ${maxRoutes}`,
    ...routes.slice(0, maxShownRoutes).map(showRoute),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    `${dim("dropped")}     ${Object.entries(drops).map(([reason, count]) => `${count} ${reason}`).join(", ") || "nothing"}`,
  ].join("\n")
}

/** One line for each node on the way; those that decided are marked. */
export function showTrace({ peerId, isExact, hops, deciders, rttMs }: NetworkTrace): string {
  const decided = new Set(deciders)
  const lines = hops.map((hop, at) => `${String(at).padStart(3)}  ${hop}${decided.has(hop) ? "  decides" : ""}`)
  const cut = deciders.filter((decider) => !hops.includes(decider))
  const summary = `${isExact ? peerId : `${peerId} answers for it`}: ${hops.length - 1} links, ${deciders.length} decisions, there and back in ${rttMs.toFixed(1)} ms`
  return [...lines, ...cut.map((decider) => `     ${decider}  decided, and cut itself out`), summary].join("\n")
}

/** Counters of dropped packets and datagrams, by reason. */
export function dropsOf(counters: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const drops: Record<string, number> = {}
  for (const [name, count] of Object.entries(counters)) {
    const reason = /^p2psip_ssr_dropped_packets_total\{.*reason="([^"]*)"/.exec(name)?.[1]
    if (reason !== undefined && count > 0) drops[reason] = count
  }
  return drops
}

function showNeighbour({ peerId, on, at, isUp, cost, silentMs }: NetworkNeighbour): string {
  return `  ${peerId}  ${isUp ? "up" : "not a link"}, cost ${cost.toFixed(2)}, heard ${Math.round(silentMs)} ms ago on ${on} from ${at}`
}

function showRoute({ to, hops, next }: NetworkRoute): string {
  return `  ${to}  ${hops} ${hops === 1 ? "link" : `links by ${next}`}`
}

function command(name: string, description: string): Command {
  return addHttpFlag(new Command(name).description(description)).option("--json", "print JSON")
}

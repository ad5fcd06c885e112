/**
 * The mesh of the SSR backend at sizes that no room holds, against what knows
 * every shortest way, and against flooding and link state, whose packets are
 * counted on the same graph. Static: how soon it stands, what it delivers, how
 * long its ways are, what that costs; then a tenth of its nodes dies. Restless,
 * with --speed or --session: what it delivers for a minute while radios move,
 * or nodes come and go; with --overload: what is left of it when links are asked for too much.
 *
 *     node src/bench/mesh.ts [--nodes N,N…] [--graph geometric|grid|line|small-world] [--pairs N] [--rounds N] [--routes N] [--seed N]
 *         [--ring linearization|isprp] [--speed RANGES/S,… | --session SECONDS,…] [--still] [--formed [--asking SHARE]] [--overload] [--json] [--svg FILE] [--rows FILE]
 *
 * --rows: what earlier runs printed with --json, to be drawn as well; --nodes "" measures nothing more.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { drawChart } from "../sim/chart.ts"
import { FormedMesh } from "./mesh-formed.ts"
import type { Graph, GraphKind } from "./mesh-graphs.ts"
import { Radios, countLinks, distancesFrom, drawGraph, graphKinds, piecesOf } from "./mesh-graphs.ts"
import { measureOverload } from "./mesh-overload.ts"
import type { Delivery } from "./mesh-tracks.ts"
import { MeshWorld, flightMs } from "./mesh-world.ts"

interface MeshChoice {
  readonly nodes: number
  readonly kind: GraphKind
  /** Pairs of nodes between which packets are sent, in each phase. */
  readonly pairs: number
  /** Packets between each pair until its ways count as warm. */
  readonly warmRounds: number
  readonly maxRoutes: number
  /** How nodes find their places on the ring. */
  readonly ring: "linearization" | "isprp"
  readonly seed: number
  /** Nobody dies. */
  readonly isStill: boolean
  /** The ring is given, see `mesh-formed.ts`. */
  readonly isFormed: boolean
  /** See `FormedMeshOptions`. */
  readonly asking: number
}

/** What keeps a mesh from settling. */
interface Unrest {
  /** Of each radio, in its own ranges per second. */
  readonly speed: number
  /** Mean seconds that a node runs, and that it then is away a tenth of; Infinity for ever. */
  readonly sessionSeconds: number
}

type Row = Readonly<Record<string, string | number>>

const restlessSeconds = 60
const awayShare = 0.1

/** Everything about one mesh, as one line of a table. */
async function measure(choice: MeshChoice): Promise<Row> {
  const { kind, seed, maxRoutes, warmRounds, pairs: count } = choice
  const mesh = choice.isFormed
    ? new FormedMesh({ seed, maxRoutes, nodes: choice.nodes, asking: choice.asking })
    : new MeshWorld({ seed, maxRoutes, ring: choice.ring, draw: (random) => drawGraph(kind, choice.nodes, random) })
  const { graph } = mesh
  const settledMs = await mesh.settle()
  const toStand = mesh.packets / graph.length
  const cold = await mesh.deliver(mesh.drawPairs(count))
  const pairs = mesh.drawPairs(count)
  const rounds: Delivery[] = [cold]
  for (let round = 0; round < warmRounds; round++) rounds.push(await mesh.deliver(pairs))
  const warm = await mesh.deliver(pairs)
  rounds.push(warm)
  const [routes, mostRoutes] = mesh.cached()
  const [stretch, stretchWarm] = [cold.stretch[0], warm.stretch[0]]
  return {
    graph: kind, ...(choice.ring === "isprp" ? { ring: choice.ring } : {}), nodes: graph.length, links: countLinks(graph),
    ...(mesh instanceof FormedMesh ? {} : { "stands after s": afterSeconds(mesh, settledMs), "control packets/node": Math.round(toStand) }),
    ...baselines(graph),
    "delivered %": shareOf(cold), "stretch, cold": shown(cold.stretch),
    "delivered in all": `${rounds.reduce((sum, one) => sum + one.delivered, 0)} of ${rounds.reduce((sum, one) => sum + one.sent, 0)}`, "delivered, warm %": shareOf(warm), "stretch, warm": shown(warm.stretch),
    "header bytes": shown(warm.headerBytes), routes: `${routes} / ${mostRoutes}`,
    "median stretch, cold": stretch, "99 %, cold": cold.stretch[1], "median stretch, warm": stretchWarm, "99 %, warm": warm.stretch[1],
    "stretch, round by round": rounds.map(({ stretch: each }) => shown(each)).join(", "),
    ...(choice.isStill || mesh instanceof FormedMesh ? {} : await afterDeaths(mesh, count)),
  }
}

function afterSeconds(mesh: MeshWorld, settledMs: number | undefined): string | number {
  return settledMs === undefined ? `not (${mesh.misplaced()} misplaced)` : settledMs / 1000
}

async function afterDeaths(mesh: MeshWorld, pairs: number): Promise<Row> {
  const before = mesh.packets
  const died = mesh.crash(0.1)
  const meanwhile = await mesh.deliver(mesh.drawPairs(pairs))
  const healedMs = await mesh.settle()
  const toHeal = (mesh.packets - before) / mesh.alive.length
  const healed = await mesh.deliver(mesh.drawPairs(pairs))
  return {
    died, "delivered in 5 s %": shareOf(meanwhile),
    "heals after s": healedMs === undefined ? "not" : (healedMs + flightMs + pairs) / 1000, "packets/node to heal": Math.round(toHeal),
    "delivered, healed %": shareOf(healed), "stretch, healed": shown(healed.stretch),
  }
}

/**
 * On each link a flood passes once in both directions, but for those over which its nodes heard of it first. Link state: each
 * node's own flood, and one entry for each node; every search of a reactive protocol is a flood.
 */
function baselines(graph: Graph): Row {
  const flood = Math.round(2 * countLinks(graph) - (graph.length - 1))
  return { "link state: packets/node": flood, "link state: entries": graph.length, "flooding: packets/search": flood }
}

/** A minute during which nothing stays as it is; packets count between nodes that links join at the moment of sending. */
async function measureUnrest({ nodes, seed, maxRoutes, ring, pairs }: MeshChoice, { speed, sessionSeconds }: Unrest): Promise<Row> {
  let radios: Radios | undefined
  const mesh = new MeshWorld({ seed, maxRoutes, ring, draw: (random) => (radios = new Radios(nodes, random)).graph() })
  await mesh.simulation.run(30_000)
  const before = mesh.packets
  const sent: { readonly number: number; readonly shortest: number }[] = []
  const awayUntil = new Map<number, number>()
  let changes = 0
  for (let second = 0; second < restlessSeconds; second++) {
    if (speed > 0 && radios !== undefined) {
      radios.wander(speed * radios.radius)
      mesh.relink(radios.graph())
    }
    changes += comeAndGo(mesh, awayUntil, second, sessionSeconds)
    const { graph, alive } = mesh
    const pieces = piecesOf(graph)
    for (let left = Math.ceil(pairs / restlessSeconds); left > 0; left--) {
      const [from = 0, to = 0] = mesh.random.sample(alive, 2)
      if (pieces[from] === pieces[to]) sent.push({ number: mesh.send(from, to), shortest: distancesFrom(graph, from)[to] ?? 1 })
    }
    await mesh.simulation.run(1_000)
  }
  const packets = mesh.packets - before
  await mesh.simulation.run(flightMs)
  const delivery = mesh.judge(sent)
  const settledMs = await mesh.settle()
  return {
    nodes, "ranges/s": speed, "session s": sessionSeconds === Infinity ? "-" : sessionSeconds, "deaths and arrivals": changes,
    "delivered %": shareOf(delivery), stretch: shown(delivery.stretch), "packets/node/s": round(packets / nodes / restlessSeconds),
    "settles after s": settledMs === undefined ? `not (${mesh.misplaced()} misplaced)` : (settledMs + flightMs) / 1000,
  }
}

/** Who dies in this second, and who comes back; how many that were. */
function comeAndGo(mesh: MeshWorld, awayUntil: Map<number, number>, second: number, sessionSeconds: number): number {
  if (sessionSeconds === Infinity) return 0
  let changes = 0
  for (const [at, until] of awayUntil) {
    if (until > second) continue
    awayUntil.delete(at)
    mesh.revive(at)
    changes++
  }
  for (const at of mesh.alive) {
    if (!mesh.random.chance(1 / sessionSeconds)) continue
    mesh.end(at)
    awayUntil.set(at, second + 1 + mesh.random.exponential(awayShare * sessionSeconds))
    changes++
  }
  return changes
}

function shareOf({ delivered, sent }: Delivery): string {
  return ((100 * delivered) / sent).toFixed(2)
}

function shown([median, high]: readonly [number, number]): string {
  return `${round(median)} / ${round(high)}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function numbers(list: string): number[] {
  return list.split(",").map(Number)
}

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" }, graph: { type: "string", default: "geometric" }, pairs: { type: "string", default: "1000" }, rounds: { type: "string", default: "5" },
    routes: { type: "string", default: "256" }, seed: { type: "string", default: "1" }, speed: { type: "string" }, session: { type: "string" },
    ring: { type: "string", default: "linearization" }, rows: { type: "string" }, formed: { type: "boolean", default: false },
    asking: { type: "string", default: "1" }, overload: { type: "boolean", default: false }, still: { type: "boolean", default: false }, json: { type: "boolean" }, svg: { type: "string" },
  },
})
const kind = graphKinds.find((one) => one === values.graph)
if (kind === undefined) throw new Error(`--graph: expected ${graphKinds.join(", ")}, found ${values.graph}`)
const ring = (["linearization", "isprp"] as const).find((one) => one === values.ring)
if (ring === undefined) throw new Error(`--ring: expected linearization, isprp, found ${values.ring}`)
const rows: Row[] = values.rows === undefined ? [] : readFileSync(values.rows, "utf8").trim().split("\n").map((line) => JSON.parse(line) as Row)
for (const nodes of numbers(values.nodes).filter((count) => count > 0)) {
  const startedAt = performance.now()
  const choice = { nodes, kind, ring, pairs: Number(values.pairs), warmRounds: Number(values.rounds), maxRoutes: Number(values.routes), seed: Number(values.seed), isStill: values.still, isFormed: values.formed, asking: Number(values.asking) }
  const unrests = [
    ...numbers(values.speed ?? "").filter((speed) => speed > 0).map((speed) => ({ speed, sessionSeconds: Infinity })),
    ...numbers(values.session ?? "").filter((seconds) => seconds > 0).map((sessionSeconds) => ({ speed: 0, sessionSeconds })),
  ]
  const found = values.overload ? await measureOverload(nodes, choice) : unrests.length === 0 ? [await measure(choice)] : []
  for (const unrest of unrests) found.push(await measureUnrest(choice, unrest))
  for (const row of found) {
    rows.push(row)
    if (values.json === true) process.stdout.write(`${JSON.stringify(row)}\n`)
    else process.stdout.write(`${Object.entries(row).map(([name, value]) => `${name.padEnd(26)} ${value}\n`).join("")}\n`)
  }
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`)
}
if (values.svg !== undefined) {
  const y = ["99 %, cold", "median stretch, cold", "99 %, warm", "median stretch, warm"]
  const chart = { title: "Links travelled, against the shortest way", x: { column: "nodes", scale: "log" }, y, unit: "stretch" } as const
  writeFileSync(values.svg, await drawChart(chart, rows.map((row) => ({ ...row, backend: "ssr", label: "" }))))
}

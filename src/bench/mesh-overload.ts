/** A mesh whose links carry only so much, and is asked for more and more: what arrives, what is dropped, and whether all is well afterwards. */
import { drawGraph } from "./mesh-graphs.ts"
import type { Sent } from "./mesh-tracks.ts"
import type { MeshWorldOptions } from "./mesh-world.ts"
import { MeshWorld, flightMs } from "./mesh-world.ts"

/** Of each link, each way. */
const packetsPerSecond = 100
/** Packets that each node sends in a second, to nodes drawn by chance. */
const loads = [1, 4, 16, 64]
const seconds = 5
const stepMs = 10

type Row = Readonly<Record<string, string | number>>

/** A line for each load, and one for afterwards. */
export async function measureOverload(nodes: number, options: Omit<MeshWorldOptions, "draw" | "packetsPerSecond">): Promise<Row[]> {
  const mesh = new MeshWorld({ ...options, packetsPerSecond, draw: (random) => drawGraph("geometric", nodes, random) })
  await mesh.settle()
  await mesh.simulation.run(30_000)
  const rows: Row[] = []
  for (const load of loads) rows.push(await measureLoad(mesh, load))
  await mesh.simulation.run(30_000)
  const { delivered, sent } = await mesh.deliver(mesh.drawPairs(500))
  rows.push({ "packets/s/node": "afterwards", "delivered %": ((100 * delivered) / sent).toFixed(2), "misplaced": mesh.misplaced() })
  return rows
}

async function measureLoad(mesh: MeshWorld, load: number): Promise<Row> {
  const before = dropped(mesh)
  const sent: Sent[] = []
  const count = mesh.graph.length * load * seconds
  for (let step = 0; step < (1000 * seconds) / stepMs; step++) {
    const due = Math.round((count * (step + 1) * stepMs) / (1000 * seconds)) - sent.length
    for (const [from, to] of mesh.drawPairs(due)) sent.push({ number: mesh.send(from, to), shortest: 1 })
    await mesh.simulation.run(stepMs)
  }
  await mesh.simulation.run(flightMs)
  const { delivered } = mesh.judge(sent)
  return {
    "packets/s/node": load, "delivered %": ((100 * delivered) / count).toFixed(2),
    "delivered/s/node": Math.round((100 * delivered) / mesh.graph.length / seconds) / 100,
    "dropped, queue full": dropped(mesh) - before, "misplaced": mesh.misplaced(),
  }
}

function dropped(mesh: MeshWorld): number {
  return mesh.simulation.metrics.count(`p2psip_ssr_dropped_packets_total{reason="queue full"}`)
}

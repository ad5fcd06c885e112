/** Then and now as one HTML page: Table 6.1, and Figures 6.9 to 6.14. */
import { render } from "../sim/chart.ts"
import { chartConfig } from "./charts.ts"
import { readable } from "./figures.ts"
import { escaped, table } from "./html.ts"
import type { Report } from "./model.ts"
import { doubts, pageOf } from "./page.ts"
import { figures, implementations, sessionFigures, table61 } from "./seeds-2007.ts"
import type { Deployment, Figure } from "./seeds-2007.ts"
import { agentCounts, doneNow, sessionSeconds, sessionSteps } from "./seeds.ts"

const colours = ["#0072B2", "#E69F00", "#009E73"]
const deployments: readonly Deployment[] = ["single server", "distributed", "load-balanced"]

/** The page. */
export async function writeSeedsPage(report: Report): Promise<string> {
  const drawn: string[] = []
  for (const figure of figures) drawn.push(await figureCard(report, figure))
  const { machine } = report
  return pageOf("p2psip bench seeds: then and now", report, `<h1>Then and now</h1>
<p class="soft">How many registrations and calls a second a few peers could do in 2007, as Jean-François Wauthy measured them, and can do here. Then: OpenChord and Bamboo
in Java, one or two nodes on each of up to five servers with two 3.06 GHz Xeons. Now: all nodes, and the program that makes the load, on one machine:
${escaped(machine.processor)}, ${machine.processors} processors, Node ${escaped(machine.node)}; p2psip ${escaped(report.version)}${report.commit === undefined ? "" : `, commit ${escaped(report.commit)}`}, ${escaped(report.startedAt.slice(0, 10))}.</p>
${doubts(report)}
<div class="card"><h3>Table 6.1: registrations a second with two nodes</h3>
<p class="caption">The larger figure is now, the smaller one then. Two copies of a registration are made before it is answered, three in all; OpenChord and Bamboo answered as their defaults were.</p>
${table(["", ...implementations.map(({ then, now }) => `${escaped(now)}<br><small>then ${escaped(then)}</small>`)], deployments.map((deployment) => tableRow(report, deployment)))}</div>
<h2>Figures 6.9 to 6.14</h2>
<p class="soft">Lines are now: 128 requests under way at any time. Diamonds are then, where the text gives a number; the rest of those curves was printed as a picture only.
With one machine for all, more nodes share the same processors: a line that falls tells what a further copy and a further hop cost, not how an overlay grows.</p>
${drawn.join("\n")}
${sessions(report)}`)
}

/** His test of the Session Registry: how long each step takes. */
function sessions(report: Report): string {
  const sides = implementations.map(({ now }) => now).filter((now) => agentCounts.some((agents) => sessionSeconds(report, now, "session-create", agents) !== undefined))
  if (sides.length === 0) return ""
  const columns = sides.flatMap((side) => agentCounts.map((agents) => ({ side, agents })))
  const rows = sessionSteps.map((step) => {
    const { number, title, then } = sessionFigures[step]
    const cells = columns.map(({ side, agents }) => {
      const seconds = sessionSeconds(report, side, step, agents)
      return seconds === undefined ? "–" : `${readable(seconds.median)} s`
    })
    return [`${escaped(title)}<span class="about">Figure ${number}, then: ${escaped(then)}</span>`, ...cells]
  })
  return `<h2>Session Registry</h2>
<p class="soft">Section 4.7: 3,500 sessions to warm up, then 7,500 created, retrieved and destroyed, asked of the first agent, 128 at a time. Each agent is a peer.</p>
<div class="card">${table(["", ...columns.map(({ side, agents }) => `${escaped(side)},<br>${agents} agents`)], rows)}</div>`
}

function tableRow(report: Report, deployment: Deployment): string[] {
  const cells = implementations.map((implementation) => {
    const now = doneNow(report, deployment, "registration", implementation, 2)
    const then = table61[deployment][implementation.then]
    const times = now === undefined ? "" : `, × ${readable(now.median / then)}`
    return `<span class="best">${now === undefined ? "–" : readable(now.median)}</span><br><small>then ${then.toLocaleString("en")}${times}</small>`
  })
  return [escaped(deployment), ...cells]
}

async function figureCard(report: Report, figure: Figure): Promise<string> {
  const { number, title, stated, remark, deployment, scenario } = figure
  const nodes = [...new Set(report.question.setups.map(({ peers }) => peers))]
  const now = nodes.flatMap((count) => implementations.flatMap((implementation) => {
    const done = doneNow(report, deployment, scenario, implementation, count)
    return done === undefined ? [] : [{ side: implementation.now, nodes: count, perSecond: done.median, least: done.least, most: done.most }]
  }))
  const then = stated.map(({ implementation, nodes, perSecond }) => ({
    side: implementations.find(({ then }) => then === implementation)?.now ?? "", nodes, perSecond,
  }))
  const svg = await render(specOf(now, then, scenario === "call" ? "calls per second" : "registrations per second"))
  return `<div class="card"><h3>Figure ${number}: ${escaped(title)}</h3>
<p class="caption">${remark === undefined ? "Diamonds: 2007." : `Then: ${escaped(remark)}.`}</p>${svg}</div>`
}

interface Point {
  readonly side: string
  readonly nodes: number
  readonly perSecond: number
}

function specOf(now: readonly Point[], then: readonly Point[], title: string): object {
  const sides = implementations.map((implementation) => implementation.now)
  const x = { field: "nodes", type: "quantitative", title: "nodes", axis: { tickMinStep: 1, format: "d" }, scale: { nice: false, padding: 16 } }
  const y = { field: "perSecond", type: "quantitative", title, scale: { type: "log", nice: false, padding: 12 }, axis: { format: ",d", tickCount: 6 } }
  const color = { field: "side", type: "nominal", title: null, scale: { domain: sides, range: colours } }
  return {
    width: 640,
    height: 240,
    layer: [
      { data: { values: now }, mark: { type: "line", strokeWidth: 2, point: { size: 60, filled: true } }, encoding: { x, y, color } },
      { data: { values: then }, mark: { type: "point", shape: "diamond", size: 130, strokeWidth: 2, filled: false }, encoding: { x, y, color } },
    ],
    config: chartConfig,
  }
}

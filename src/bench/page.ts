/** A report as one HTML page that needs nothing else: charts, tables, the machine, the commit, and the raw data. */
import { differences, obstacles } from "./against.ts"
import type { Difference } from "./against.ts"
import { coloursOf, drawSetup, drawSimulated } from "./charts.ts"
import type { Drawing } from "./charts.ts"
import { cpu, describeSetup, failed, figureOf, isFlatOut, measurementOf, median, memory, p99, rate, readable, setupsOf, sidesOf, upkeepBytes, upkeepCpu, workloadsOf } from "./figures.ts"
import type { Metric } from "./figures.ts"
import { leaders, sentences } from "./findings.ts"
import { growthOf } from "./growth.ts"
import type { GrowthTable } from "./growth.ts"
import { escaped, jsonForScript, list, table } from "./html.ts"
import type { Report, Setup, WorkloadName } from "./model.ts"
import { pageStyle } from "./page-style.ts"
import { outsidePeers } from "./peers/index.ts"
import type { Spread } from "./statistics.ts"
import { workloadOf } from "./workloads.ts"

/** The page; with an earlier report also what has changed since. */
export async function writePage(report: Report, earlier?: Report): Promise<string> {
  const parts = [
    header(report),
    doubts(report),
    inShort(report),
    ...(earlier === undefined ? [] : [since(earlier, report)]),
    ...(await Promise.all(setupsOf(report).map((setup) => setupSection(report, setup)))),
    ...growthOf(report).map(growthSection),
    await simulatedSection(report),
    method(report),
  ]
  return pageOf(titleOf(report), report, parts.filter((part) => part !== "").join("\n"))
}

/** A page around what is said, with the data in it. */
export function pageOf(title: string, report: Report, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${pageStyle}</style>
</head>
<body><main>
${body}
</main>
<script type="application/json" id="report">${jsonForScript(report)}</script>
</body>
</html>
`
}

function titleOf(report: Report): string {
  const sides = sidesOf(report)
  return sides.length === 0 ? "p2psip bench: nothing was measured" : `p2psip bench: ${sides.join(", ")}`
}

function header(report: Report): string {
  const { machine, question, startedAt, seconds, version, commit } = report
  const sides = sidesOf(report)
  const names = sides.length < 2 ? sides.join("") : `${sides.slice(0, -1).join(", ")} and ${sides.at(-1)}`
  const colours = coloursOf(sides)
  const sizes = question.simulatedPeers.map((peers) => peers.toLocaleString("en"))
  const setups = [...question.setups.map(describeSetup), ...(sizes.length === 0 ? [] : [`simulated, with ${sizes.join(", ")} peers`])]
  const legend = sides.map((side) => `<span class="dot" style="background:${colours[side]}"></span>${escaped(side)}`).join(" &nbsp; ")
  return `<h1>${escaped(names)}</h1>
<p class="soft">What registrations, calls and look-ups cost with p2psip, SIP from peer to peer: measured by <code>p2psip bench compare</code> on ${escaped(startedAt.slice(0, 16).replace("T", " "))} UTC in ${seconds < 90 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`}.</p>
<div class="card"><dl>
<dt>Sides</dt><dd>${legend}</dd>
<dt>Set-ups</dt><dd>${escaped(setups.join("; "))}</dd>
<dt>Runs</dt><dd>${question.rounds} of ${question.seconds} s each, sides in turn; before each ${question.warmUpSeconds} s to warm up; ${question.users.toLocaleString("en")} users</dd>
<dt>Machine</dt><dd>${escaped(machine.processor)}, ${machine.processors} processors, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ${escaped(machine.system)}; Node ${escaped(machine.node)}</dd>
<dt>Version</dt><dd>p2psip ${escaped(version)}${commit === undefined ? "" : `, commit ${escaped(commit)}${commit.endsWith("+") ? " with changes" : ""}`}</dd>
</dl></div>`
}

/** What makes figures worse, or is missing. */
export function doubts(report: Report): string {
  const { machine } = report
  const lines = report.flaws.map(({ side, round, what }) => `${side}${round === undefined ? "" : `, run ${round}`}: ${what}`)
  if (machine.loadBefore > machine.processors / 2) {
    lines.unshift(`The machine was busy before the bench began (load ${readable(machine.loadBefore)} on ${machine.processors} processors): times are longer than they would be alone.`)
  }
  const lagging = report.measurements.filter(({ runs }) => runs.some(({ lagMs }) => lagMs > 20)).map(({ side, workload }) => `${side} ${workload}`)
  if (lagging.length > 0) lines.push(`The load itself came late, by more than 20 ms, with ${lagging.slice(0, 8).join(", ")}${lagging.length > 8 ? " and others" : ""}: their response times tell of the machine as well.`)
  const incomplete = report.measurements.filter(({ runs }) => runs.length < report.question.rounds)
  if (incomplete.length > 0) lines.push(`Not all runs came about: ${[...new Set(incomplete.map(({ side }) => side))].join(", ")}.`)
  const skipped = report.skipped.map(({ side, what }) => `${side} was skipped: ${what}`)
  if (lines.length === 0 && skipped.length === 0) return ""
  return `<div class="card warning"><h3>Before you trust the figures</h3>${list([...lines, ...skipped])}</div>`
}

function inShort(report: Report): string {
  const said = sentences(report)
  if (said.length === 0) return ""
  return `<h2>In short</h2>
<p class="soft">Two figures count as different when the ranges of their runs do not touch.</p>
<div class="card">${list(said)}</div>`
}

async function setupSection(report: Report, setup: Setup): Promise<string> {
  const drawings = await drawSetup(report, setup)
  return `<h2>${escaped(capital(describeSetup(setup)))}</h2>
<p class="soft">${setup.kind === "processes" ? "Each peer a process of its own, over libp2p on loopback; phones by SIP over UDP." : "All peers in one process over the memory Link: what algorithm and storage cost without a network. No SIP."}</p>
${matrix(report, setup)}
${drawings.map(card).join("\n")}
${upkeep(report, setup)}
${everything(report, setup)}`
}

function card({ title, caption, svg }: Drawing): string {
  return `<div class="card"><h3>${escaped(title)}</h3><p class="caption">${escaped(caption)}</p>${svg}</div>`
}

/** Workloads by sides: the figure that counts most. */
function matrix(report: Report, setup: Setup): string {
  const workloads = workloadsOf(report, setup).filter((workload) => workload !== "idle")
  if (workloads.length === 0) return ""
  const sides = sidesOf(report).filter((side) => workloads.some((workload) => measurementOf(report, side, workload, setup) !== undefined))
  const rows = workloads.map((workload) => {
    const metric = isFlatOut(workload) ? rate : cpu
    const ahead = leaders(report, setup, workload, metric)
    const cells = sides.map((side) => {
      const measurement = measurementOf(report, side, workload, setup)
      const figure = measurement === undefined ? undefined : figureOf(measurement, metric)
      return cell(figure, ahead.has(side))
    })
    const { title, about, perSecond } = workloadOf(workload)
    const [unit, how] = isFlatOut(workload) ? ["per second", about] : ["µs", `${about}; ${readable(perSecond * report.question.rateFactor)} a second`]
    return [`${escaped(title)}, ${unit}<span class="about">${escaped(how)}</span>`, ...cells]
  })
  return `<div class="card"><h3>CPU time per operation, and how many can be done</h3>
<p class="caption">Medians over the runs, the least and the most beneath; in bold the best, and what is not clearly apart from it. Microseconds (µs) of all processes of a side, or operations per second.</p>
${table(["", ...sides.map(escaped)], rows)}</div>`
}

function upkeep(report: Report, setup: Setup): string {
  const sides = sidesOf(report).filter((side) => measurementOf(report, side, "idle", setup) !== undefined)
  if (sides.length === 0) return ""
  const rows = [upkeepCpu, upkeepBytes, memory].map((metric) => [
    `${escaped(metric.title)}, ${escaped(metric.unit)}`, ...sides.map((side) => cellOf(report, side, "idle", setup, metric)),
  ])
  return `<div class="card"><h3>What peers cost when nobody asks</h3>
<p class="caption">After ${report.question.users.toLocaleString("en")} users have registered. A young process still compiles and collects garbage: in a longer run this gets less.</p>
${table(["", ...sides.map(escaped)], rows)}</div>`
}

function cellOf(report: Report, side: string, workload: WorkloadName, setup: Setup, metric: Metric): string {
  const measurement = measurementOf(report, side, workload, setup)
  return cell(measurement === undefined ? undefined : figureOf(measurement, metric), false)
}

function cell(figure: Spread | undefined, isBest: boolean): string {
  if (figure === undefined) return "–"
  const middle = `<span${isBest ? ' class="best"' : ""}>${readable(figure.median)}</span>`
  return figure.count < 2 ? middle : `${middle}<br><small>${readable(figure.least)} – ${readable(figure.most)}</small>`
}

/** All figures of a set-up, folded away. */
function everything(report: Report, setup: Setup): string {
  const metrics = [cpu, median, p99, rate, failed]
  const rows = report.measurements.filter((one) => describeSetup(one.setup) === describeSetup(setup) && one.workload !== "idle").map((one) => [
    `${escaped(workloadOf(one.workload).title)}, ${escaped(one.side)}`,
    ...metrics.map((metric) => cell(isFlatOut(one.workload) && (metric === median || metric === p99) ? undefined : figureOf(one, metric), false)),
    cell(figureOf(one, { ...rate, of: (run) => run.lagMs }), false),
  ])
  const head = ["", "CPU µs", "median ms", "99 % ms", "done/s", "failed %", "load late ms"]
  return `<details><summary>All figures: ${escaped(describeSetup(setup))}</summary><div class="card">${table(head, rows)}</div></details>`
}

/** One operation in small overlays and in large ones. */
function growthSection({ setup: { kind, entry, storage }, peers, rows }: GrowthTable): string {
  const where = `${kind === "processes" ? "a process each" : "in one process"}${entry === "first" ? ", all asked of the first" : ""}${storage === "sqlite" ? ", on disk" : ""}`
  const lines = rows.map(({ side, workload, sizes, ratio }) => [
    `${escaped(side)}, ${escaped(workloadOf(workload).title)}`,
    ...peers.map((count) => cell(sizes.find((size) => size.peers === count)?.figure, false)), `${readable(ratio)} ×`,
  ])
  return `<h2>By number of peers, ${where}</h2>
<div class="card"><h3>CPU time per operation</h3>
<p class="caption">Microseconds of all processes of a side; at last, how many times as much with the most peers as with the fewest. All share the processors of this machine.</p>
${table(["", ...peers.map((count) => (count === 1 ? "one peer" : `${count} peers`)), ""], lines)}</div>`
}

async function simulatedSection(report: Report): Promise<string> {
  const drawing = await drawSimulated(report)
  if (drawing === undefined) return ""
  const rows = report.simulated.map(({ side, peers, hasTable, hops, medianMs, p99Ms, failed, bytesPerPeerSecond }) => [
    `${escaped(side)}, ${peers.toLocaleString("en")} peers${hasTable ? "" : ", no table"}`,
    readable(hops), readable(medianMs), readable(p99Ms), String(failed), readable(bytesPerPeerSecond),
  ])
  return `<h2>Simulated</h2>${card(drawing)}
<div class="card">${table(["", "peers asked", "median ms", "99 % ms", "failed", "bytes/s each"], rows)}</div>`
}

/** What has changed since an earlier report. */
function since(earlier: Report, report: Report): string {
  const found = differences(earlier, report)
  const warnings = obstacles(earlier, report)
  const clear = found.filter(({ verdict }) => verdict !== "noise")
  const noisy = found.filter(({ verdict }) => verdict === "noise")
  const head = ["", "then", "now", "change", "noise"]
  return `<h2>Since ${escaped(earlier.startedAt.slice(0, 10))}${earlier.commit === undefined ? "" : `, commit ${escaped(earlier.commit)}`}</h2>
<p class="soft">${clear.length} of ${found.length} figures have changed by more than the noise of their runs.</p>
${warnings.length === 0 ? "" : `<div class="card warning"><h3>The two are not alike</h3>${list(warnings)}</div>`}
${clear.length === 0 ? "" : `<div class="card">${table(head, clear.map(differenceRow))}</div>`}
<details><summary>The other ${noisy.length}: within the noise</summary><div class="card">${table(head, noisy.map(differenceRow))}</div></details>`
}

function differenceRow({ side, setup, workload, metric, earlier, later, change, verdict }: Difference): string[] {
  const percent = `${change.ratio >= 1 ? "+" : "−"}${readable(Math.abs(change.ratio - 1) * 100)} %`
  return [
    `${escaped(side)}, ${escaped(workloadOf(workload).title)}: ${escaped(metric.title)}<span class="about">${escaped(describeSetup(setup))}</span>`,
    `${readable(earlier.median)} ${escaped(metric.unit)}`, `${readable(later.median)} ${escaped(metric.unit)}`,
    `<span class="${verdict}">${percent}</span>`, `± ${readable(change.noise * 100)} %`,
  ]
}

function method(report: Report): string {
  return `<h2>How this was measured</h2>
<div class="card">
<ul class="plain">
<li>Requests come at random moments with a fixed mean rate, whether or not earlier ones have been answered, and their time runs from the moment at which they were due: a stall shows in every request that it held up.</li>
<li>CPU time is that of all processes of a side, what the overlay does of its own accord included. The program that makes the load is not counted, except for look-ups and puts, which a peer's own process begins.</li>
<li>In each run every side is started afresh: new identifiers, new processes. The order of the sides changes from run to run.</li>
<li>Peers run with the defaults of the configuration: three copies of each record, two of them before an answer.</li>
</ul>
${abouts(report)}
<p>Run it again:</p><pre>${escaped(commandOf(report))}</pre>
<p class="soft">The whole data is in this page, in the element <code>report</code>, and can be had as a file with <code>--json</code>; <code>--against FILE</code> then shows what has changed.</p>
</div>`
}

/** What is not alike between the backends and programs of others. */
function abouts(report: Report): string {
  const known = sidesOf(report).flatMap((side) => outsidePeers[side] ?? [])
  return known.length === 0 ? "" : `<p>Programs of others do not all do the same work:</p>${list(known.map(({ name, about }) => (about.startsWith(name) ? about : `${name}: ${about}`)))}`
}

/** The command that asks the same question. */
export function commandOf({ question }: Report): string {
  const { backends, outside, workloads, setups, rounds, seconds, warmUpSeconds, users, simulatedPeers, rateFactor } = question
  const one = (values: readonly (string | number)[]): string => [...new Set(values)].join(",")
  const kinds = [...new Set(setups.map(({ kind }) => kind)), ...(simulatedPeers.length > 0 ? ["simulated"] : [])]
  return [
    "p2psip bench compare", `--backends ${backends.join(",")}`, ...(outside.length > 0 ? [`--others ${outside.join(",")}`] : []),
    `--workloads ${workloads.join(",")}`, `--setups ${kinds.join(",")}`,
    ...(setups.length > 0 ? [`--peers ${one(setups.map(({ peers }) => peers))}`, `--entry ${one(setups.map(({ entry }) => entry))}`, `--storage ${one(setups.map(({ storage }) => storage))}`] : []),
    ...(simulatedPeers.length > 0 ? [`--simulated ${simulatedPeers.join(",")}`] : []),
    `--runs ${rounds} --seconds ${seconds} --warm-up ${warmUpSeconds} --users ${users} --rate-factor ${rateFactor}`,
  ].join(" \\\n  ")
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

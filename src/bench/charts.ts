/** The charts of a report, as SVG by vega-lite. */
import { render } from "../sim/chart.ts"
import { cpu, figureOf, isFlatOut, measurementOf, median, p99, rate, sidesOf, workloadsOf } from "./figures.ts"
import { quantiles } from "./model.ts"
import type { Report, Setup, WorkloadName } from "./model.ts"
import { spreadOf } from "./statistics.ts"
import { workloadOf } from "./workloads.ts"

/** Okabe and Ito's colours, which people with other eyes tell apart as well. */
const palette = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#555555", "#B8A800"]

/** A chart and what to say beneath it. */
export interface Drawing {
  readonly title: string
  readonly caption: string
  readonly svg: string
}

const plotWidth = 640
/** What all charts have in common. */
export const chartConfig = {
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: { labelFontSize: 13, titleFontSize: 13, titleFontWeight: "normal", gridColor: "#e8e8e8", domain: false, ticks: false, labelPadding: 6, titlePadding: 10 },
  legend: { labelFontSize: 13, labelLimit: 300, orient: "top", title: null, symbolType: "circle", symbolSize: 110 },
}

/** The colour of each side: the same in every chart. */
export function coloursOf(sides: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(sides.map((side, at) => [side, palette[at % palette.length] ?? "#000000"]))
}

/** All charts of one set-up; those for which there are no figures are left out. */
export async function drawSetup(report: Report, setup: Setup): Promise<Drawing[]> {
  const workloads = workloadsOf(report, setup).filter((workload) => workload !== "idle")
  const [paced, flatOut] = [workloads.filter((workload) => !isFlatOut(workload)), workloads.filter(isFlatOut)]
  const drawings: Drawing[] = []
  if (paced.length > 0) {
    drawings.push({
      title: "CPU time per operation",
      caption: "Of all processes of a side together, upkeep included. Dots are medians, lines reach from the best run to the worst. Shorter is better.",
      svg: await render(ranges(report, rowsOf(report, setup, paced, cpu), { title: "µs (logarithmic)", isLog: true })),
    })
    drawings.push({
      title: "Response time",
      caption: "From the median (dot) to the 99th percentile (end of the line), each the median of all runs; counted from the moment at which a request was due. Shorter is better.",
      svg: await render(ranges(report, latencyRows(report, setup, paced), { title: "ms (logarithmic)", isLog: true })),
    })
    drawings.push({
      title: "Response time by percentile",
      caption: "How many requests were answered within what time: further right are the rare slow ones. All runs together. Lower is better.",
      svg: await render(curves(report, setup, paced)),
    })
  }
  if (flatOut.length > 0) {
    drawings.push({
      title: "As many as can be done",
      caption: "128 requests under way at any time, all processes and the load on the same processors. Dots are medians, lines reach from the worst run to the best. Longer is better.",
      svg: await render(ranges(report, rowsOf(report, setup, flatOut, rate), { title: "operations per second", isLog: false })),
    }, {
      title: "CPU time per operation, flat out",
      caption: "As above, but of busy processes: messages come in batches, and share what waking up, reading and writing cost. Shorter is better.",
      svg: await render(ranges(report, rowsOf(report, setup, flatOut, cpu), { title: "µs (logarithmic)", isLog: true })),
    })
  }
  return drawings
}

/** Hops and bytes of simulated overlays against their size; undefined where none were simulated. */
export async function drawSimulated(report: Report): Promise<Drawing | undefined> {
  const { simulated } = report
  if (simulated.length === 0) return undefined
  const panel = (field: string, title: string): object => ({
    width: 270,
    height: 200,
    mark: { type: "line", point: { size: 70, filled: true }, strokeWidth: 2 },
    encoding: {
      x: { field: "peers", type: "quantitative", scale: { type: "log", nice: false }, title: "peers", axis: { values: [...new Set(simulated.map(({ peers }) => peers))] } },
      y: { field, type: "quantitative", title, scale: { zero: true } },
      color: colour(report),
      strokeDash: { field: "hasTable", type: "nominal", scale: { domain: [true, false], range: [[1, 0], [5, 4]] }, legend: null },
    },
  })
  const spec = { data: { values: simulated }, hconcat: [panel("hops", "peers asked per operation"), panel("bytesPerPeerSecond", "bytes per peer and second")], config: chartConfig }
  return {
    title: "Larger overlays, simulated",
    caption: "On a virtual clock with delays as on the Internet, and no CPU time. Small overlays have a table of all members (solid lines); without it (dashed) the algorithm shows. Lower is better.",
    svg: await render(spec),
  }
}

interface RangeRow {
  /** Its title. */
  readonly workload: string
  readonly side: string
  readonly dot: number
  readonly from: number
  readonly to: number
}

function rowsOf(report: Report, setup: Setup, workloads: readonly WorkloadName[], metric: typeof cpu): RangeRow[] {
  return everyPair(report, workloads, (workload, side) => {
    const measurement = measurementOf(report, side, workload, setup)
    const figure = measurement === undefined ? undefined : figureOf(measurement, metric)
    return figure === undefined ? undefined : { workload: workloadOf(workload).title, side, dot: figure.median, from: figure.least, to: figure.most }
  })
}

function latencyRows(report: Report, setup: Setup, workloads: readonly WorkloadName[]): RangeRow[] {
  return everyPair(report, workloads, (workload, side) => {
    const measurement = measurementOf(report, side, workload, setup)
    if (measurement === undefined) return undefined
    const [middle, slow] = [figureOf(measurement, median), figureOf(measurement, p99)]
    return middle === undefined || slow === undefined ? undefined : { workload: workloadOf(workload).title, side, dot: middle.median, from: middle.median, to: slow.median }
  })
}

function everyPair<T>(report: Report, workloads: readonly WorkloadName[], read: (workload: WorkloadName, side: string) => T | undefined): T[] {
  return workloads.flatMap((workload) => sidesOf(report).flatMap((side) => read(workload, side) ?? []))
}

/** Dots with lines through them: one band a workload, in it one line a side. */
function ranges(report: Report, rows: readonly RangeRow[], { title, isLog }: { readonly title: string; readonly isLog: boolean }): object {
  const sides = sidesOf(report).filter((side) => rows.some((row) => row.side === side))
  const x = (field: string): object => ({ field, type: "quantitative", title, scale: isLog ? { type: "log", nice: false, padding: 12 } : { zero: true }, axis: { format: isLog ? ",~r" : ",d", tickCount: 6 } })
  const y = { field: "workload", type: "nominal", sort: [...new Set(rows.map(({ workload }) => workload))], title: null, axis: { grid: false, labelLimit: 260 } }
  const yOffset = { field: "side", type: "nominal", sort: sides, scale: { paddingOuter: 0.6 } }
  const color = colour(report, sides)
  return {
    width: plotWidth,
    height: { step: 15 },
    data: { values: rows },
    layer: [
      { mark: { type: "rule", strokeWidth: 3, opacity: 0.45, strokeCap: "round" }, encoding: { y, yOffset, x: x("from"), x2: { field: "to" }, color } },
      { mark: { type: "point", filled: true, size: 75, opacity: 1 }, encoding: { y, yOffset, x: x("dot"), color } },
    ],
    config: chartConfig,
  }
}

/** How far to the right a percentile lies: each nine as far as the one before. */
function nines(part: number): number {
  return -Math.log10(1 - part)
}

function curves(report: Report, setup: Setup, workloads: readonly WorkloadName[]): object {
  const shown = quantiles.filter((part) => part < 1)
  const values = everyPair(report, workloads, (workload, side) => {
    const runs = measurementOf(report, side, workload, setup)?.runs ?? []
    return shown.flatMap((part) => {
      const at = spreadOf(runs.flatMap(({ latencyMs }) => latencyMs[quantiles.indexOf(part)] ?? []))
      return at === undefined ? [] : [{ workload: workloadOf(workload).title, side, nines: nines(part), ms: Math.max(0.01, at.median) }]
    })
  }).flat()
  const label = "datum.value < 0.5 ? '50 %' : datum.value < 1.5 ? '90 %' : datum.value < 2.5 ? '99 %' : '99.9 %'"
  return {
    data: { values },
    facet: { field: "workload", type: "nominal", sort: workloads.map((workload) => workloadOf(workload).title), title: null, header: { labelFontSize: 13, labelFontWeight: "bold" } },
    columns: 3,
    resolve: { axis: { x: "independent" } },
    spec: {
      width: 210,
      height: 150,
      mark: { type: "line", strokeWidth: 2, interpolate: "monotone" },
      encoding: {
        x: { field: "nines", type: "quantitative", title: null, axis: { values: [0.30103, 1, 2, 3], labelExpr: label, labelOverlap: false, labelFontSize: 12 } },
        y: { field: "ms", type: "quantitative", scale: { type: "log" }, title: "ms", axis: { format: "~g", tickCount: 5 } },
        color: colour(report, sidesOf(report).filter((side) => values.some((value) => value.side === side))),
      },
    },
    config: chartConfig,
  }
}

function colour(report: Report, sides: readonly string[] = sidesOf(report)): object {
  const colours = coloursOf(sidesOf(report))
  return { field: "side", type: "nominal", title: null, scale: { domain: sides, range: sides.map((side) => colours[side]) } }
}

/** Tables of an experiment's reports, for people and for charts. */
import type { Row } from "./chart.ts"
import type { Bar, Experiment, Trial } from "./experiments/index.ts"
import type { ScenarioReport } from "./report.ts"

/** One trial's line. */
export function rowOf(experiment: Experiment, { label, series, scenario }: Trial, report: ScenarioReport, backend = "chord"): Row {
  const columns = Object.entries(experiment.columns).map(([name, read]) => [name, read(report)])
  return { label, ...(series === undefined ? {} : { series }), backend, peers: scenario.peers, ...(Object.fromEntries(columns) as Row) }
}

/** Markdown, with columns of even width. */
export function formatTable(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "series")
  const lines = [names.map((name) => (name === "label" ? "" : name)), ...rows.map((row) => names.map((name) => formatCell(row[name])))]
  const widths = names.map((_, at) => Math.max(3, ...lines.map((line) => line[at]?.length ?? 0)))
  const format = (cells: readonly string[]): string => `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`
  const rule = `|${widths.map((width, at) => (at === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`
  return [format(lines[0] ?? []), rule, ...lines.slice(1).map(format)].join("\n")
}

/** A bar and what was found: reached or not. Bars of trials that did not run are left out. */
export function judgeBars(bars: readonly Bar[], rows: readonly Row[]): { readonly text: string; readonly isReached: boolean }[] {
  return bars.flatMap(({ label, column, backend, atLeast = -Infinity, atMost = Infinity }) => {
    const held = rows.filter((row) => row["label"] === label && (backend === undefined || row["backend"] === backend))
    return held.flatMap((row) => {
      const found = row[column]
      if (typeof found !== "number") return []
      const isReached = found >= atLeast && found <= atMost
      const bound = atLeast === -Infinity ? `at most ${formatCell(atMost)}` : `at least ${formatCell(atLeast)}`
      return [{ isReached, text: `${isReached ? "reached" : "MISSED "}  ${row["backend"]}, ${label}: ${column} ${bound}, found ${formatCell(found)}` }]
    })
  })
}

function formatCell(value: string | number | undefined): string {
  if (typeof value !== "number") return value ?? ""
  if (Number.isInteger(value)) return String(value)
  return value >= 1000 ? value.toFixed(0) : value >= 99 ? value.toFixed(3).replace(/0+$/, "").replace(/\.$/, "") : value.toFixed(2)
}

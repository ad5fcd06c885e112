/** A report as a table for a terminal. */
import { formatTable } from "../sim/table.ts"
import { cpu, describeSetup, failed, figureOf, isFlatOut, median, p99, rate } from "./figures.ts"
import type { Report } from "./model.ts"

/** Medians, a line for each workload and side. */
export function summaryTable(report: Report): string {
  const rows = report.measurements.filter(({ workload }) => workload !== "idle").map((one) => {
    const isTimed = !isFlatOut(one.workload)
    return {
      label: `${one.workload}, ${one.side}`,
      "set-up": describeSetup(one.setup),
      "CPU µs": figureOf(one, cpu)?.median,
      "median ms": isTimed ? figureOf(one, median)?.median : undefined,
      "99 % ms": isTimed ? figureOf(one, p99)?.median : undefined,
      "done/s": figureOf(one, rate)?.median,
      "failed %": figureOf(one, failed)?.median,
    }
  })
  return rows.length === 0 ? "nothing was measured" : formatTable(rows)
}

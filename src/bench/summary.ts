/** A report as a table for a terminal. */
import type { Row } from "../sim/chart.ts"
import { formatTable } from "../sim/table.ts"
import { cpu, describeSetup, failed, figureOf, isFlatOut, median, p99, rate } from "./figures.ts"
import type { Report } from "./model.ts"

/** Medians, a line for each workload and side; simulated overlays in a table of their own. */
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
  const tables = [rows, simulatedRows(report)].filter(({ length }) => length > 0).map(formatTable)
  return tables.length === 0 ? "nothing was measured" : tables.join("\n\n")
}

function simulatedRows({ simulated }: Report): Row[] {
  return simulated.map(({ side, peers, hasTable, hops, medianMs, p99Ms, failed: unanswered, bytesPerPeerSecond }) => ({
    label: `simulated, ${side}${hasTable ? "" : ", no table"}`,
    peers,
    "peers asked": hops,
    "median ms": medianMs,
    "99 % ms": p99Ms,
    failed: unanswered,
    "bytes/s each": bytesPerPeerSecond,
  }))
}

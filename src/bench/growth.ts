/** What an operation costs by the number of peers: set-ups of a report that differ in nothing else. Pure. */
import { cpu, figureOf, sidesOf } from "./figures.ts"
import type { Measurement, Report, Setup, WorkloadName } from "./model.ts"
import type { Spread } from "./statistics.ts"

/** One side and workload. */
export interface Growth {
  readonly side: string
  readonly workload: WorkloadName
  /** CPU time per operation, from the fewest peers to the most. */
  readonly sizes: readonly { readonly peers: number; readonly figure: Spread }[]
  /** The last median by the first. */
  readonly ratio: number
}

/** Set-ups that differ in the number of peers alone, with whatever was measured at several of them. */
export interface GrowthTable {
  readonly setup: Omit<Setup, "peers">
  /** Ascending. */
  readonly peers: readonly number[]
  readonly rows: readonly Growth[]
}

/** One table for each such group; none where all overlays were of one size. */
export function growthOf(report: Report): GrowthTable[] {
  const groups = Map.groupBy(report.measurements.filter(({ workload }) => workload !== "idle"), ({ setup: { kind, entry, storage } }) => `${kind} ${entry} ${storage}`)
  return [...groups.values()].flatMap((group) => {
    const peers = [...new Set(group.map(({ setup }) => setup.peers))].sort((a, b) => a - b)
    const [first] = group
    const rows = sidesOf(report).flatMap((side) => rowsOf(group.filter((one) => one.side === side), side))
    return first === undefined || rows.length === 0 ? [] : [{ setup: first.setup, peers, rows }]
  })
}

function rowsOf(group: readonly Measurement[], side: string): Growth[] {
  return [...new Set(group.map(({ workload }) => workload))].flatMap((workload) => {
    const found = group.filter((one) => one.workload === workload).flatMap((one) => {
      const figure = figureOf(one, cpu)
      return figure === undefined ? [] : [{ peers: one.setup.peers, figure }]
    })
    const sizes = found.sort((a, b) => a.peers - b.peers)
    const [least, most] = [sizes[0], sizes.at(-1)]
    return least === undefined || most === undefined || sizes.length < 2 ? [] : [{ side, workload, sizes, ratio: most.figure.median / least.figure.median }]
  })
}

import { expect, test } from "vitest"
import { growthOf } from "../../../src/bench/growth.ts"
import type { Measurement, Setup } from "../../../src/bench/model.ts"
import { writePage } from "../../../src/bench/page.ts"
import { measured, reportOf, setup } from "./reports.ts"

const at = (peers: number, one: Measurement, rest: Partial<Setup> = {}): Measurement => ({ ...one, setup: { ...setup, ...rest, peers } })

test("what was measured at several sizes is told side by side, from the fewest peers to the most, with how many times as much it is", () => {
  const report = reportOf([
    at(64, measured("chord", "put", [150, 160, 170])), at(8, measured("chord", "put", [70, 80, 90])), at(8, measured("chord", "lookup", [30])),
    at(64, measured("bamboo", "put", [100])), at(16, measured("bamboo", "put", [100])),
  ])
  const [table, ...others] = growthOf(report)
  expect(others).toEqual([])
  expect(table?.peers).toEqual([8, 16, 64])
  expect(table?.rows.map(({ side, workload, sizes, ratio }) => [side, workload, sizes.map(({ peers, figure }) => [peers, figure.median]), ratio])).toEqual([
    ["chord", "put", [[8, 80], [64, 160]], 2], ["bamboo", "put", [[16, 100], [64, 100]], 1],
  ])
})

test("set-ups that differ in anything else are never held against each other", () => {
  const put = measured("chord", "put", [1])
  expect(growthOf(reportOf([at(8, put), at(64, put, { kind: "one-process" }), at(32, put, { storage: "sqlite" }), at(16, put, { entry: "first" })]))).toEqual([])
  expect(growthOf(reportOf([at(8, put), at(64, put), at(8, put, { entry: "first" }), at(64, put, { entry: "first" })]))).toHaveLength(2)
  expect(growthOf(reportOf([at(8, measured("chord", "idle", [1])), at(64, measured("chord", "idle", [1]))]))).toEqual([])
})

test("the page shows it, and nothing of it where all overlays are of one size", async () => {
  const page = await writePage(reportOf([at(8, measured("chord", "put", [80])), at(64, measured("chord", "put", [160]))]))
  expect(page).toContain("<h2>By number of peers, a process each</h2>")
  expect(page).toContain("<td>2.00 ×</td>")
  expect(await writePage(reportOf([at(8, measured("chord", "put", [80]))]))).not.toContain("By number of peers")
})

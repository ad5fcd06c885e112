import { expect, test } from "vitest"
import { loadBackend } from "../../../backends/index.ts"
import { drawBars, drawChart } from "../../../src/sim/chart.ts"
import { experiments } from "../../../src/sim/experiments.ts"
import { runScenario } from "../../../src/sim/run-scenario.ts"
import { formatTable, judgeBars, rowOf } from "../../../src/sim/table.ts"

test("an experiment's trials give a row each, with every column, and its chart", async () => {
  const experiment = experiments["costs"]
  if (experiment === undefined) throw new Error("no such experiment")
  const backend = await loadBackend("chord")
  const rows = []
  for (const trial of experiment.trials({ seed: 1, peers: 12, minutes: 0.2 }).slice(0, 2)) {
    rows.push(rowOf(experiment, trial, await runScenario({ ...trial.scenario, warmUpMs: 5000, healMs: 5000 }, { backend })))
  }
  for (const row of rows) for (const column of Object.keys(experiment.columns)) expect(row[column]).toBeTypeOf("number")
  expect(formatTable(rows).split("\n")).toHaveLength(4)
  if (experiment.chart === undefined) throw new Error("no chart")
  const svg = await drawChart(experiment.chart, rows)
  expect(svg).toMatch(/^<svg [^]*Latency of gets against maintenance/)
})

test.each(Object.entries(experiments))("experiment %s names trials once, and has bars for its own columns", (_, { trials, columns, bars, chart }) => {
  const labels = trials({ seed: 1 }).map(({ label }) => label)
  expect(new Set(labels).size).toBe(labels.length)
  for (const { label, column } of bars) expect([labels.includes(label), column in columns]).toEqual([true, true])
  for (const column of chart?.y ?? []) expect(columns).toHaveProperty(column)
})

test("bars tell what was missed, and are silent about what did not run", () => {
  const bars = [{ label: "a", column: "ms", atMost: 10 }, { label: "b", column: "ms", atMost: 10 }, { label: "c", column: "ms", atMost: 10 }]
  const judged = judgeBars(bars, [{ label: "a", ms: 9.5 }, { label: "b", ms: 11 }])
  expect(judged.map(({ isReached }) => isReached)).toEqual([true, false])
  expect(judged[1]?.text).toContain("b: ms at most 10, found 11")
})

test("amounts are drawn as bars", async () => {
  expect(await drawBars("What is sent", "bytes", { ask: 5, reply: 7 })).toMatch(/^<svg [^]*reply/)
})

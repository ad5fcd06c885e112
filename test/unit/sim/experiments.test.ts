import { describe, expect, test } from "vitest"
import { loadBackend } from "../../../backends/index.ts"
import { drawBars, drawChart } from "../../../src/sim/chart.ts"
import { experiments } from "../../../src/sim/experiments/index.ts"
import { parseScenario } from "../../../src/sim/scenario-schema.ts"
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
  expect(svg).toMatch(/^<svg [^]*Latency of publishing and getting against maintenance/)
})

test.each(Object.entries(experiments))("experiment %s names trials once, and has bars for its own columns", (_, { trials, columns, bars, chart }) => {
  const labels = trials({ seed: 1 }).map(({ label }) => label)
  expect(new Set(labels).size).toBe(labels.length)
  for (const { label, column } of bars) expect([labels.includes(label), column in columns]).toEqual([true, true])
  const drawn = [...(chart?.y ?? []), ...(chart?.reference === undefined ? [] : [chart.reference])]
  for (const column of drawn) expect(Object.keys(columns)).toContain(column)
})

describe.each(["chord", "bamboo", "kademlia"])("on %s", (name) => {
  test.each(Object.keys(experiments))("experiment %s asks for options that there are", async (experiment) => {
    const backend = await loadBackend(name)
    const trials = experiments[experiment]?.trials({ seed: 1, peers: 12, backend: name, takesFounders: backend.takesFounders === true }) ?? []
    expect(trials.length).toBeGreaterThan(0)
    for (const { scenario } of trials) {
      expect(() => backend.optionsSchema.parse(scenario.backendOptions ?? {})).not.toThrow()
      expect(scenario.formed === true).toBe(backend.takesFounders === true)
      // What a replay is given must be a scenario too.
      expect(parseScenario(JSON.stringify(scenario), "here")).toEqual(scenario)
    }
  })

  test("peers live through a small part of the churn experiment", async () => {
    const backend = await loadBackend(name)
    const { sessions } = experiments
    const trial = sessions?.trials({ seed: 2, peers: 16, minutes: 0.5, backend: name, takesFounders: backend.takesFounders === true }).at(-1)
    if (trial === undefined) throw new Error("no such trial")
    const report = await runScenario({ ...trial.scenario, warmUpMs: 10_000 }, { backend })
    expect(report.violations).toEqual([])
    expect(report.phase?.reads?.answered).toBeGreaterThan(5)
  })
})

test("a backend of somebody else has no options that an experiment could set", () => {
  expect(() => experiments["costs"]?.trials({ seed: 1, backend: "mine" })).toThrow(/--backend: expected chord, bamboo, kademlia/)
})

test("several backends are several lines, with what they are held against", async () => {
  const chart = { title: "Paths", x: { column: "peers" }, y: ["hops"], reference: "bound", unit: "hops" }
  const rows = ["chord", "bamboo"].flatMap((backend) => [100, 1000].map((peers) => ({ label: `${peers}`, backend, peers, hops: peers / 100, bound: 5 })))
  expect(await drawChart(chart, rows)).toMatch(/>bamboo<[^]*>bound<[^]*>chord</)
})

test("bars tell what was missed, and are silent about what did not run", () => {
  const bars = [{ label: "a", column: "ms", atMost: 10 }, { label: "b", column: "ms", atMost: 10 }, { label: "c", column: "ms", atMost: 10 }]
  const judged = judgeBars(bars, [{ label: "a", backend: "chord", ms: 9.5 }, { label: "b", backend: "chord", ms: 11 }])
  expect(judged.map(({ isReached }) => isReached)).toEqual([true, false])
  expect(judged[1]?.text).toContain("chord, b: ms at most 10, found 11")
})

test("a bar of one backend is none for the others", () => {
  const rows = [{ label: "a", backend: "chord", ms: 11 }, { label: "a", backend: "bamboo", ms: 12 }]
  expect(judgeBars([{ label: "a", column: "ms", backend: "bamboo", atMost: 10 }], rows).map(({ text }) => text)).toEqual([
    expect.stringContaining("bamboo, a: ms at most 10, found 12"),
  ])
})

test("amounts are drawn as bars", async () => {
  expect(await drawBars("What is sent", "bytes", { ask: 5, reply: 7 })).toMatch(/^<svg [^]*reply/)
})

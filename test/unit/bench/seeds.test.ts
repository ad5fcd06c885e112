import { expect, test } from "vitest"
import { figures, implementations, table61 } from "../../../src/bench/seeds-2007.ts"
import { writeSeedsPage } from "../../../src/bench/seeds-page.ts"
import { doneNow, seedsQuestion, seedsSides, sessionSeconds } from "../../../src/bench/seeds.ts"
import { workloadOf } from "../../../src/bench/workloads.ts"
import { chooseSeeds } from "../../../src/cli/bench-seeds.ts"
import { reportOf, runOf } from "./reports.ts"

const question = seedsQuestion({ nodes: [1, 2], seconds: 1, rounds: 1, users: 10 })

test("what the figures state of two nodes is what Table 6.1 says", () => {
  for (const { deployment, scenario, stated } of figures.filter((figure) => figure.scenario === "registration")) {
    expect(scenario).toBe("registration")
    for (const { implementation, perSecond } of stated.filter(({ nodes }) => nodes === 2)) expect(perSecond).toBe(table61[deployment][implementation])
  }
})

test("each number of nodes is asked alike and at the first, in memory and on disk; one node cannot be asked in two ways", () => {
  expect(question.setups.map(({ peers, entry, storage }) => `${peers} ${entry} ${storage}`)).toEqual([
    "1 spread memory", "1 spread sqlite", "2 spread memory", "2 spread sqlite", "2 first memory", "2 first sqlite",
  ])
  const doing = seedsSides().map((side) => [side.name, question.setups.filter((setup) => side.does(workloadOf("register-max"), setup)).map(({ storage }) => storage)])
  expect(doing).toEqual([
    ["chord", ["memory", "memory", "memory"]], ["bamboo, on disk", ["sqlite", "sqlite", "sqlite"]], ["bamboo", ["memory", "memory", "memory"]],
  ])
})

test("then and now are one page: the table, six figures, what the text says besides, the data", async () => {
  const measurements = seedsSides().flatMap((side) =>
    question.setups.flatMap((setup) => (["register-max", "call-max"] as const).filter((workload) => side.does(workloadOf(workload), setup)).map((workload) => ({
      side: side.name, setup, workload, runs: [runOf(1, 100)],
    }))),
  )
  const report = reportOf(measurements, { question, flaws: [{ side: "chord", what: "<something> is missing" }] })
  const [openChord] = implementations
  if (openChord === undefined) throw new Error("there are three")
  expect(doneNow(report, "distributed", "registration", openChord, 2)?.median).toBe(500)
  expect(doneNow(report, "distributed", "registration", openChord, 8)).toBeUndefined()
  const page = await writeSeedsPage(report)
  expect(page.match(/<svg/g)).toHaveLength(6)
  for (const text of ["then 590, × 0.85", "then 1,130", "Figure 6.14", "between 300 and 350", "&lt;something&gt; is missing"]) expect(page).toContain(text)
  expect(await writeSeedsPage(reportOf([], { question }))).toContain("then 270")
})

test("sessions are created, retrieved and destroyed with as many agents as then, asked of the first, in memory", async () => {
  const asked = seedsQuestion({ nodes: [1, 2, 6, 8], seconds: 1, rounds: 1, users: 10 })
  const doing = seedsSides().map((side) => [side.name, asked.setups.filter((setup) => side.does(workloadOf("session-get"), setup)).map(({ peers, entry }) => `${peers} ${entry}`)])
  expect(doing).toEqual([["chord", ["2 first", "8 first"]], ["bamboo, on disk", []], ["bamboo", ["2 first", "8 first"]]])
  const setup = asked.setups.find(({ peers, entry, storage }) => peers === 2 && entry === "first" && storage === "memory")
  if (setup === undefined) throw new Error("there is one")
  const measurements = (["session-create", "session-get"] as const).map((workload) => ({ side: "chord", setup, workload, runs: [runOf(1, 100)] }))
  const report = reportOf(measurements, { question: asked })
  expect(sessionSeconds(report, "chord", "session-create", 2)?.median).toBe(2)
  expect(sessionSeconds(report, "chord", "session-destroy", 2)).toBeUndefined()
  const page = await writeSeedsPage(report)
  for (const text of ["Session Registry", "Figure 4.16, then: about 30 s", "2.00 s"]) expect(page).toContain(text)
})

test("nodes are counted from few to many, and wrong numbers are told in one line", () => {
  expect(chooseSeeds({ nodes: "4,1,2" }).nodes).toEqual([1, 2, 4])
  expect(() => chooseSeeds({ nodes: "1,two" })).toThrow('--nodes: expected a whole number from 1 to 64, found "two"')
})

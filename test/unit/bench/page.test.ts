import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { differences, obstacles } from "../../../src/bench/against.ts"
import { sentences } from "../../../src/bench/findings.ts"
import { commandOf, writePage } from "../../../src/bench/page.ts"
import { readReport } from "../../../src/bench/read-report.ts"
import { summaryTable } from "../../../src/bench/summary.ts"
import { measured, reportOf } from "./reports.ts"

const complete = reportOf([
  measured("chord", "idle", [10, 11, 12]), measured("bamboo", "idle", [10, 11, 12]),
  measured("chord", "refresh", [100, 110, 120]), measured("bamboo", "refresh", [200, 220, 240]),
  measured("chord", "lookup", [50, 55, 60]), measured("bamboo", "lookup", [52, 54, 62]),
  measured("chord", "lookup-max", [20, 21, 22]), measured("bamboo", "lookup-max", [20, 21, 22]),
])

test("a page holds everything: charts, figures, machine, commit, and the data itself", async () => {
  const page = await writePage(complete)
  expect(page.match(/<svg/g)).toHaveLength(5)
  expect(page).not.toMatch(/<(?:script|img|link)[^>]* (?:src|href)=/)
  for (const text of ["Made-up 3000", "0123456789", "<h2>4 peers</h2>", "REGISTER, again", '<span class="best">110</span>', "2 processors, 8 GiB"]) {
    expect(page).toContain(text)
  }
  const [, data = ""] = /<script type="application\/json" id="report">([^]*?)<\/script>/.exec(page) ?? []
  expect(JSON.parse(data)).toEqual(complete)
  expect(page).not.toContain("Before you trust")
})

test("names from elsewhere cannot become part of the page", async () => {
  const name = '</script><script>alert("x")</script>&'
  const page = await writePage(reportOf([measured(name, "refresh", [1, 2])], { flaws: [{ side: name, what: name }], skipped: [{ side: name, what: name }] }))
  expect(page).not.toContain("<script>alert")
  expect(page).toContain("&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot;)")
})

test("what is missing, busy or late is said before any figure", async () => {
  const late = { ...measured("chord", "refresh", [1, 2]) }
  const report = reportOf([{ ...late, runs: late.runs.map((run) => ({ ...run, lagMs: 50 })) }], {
    machine: { ...complete.machine, loadBefore: 7 },
    flaws: [{ side: "bamboo", round: 2, what: "peer 3 has ended by SIGKILL, during refresh" }],
    skipped: [{ side: "dhtnode", what: "there is no dhtnode" }],
  })
  const page = await writePage(report)
  const warning = page.slice(page.indexOf("Before you trust"), page.indexOf("<h2>"))
  for (const text of ["load 7.00 on 2 processors", "chord refresh", "bamboo, run 2: peer 3 has ended by SIGKILL", "Not all runs came about: chord", "dhtnode was skipped"]) {
    expect(warning).toContain(text)
  }
})

test("a report without a single measurement is a page as well", async () => {
  const page = await writePage(reportOf([], { flaws: [{ side: "chord", what: "nothing started" }] }))
  expect(page).toContain("nothing started")
  expect(summaryTable(reportOf([]))).toBe("nothing was measured")
})

test("the sentences name the best, and say what cannot be told apart", () => {
  expect(sentences(complete)).toEqual([
    "REGISTER, again: least CPU time with chord, 110 µs, most with bamboo, 220 µs, 2.00 times as much.",
    "Look-up: no clear difference, from bamboo, 54.0 µs, to chord, 55.0 µs.",
    "Look-up, flat out: no clear difference, from chord, 500 per second, to bamboo, 500 per second.",
  ])
})

test("a report is held against an earlier one figure by figure, the clear changes first", async () => {
  const later = reportOf([measured("chord", "refresh", [50, 52, 54]), measured("bamboo", "refresh", [210, 230, 250]), measured("chord", "lookup", [80, 82, 84])])
  const found = differences(complete, later)
  expect(found.filter(({ verdict }) => verdict !== "noise").map(({ side, workload, metric, verdict }) => [side, workload, metric.name, verdict])).toEqual([
    ["chord", "refresh", "cpu", "better"], ["chord", "lookup", "cpu", "worse"],
  ])
  expect(found.every(({ change }, index) => index === 0 || change.isClear <= (found[index - 1]?.change.isClear ?? true))).toBe(true)
  const page = await writePage(later, complete)
  expect(page).toContain('<span class="better">−52.7 %</span>')
  expect(page).toContain("Since 2026-05-04, commit 0123456789")
})

test("nothing has changed between a report and itself, and what makes two unlike is said", () => {
  expect(differences(complete, complete).filter(({ verdict }) => verdict !== "noise")).toEqual([])
  expect(obstacles(complete, complete)).toEqual([])
  const elsewhere = { ...complete, machine: { ...complete.machine, processors: 64 } }
  expect(obstacles(complete, elsewhere)).toEqual(["processors: 2 then, 64 now"])
})

test("a report is read back as it was written; anything else is refused in one line that names the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-report-"))
  const path = join(folder, "report.json")
  try {
    writeFileSync(path, JSON.stringify(complete))
    expect(readReport(path)).toEqual(complete)
    for (const text of ["", "{}", JSON.stringify({ ...complete, format: "p2psip bench 9" }), JSON.stringify({ ...complete, measurements: [{}] })]) {
      writeFileSync(path, text)
      expect(() => readReport(path)).toThrow(/^--against: expected a file that .* found .*report\.json, [^\n]*$/)
    }
    expect(() => readReport(join(folder, "none.json"))).toThrow("none.json")
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test("the page tells the command that asks the same again", () => {
  expect(commandOf(complete).replaceAll(/\s*\\\n\s*/g, " ")).toBe(
    "p2psip bench compare --backends chord,bamboo --workloads idle,refresh,lookup --setups processes --peers 4 --entry spread --storage memory"
    + " --runs 3 --seconds 2 --warm-up 1 --users 100 --rate-factor 1",
  )
})

/** `p2psip sim run` as the shell sees it. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { worldOf } from "../../../src/sim/experiments/experiment.ts"

const program = new URL("../../../src/cli/main.ts", import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), "p2psip-sim-run-"))
afterAll(() => rmSync(folder, { recursive: true }))

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "sim", "run", ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

const work = { registrations: { phones: 4, meanIntervalMs: 5000 }, lookups: { perSecond: 2 }, warmUpMs: 5000, healMs: 10_000 }

test("a scenario gives its report on stdout and in a file, and what was sent as a picture", () => {
  const [json, svg] = [join(folder, "one.json"), join(folder, "one.svg")]
  const scenario = JSON.stringify({ seed: 4, peers: 4, startGapMs: 100, ...work, faultsMs: 5000 })
  const { status, stdout, stderr } = run(scenario, "--json", json, "--svg", svg)
  expect(status).toBe(0)
  expect(JSON.parse(stderr)).toMatchObject({ backend: "chord", seed: 4, peers: 4 })
  expect(JSON.parse(stdout)).toMatchObject({ seed: 4, backend: "chord", violations: 0, peersAtEnd: 4 })
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({ scenario: { seed: 4 }, violations: [], phase: { seconds: 5 } })
  expect(readFileSync(svg, "utf8")).toMatch(/^<svg [^]*reply/)
})

test("an experiment gives a table with a line for each part and backend, its reports in a file, its chart with a line for each backend", () => {
  const [json, svg] = [join(folder, "all.json"), join(folder, "all.svg")]
  const { status, stdout } = run(
    "sessions", "--backends", "chord,bamboo", "--peers", "6", "--minutes", "0.1", "--only", "1 h", "--json", json, "--svg", svg,
  )
  expect(status).toBe(0)
  expect(stdout).toMatch(/\| 1 h +\| +chord \| +6 \|[^]*\| 1 h +\| +bamboo \| +6 \|/)
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({
    experiment: "sessions",
    rows: [{ backend: "chord", "memory MB": expect.any(Number) as number }, { backend: "bamboo" }],
    reports: [{ part: "1 h", backend: "chord" }, { backend: "bamboo" }],
  })
  expect(readFileSync(svg, "utf8")).toMatch(/^<svg [^]*bamboo/)
})

test("something late is exit code 5", () => {
  const wanting = { seed: 1, peers: 12, startGapMs: 100, ...work, faultsMs: 1000, replication: 9 }
  const { status, stdout } = run(JSON.stringify(wanting))
  expect(stdout).toContain("liveness: copies equal replication")
  expect(status).toBe(5)
})

test.each([
  [["chrun"], "scenario: expected calm"],
  [["sessions", "--only", "1 year"], '--only: expected one of "3 h"'],
  [["halves", "--svg", join(folder, "x.svg")], "--svg: expected an experiment with a chart"],
  [["calm", "--json", "/nowhere/x.json"], "expected a file that can be written, found /nowhere/x.json"],
  [["calm", "--json", join(folder, "x"), "--svg", join(folder, "x")], "--json, --svg: expected two files"],
  [["churn", "--session", "10m"], "--session: expected a number above 0"],
  [["sessions", "--minutes", "1m"], "--minutes: expected a number above 0"],
  [["calm", "--peers", "many"], "--peers: expected a whole number"],
  [["calm", "--latency", "matrix:/nowhere"], "expected a readable file of round-trip times"],
  [["sessions", "--latency", "matrix:/nowhere"], "expected a readable file of round-trip times"],
  [["calm", "--backend", "memory"], "--backend: expected one whose peers form an overlay"],
  [["sessions", "--backends", "chord,nobody"], "backend: expected bamboo, chord, kademlia, memory"],
  [[JSON.stringify({ seed: 1, peers: 3, ...work, backendOptions: { successors: 99 } })], "backendOptions.successors"],
])("refuses %j in one line", (args, message) => {
  const { status, stderr, stdout } = run(...args)
  expect(stderr).toContain(message)
  expect(stderr.trim().split("\n")).toHaveLength(1)
  expect(stdout).toBe("")
  expect(status).toBe(2)
})

test("peers that cannot start together join one after another", () => {
  expect(worldOf({ seed: 1, takesFounders: false })).not.toHaveProperty("formed")
})

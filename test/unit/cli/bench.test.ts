/** `p2psip bench compare` as the shell sees it. No figure is judged: only whether there is one. */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test, vi } from "vitest"
import type { Report } from "../../../src/bench/model.ts"
import { childrenOf } from "../../../src/bench/process-cost.ts"
import { chooseQuestion, chooseSides } from "../../../src/cli/bench-choice.ts"
import { describeStep } from "../../../src/cli/bench-progress.ts"

const program = new URL("../../../src/cli/main.ts", import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), "p2psip-bench-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "bench", "compare", ...args], { encoding: "utf8", cwd: folder })
  return { status, stdout, stderr }
}

test("two backends are measured, a page and the data written, and held against an earlier run", () => {
  const [html, json] = [join(folder, "page.html"), join(folder, "data.json")]
  const short = ["--peers", "2", "--runs", "1", "--seconds", "0.2", "--warm-up", "0", "--users", "4"]
  const workloads = ["register", "refresh", "lookup", "put-or-get", "call", "mixed", "remove", "refresh-max", "lookup-max"]
  const asked = ["--backends", "chord,kademlia", "--setups", "processes,simulated", "--simulated", "6", "--workloads", workloads.join(",")]
  const first = run(...asked, ...short, "--html", html, "--json", json)
  expect(first.stderr).toContain("round 1 of 1, kademlia, 2 peers: start")
  expect(first.stdout).toMatch(/\| call, chord +\|[^]*\| call, kademlia +\|/)
  const report = JSON.parse(readFileSync(json, "utf8")) as Report
  expect(report.measurements.map(({ side, workload }) => `${side} ${workload}`).sort()).toEqual(
    ["chord", "kademlia"].flatMap((side) => workloads.map((workload) => `${side} ${workload}`)).sort(),
  )
  const counted = report.measurements.filter(({ workload }) => workload !== "call" && workload !== "mixed")
  expect(counted.every(({ runs }) => runs.every(({ done, cpuMicroseconds }) => done > 0 && cpuMicroseconds > 0))).toBe(true)
  expect(new Set(report.simulated.map(({ side, hasTable }) => `${side} ${hasTable}`)).size).toBe(4)
  expect(readFileSync(html, "utf8")).toMatch(/<svg[^]*<svg[^]*<svg/)

  const again = join(folder, "again.html")
  const second = run("--backends", "chord", "--setups", "one-process", "--workloads", "lookup", ...short, "--html", again, "--against", json)
  expect(second).toMatchObject({ status: 0 })
  expect(readFileSync(again, "utf8")).toContain("The two are not alike")
})

test("programs of others are measured beside a backend; those that are not installed are skipped, which is no failure", () => {
  const json = join(folder, "others.json")
  const args = ["--backends", "chord", "--others", "all", "--peers", "2", "--setups", "one-process", "--workloads", "lookup", "--runs", "1"]
  const environment = { ...process.env, PATH: folder }
  const options = { encoding: "utf8", cwd: folder, env: environment } as const
  const rest = ["--seconds", "0.2", "--warm-up", "0", "--users", "4", "--json", json]
  const { status, stderr } = spawnSync(process.execPath, [program, "bench", "compare", ...args, ...rest], options)
  expect(stderr).toContain("skipped kamailio: there is no kamailio: install the package of that name\n")
  expect(stderr).toContain("skipped dhtnode: there is no dhtnode")
  expect(status).toBe(0)
  const { measurements, skipped } = JSON.parse(readFileSync(json, "utf8")) as Report
  expect(skipped.map(({ side }) => side)).toEqual(["kamailio", "dhtnode"])
  expect(measurements.map(({ side, workload, setup }) => `${side} ${workload} ${setup.kind}`)).toEqual(["chord lookup one-process", "kademlia-dht lookup one-process"])
  expect(measurements.every(({ runs }) => runs.every(({ done }) => done > 0))).toBe(true)
})

test("a peer that somebody ends meanwhile: one line, the exit code, and all that had been measured, marked", async () => {
  const [html, json] = [join(folder, "mortal.html"), join(folder, "mortal.json")]
  const asked = ["--backends", "chord,kademlia", "--setups", "processes", "--peers", "2", "--workloads", "lookup", "--runs", "1", "--seconds", "0.2", "--users", "4"]
  const bench = spawn(process.execPath, [program, "bench", "compare", ...asked, "--html", html, "--json", json], { stdio: ["ignore", "pipe", "pipe"] })
  let stderr = ""
  bench.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  bench.stdout.resume()
  const ended = new Promise<number | null>((resolve) => bench.once("close", resolve))
  await vi.waitFor(() => expect(stderr).toContain("kademlia"), 60_000)
  await vi.waitFor(() => {
    // Those of the side before may still be on their way out.
    const children = childrenOf(bench.pid ?? 0)
    expect(children.length).toBeGreaterThan(0)
    for (const pid of children) process.kill(pid, "SIGKILL")
  }, { timeout: 60_000, interval: 5 })
  expect(await ended).toBe(1)
  const complaints = stderr.split("\n").filter((line) => line.startsWith("kademlia"))
  expect(complaints).toEqual([expect.stringMatching(/^kademlia, run 1: kademlia, peer [12] has ended by SIGKILL/) as string])
  const { measurements, flaws } = JSON.parse(readFileSync(json, "utf8")) as Report
  expect(measurements.map(({ side, runs }) => [side, runs.length])).toEqual([["chord", 1]])
  expect(flaws).toHaveLength(1)
  expect(readFileSync(html, "utf8")).toMatch(/has ended by SIGKILL/)
})

const wrongReport = join(folder, "wrong.json")
writeFileSync(wrongReport, "{}")

test.each([
  [["--backends", "chord,nobody"], "backend: expected bamboo, chord"],
  [["--backends", "memory"], '--backends: expected bamboo, chord, kademlia, ssr where peers are more than one, found "memory"'],
  [["--backends", "chord,chord"], "--backends: expected different names"],
  [["--workloads", "register,walk"], '--workloads: expected some of idle, register'],
  [["--others", "skype"], "--others: expected some of"],
  [["--setups", "cloud"], "--setups: expected some of processes, one-process, simulated"],
  [["--peers", "0"], "--peers: expected a whole number from 1 to 64"],
  [["--runs", "many"], "--runs: expected a whole number"],
  [["--seconds", "1s"], "--seconds: expected a number"],
  [["--setups", "processes", "--simulated", "100"], "--simulated: expected simulated among --setups"],
  [["--against", wrongReport], "--against: expected a file that"],
  [["--html", "/nowhere/x.html"], "expected a file that can be written, found /nowhere/x.html"],
])("refuses %j in one line", (args, message) => {
  const { status, stderr, stdout } = run(...args)
  expect(stderr).toContain(message)
  expect(stderr.trim().split("\n")).toHaveLength(1)
  expect(stdout).toBe("")
  expect(status).toBe(2)
})

test("without flags it asks what the help says, in the order in which the work must be done", () => {
  const question = chooseQuestion({})
  expect(question).toMatchObject({ backends: ["chord", "bamboo", "kademlia", "ssr"], rounds: 3, simulatedPeers: [100, 400], outside: [] })
  expect(question.setups).toEqual([{ kind: "processes", peers: 4, entry: "spread", storage: "memory" }])
  expect(chooseQuestion({ workloads: "call,refresh,idle" }).workloads).toEqual(["idle", "refresh", "call"])
  expect(chooseQuestion({ peers: "1,8", entry: "spread,first", storage: "memory,sqlite", setups: "processes" }).setups).toHaveLength(8)
  expect(chooseSides(chooseQuestion({ backends: "memory", peers: "1" })).map(({ name }) => name)).toEqual(["memory"])
})

test("progress tells what is being done, and for how long it will go on", () => {
  expect(describeStep({ text: "round 1", done: 0, of: 4 }, 0)).toBe("░".repeat(24) + " round 1")
  expect(describeStep({ text: "round 2", done: 3, of: 4 }, 30)).toBe("█".repeat(18) + "░".repeat(6) + " round 2, about 10 s left")
  expect(describeStep({ text: "round 2", done: 1, of: 4 }, 60)).toContain("about 3 min left")
})

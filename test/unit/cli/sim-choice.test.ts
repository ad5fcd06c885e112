import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { chooseBackends, chooseExperiment, chooseScenario } from "../../../src/cli/sim-choice.ts"

const folder = mkdtempSync(join(tmpdir(), "p2psip-sim-"))
mkdirSync(join(folder, "a.json"))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const backend = "chord"
const plain = '{"seed":1,"peers":2,"registrations":{"phones":1}'

describe("what nobody can run is refused in one line:", () => {
  test.each<[string, string | undefined, object, RegExp]>([
    ["an unknown scenario", "chrun", {}, /scenario: expected calm, .*found "chrun"/],
    ["a file that is not there", "/nowhere/a.json", {}, /expected a file that can be read, found none/],
    ["a matrix that is not there", "calm", { latency: "matrix:/nowhere/m.txt" }, /expected a readable file of round-trip times/],
    ["a matrix that is not square", "calm", { latency: `matrix:${file("oblong.txt", "0 1 2\n1 0 2\n")}` }, /expected 2 columns, as there are rows, found 3 in row 1/],
    ["a matrix of words", "calm", { latency: `matrix:${file("words.txt", "0 far\n1 0\n")}` }, /found "far" in row 1, column 2/],
    ["an unknown latency model", "calm", { latency: "warp:9" }, /expected constant:MS, plane:MS or matrix:FILE/],
    ["sessions for what has none", "calm", { session: "3" }, /--session: expected scenario churn/],
    ["a session of nothing", "churn", { session: "0" }, /--session: expected a number above 0/],
    ["a session with a unit", "churn", { session: "10m" }, /--session: expected a number above 0, found "10m"/],
    ["a delay without end", "calm", { latency: "constant:Infinity" }, /expected constant:MS/],
    ["a delay in words", "calm", { latency: "plane:wide" }, /expected constant:MS, plane:MS/],
    ["a folder for a file", folder.concat("/a.json"), {}, /expected a file that can be read/],
    ["backends for one scenario", "calm", { backends: "chord,bamboo" }, /--backends: expected an experiment/],
    ["an overlay of nobody", "calm", { peers: "0" }, /--peers: expected 1 or more/],
    ["two sizes", `${plain}}`, { peers: "5" }, /expected neither beside a scenario in JSON/],
    ["two ways to start", `${plain},"formed":true,"startGapMs":5}`, {}, /expected one of the two/],
    ["nothing at all", undefined, {}, /scenario: expected a name, .*found none/],
    ["a trace of nobody", undefined, { trace: file("empty.trace", "# join end how\n\n") }, /trace: expected at least one session, found "none"/],
    ["a trace that is not there", undefined, { trace: "/nowhere/a.trace" }, /trace: expected a readable file of sessions/],
    ["a trace without its file", "trace", {}, /--trace: expected a file of sessions/],
    ["a trace with a mistake", "trace", { trace: file("bad.trace", "0 10 crash\n5 x leave # comment\n") }, /expected seconds, .*found "x", in line 2 of .*bad.trace/],
    ["a trace in JSON that is not there", `${plain},"trace":"/nowhere/a.trace"}`, {}, /trace: expected a readable file/],
    ["a trace for what has none", "calm", { trace: file("good.trace", "0 10 crash\n") }, /--trace: expected scenario trace/],
    ["part of what is whole", "calm", { only: "1 h" }, /--only: expected an experiment/],
  ])("%s", (_, text, flags, message) => {
    const choose = () => chooseScenario(text, { backend, ...flags })
    expect(choose).toThrow(message)
    expect(choose).toThrow(expect.objectContaining({ code: "P2PSIP_BAD_CONFIG", message: expect.not.stringContaining("\n") as string }))
  })

  test.each<[object, RegExp]>([
    [{ backend: "chord", backends: "bamboo" }, /expected one of the two/],
    [{ backends: "chord,,bamboo" }, /expected different names/],
    [{ backends: "chord,chord" }, /expected different names/],
  ])("backends as in %j", (flags, message) => {
    expect(() => chooseBackends(flags)).toThrow(message)
  })

  test.each(["10m", "-1", "0x10", "1e3", ""])("%j minutes", (minutes) => {
    expect(() => chooseExperiment("sessions", { minutes })).toThrow(/--minutes: expected a number above 0/)
  })

  test("sessions for an experiment that has its own", () => {
    expect(() => chooseExperiment("sessions", { backend, session: "3" })).toThrow(/--session: expected none/)
  })
})

test("backends are named one by one, chord where none is", () => {
  expect(chooseBackends({})).toEqual(["chord"])
  expect(chooseBackends({ backends: "chord, bamboo" })).toEqual(["chord", "bamboo"])
})

test("flags override a scenario's own latency and seed", () => {
  const chosen = chooseScenario(`${plain}}`, { backend, seed: "9", latency: "plane:30" })
  expect(chosen).toMatchObject({ seed: 9, latency: { kind: "plane", sideMs: 30 } })
})

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, expect, test } from "vitest"
import { backend } from "../../../backends/chord/index.ts"
import { isP2PSipError } from "../../../src/errors.ts"
import { runScenario } from "../../../src/sim/run-scenario.ts"
import { namedScenario } from "../../../src/sim/scenarios.ts"
import { parseTrace, traceEndMs } from "../../../src/sim/trace.ts"
import { sharedBackend } from "./shared-backend.ts"

const folder = mkdtempSync(join(tmpdir(), "p2psip-trace-"))
afterAll(() => rmSync(folder, { recursive: true }))

const good = `
# join  end   how   peer
0       40    crash
12.5    -     -     host-17   # stays
5       20    leave host-4
30.25   -     -     host-4
`

test("a trace is its sessions, in the order of their beginnings", () => {
  const sessions = parseTrace(good, "good")
  expect(sessions).toEqual([
    { joinMs: 0, end: { atMs: 40_000, how: "crash" }, peer: undefined },
    { joinMs: 5_000, end: { atMs: 20_000, how: "leave" }, peer: "host-4" },
    { joinMs: 12_500, end: undefined, peer: "host-17" },
    { joinMs: 30_250, end: undefined, peer: "host-4" },
  ])
  expect(traceEndMs(sessions)).toBe(40_000)
})

test.each([
  ["1 2", /expected JOIN END crash\|leave \[PEER\], found "1 2", in line 1/],
  ["0 10 crash\n\n1 2 crash a b", /in line 3/],
  ["-1 2 crash", /expected seconds/],
  ["1e3 2 crash", /expected seconds/],
  ["0 99999999 crash", /expected seconds, from 0 to 31622400/],
  ["5 5 crash", /expected an end after the beginning/],
  ["5 6 burn", /expected crash or leave/],
  ["5 - crash", /expected seconds/],
  ["5 6 leave a/b", /expected a peer's name/],
  ["0 10 leave a\n10 20 leave a", /expected a to have gone before it comes again.*line 2/],
  ["0 - - a\n10 20 leave a", /line 2/],
])("%j is refused", (text, message) => {
  expect(() => parseTrace(text, "file")).toThrow(message)
})

test("whatever the text, it is sessions or one line that says what is wrong with it", () => {
  const field = fc.oneof(fc.constantFrom("0", "1", "5.5", "70", "-", "crash", "leave", "a", "#"), fc.string({ maxLength: 60 }))
  const text = fc.array(fc.array(field, { maxLength: 5 }).map((fields) => fields.join(" ")), { maxLength: 5 }).map((lines) => lines.join("\n"))
  fc.assert(
    fc.property(text, (lines) => {
      try {
        expect(parseTrace(lines, "file").length).toBeGreaterThan(0)
      } catch (error) {
        if (!isP2PSipError(error, "P2PSIP_BAD_CONFIG")) throw error
        expect(error.message).not.toContain("\n")
      }
    }),
  )
})

test("peers come and go as the trace says, and those with names come back", async () => {
  const trace = join(folder, "good.trace")
  writeFileSync(trace, good)
  const names: string[] = []
  const report = await runScenario(namedScenario("trace", { seed: 1, peers: 2, trace }), {
    backend: sharedBackend(),
    onStart: ({ simulation, fleet }) => {
      for (const seconds of [7, 15, 25, 35, 50]) {
        simulation.after(6_000 + seconds * 1000, () => names.push(fleet.running.map(({ name }) => name).join(" ")))
      }
    },
  })
  expect(names).toEqual(["p0 p1 p2 trace-host-4", "p0 p1 p2 trace-host-4 trace-host-17", "p0 p1 p2 trace-host-17", "p0 p1 p2 trace-host-17 trace-host-4", "p0 p1 trace-host-17 trace-host-4"])
  expect(report).toMatchObject({ crashes: 1, leaves: 1, violations: [] })
})

test("an overlay lives through a trace in which nearly all crash, leave or come at once", async () => {
  const trace = join(folder, "rough.trace")
  const lines = Array.from({ length: 40 }, (_, at) => `${at % 4 === 0 ? 0 : at} ${60 + (at % 7) * 10} ${at % 3 === 0 ? "leave" : "crash"} h${at}`)
  writeFileSync(trace, [...lines, ...lines.map((_, at) => `${140 + at} - - h${at}`)].join("\n"))
  const { violations, joins } = await runScenario(namedScenario("trace", { seed: 2, peers: 3, trace }), { backend })
  expect(violations).toEqual([])
  expect(joins).toBe(83)
})

import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { drawScenario } from "../../../src/sim/fuzz.ts"
import { parseScenario } from "../../../src/sim/scenario-schema.ts"
import { namedScenario, scenarios } from "../../../src/sim/scenarios.ts"

test("what the fuzzer draws and what has a name survive the way through JSON", () => {
  const drawn = Array.from({ length: 100 }, (_, seed) => drawScenario(seed))
  const trace = join(mkdtempSync(join(tmpdir(), "p2psip-trace-")), "one.trace")
  writeFileSync(trace, "0 60 crash\n")
  const named = Object.keys(scenarios).map((name) => namedScenario(name, { seed: 1, peers: 20, trace }))
  for (const scenario of [...drawn, ...named]) {
    expect(parseScenario(JSON.stringify(scenario), "text")).toEqual(scenario)
  }
})

test.each([
  ["{", "scenario: expected JSON, found other text in s.json"],
  ["[]", "scenario: Invalid input: expected object, received array, in s.json"],
  ['{"seed":1,"peers":0,"registrations":{"phones":1}}', "scenario.peers: Too small: expected number to be >=1, in s.json"],
  ['{"seed":1,"peers":3,"registrations":{"phones":1},"faults":[{"atMs":1,"kind":"flood"}]}', "scenario.faults.0.kind: Invalid discriminator value. Expected 'crash'"],
])("%s is refused in one line", (json, message) => {
  expect(() => parseScenario(json, "s.json")).toThrow(message)
})

test("an unknown name is refused with the known ones", () => {
  expect(() => namedScenario("earthquake", { seed: 1, peers: 3 })).toThrow(/^scenario: expected calm, rolling, .* found "earthquake"$/)
})

/** Scenarios that once broke a law; each carries the seed that found it. They ran on Chord where no other backend is named. */
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { loadBackend } from "../../backends/index.ts"
import { tryScenario } from "../../src/sim/fuzz.ts"
import { parseScenario } from "../../src/sim/scenario-schema.ts"

interface Regression {
  readonly law: string
  readonly backend?: string
  readonly scenario: { readonly seed: number }
}

const file = new URL("regressions.json", import.meta.url)
const found = JSON.parse(readFileSync(file, "utf8")) as readonly Regression[]

test.each(found.map((one) => [one.backend ?? "chord", one.scenario.seed, one.law, one.scenario] as const))("%s, seed %i: %s", async (name, _seed, _law, scenario) => {
  const backend = await loadBackend(name)
  const { report, error } = await tryScenario(parseScenario(JSON.stringify(scenario), "regressions.json"), { backend })
  expect(error).toBeUndefined()
  expect(report?.violations).toEqual([])
})

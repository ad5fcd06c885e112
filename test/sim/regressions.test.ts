/** Scenarios that once broke a law on Chord; each carries the seed that found it. */
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { backend } from "../../backends/chord/index.ts"
import { tryScenario } from "../../src/sim/fuzz.ts"
import { parseScenario } from "../../src/sim/scenario-schema.ts"

const file = new URL("regressions.json", import.meta.url)
const found = JSON.parse(readFileSync(file, "utf8")) as { readonly law: string; readonly scenario: { readonly seed: number } }[]

test.each(found.map(({ law, scenario }) => [scenario.seed, law, scenario] as const))("seed %i: %s", async (_seed, _law, scenario) => {
  const { report, error } = await tryScenario(parseScenario(JSON.stringify(scenario), "regressions.json"), { backend })
  expect(error).toBeUndefined()
  expect(report?.violations).toEqual([])
})

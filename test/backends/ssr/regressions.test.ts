/** Scenarios that once broke a law on a mesh; each carries the seed that found it. */
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { backend } from "../../../backends/ssr/index.ts"
import { tryScenario } from "../../../src/sim/fuzz.ts"
import { parseScenario } from "../../../src/sim/scenario-schema.ts"

interface Regression {
  readonly law: string
  readonly scenario: { readonly seed: number }
}

const found = JSON.parse(readFileSync(new URL("regressions.json", import.meta.url), "utf8")) as readonly Regression[]

test.each(found.map((one) => [one.scenario.seed, one.law, one.scenario] as const))("seed %i: %s", async (_seed, _law, scenario) => {
  const { report, error } = await tryScenario(parseScenario(JSON.stringify(scenario), "regressions.json"), { backend })
  expect(error).toBeUndefined()
  expect(report?.violations).toEqual([])
}, 300_000)

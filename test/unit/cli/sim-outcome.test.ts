import { afterEach, expect, test, vi } from "vitest"
import { tell } from "../../../src/cli/sim-outcome.ts"
import type { Violation } from "../../../src/sim/checkers/records.ts"
import type { Trial } from "../../../src/sim/fuzz.ts"
import type { ScenarioReport } from "../../../src/sim/report.ts"

const write = vi.spyOn(process.stdout, "write").mockReturnValue(true)
afterEach(() => write.mockClear())

const scenario = { seed: 1, peers: 1, registrations: { phones: 1 } }
const late: Violation = { kind: "liveness", law: "every read is answered", detail: "k from p1" }
const wrong: Violation = { kind: "safety", law: "no acknowledged record is lost", detail: "k" }

function trialWith(...violations: readonly Violation[]): Trial {
  return { scenario, report: { violations } as unknown as ScenarioReport }
}

test.each<[string, Trial, number]>([
  ["nothing", trialWith(), 0],
  ["a crash", { scenario, error: new Error("boom") }, 3],
  ["a crash among violations", { ...trialWith(wrong), error: new Error("boom") }, 3],
  ["something false", trialWith(wrong), 4],
  ["something false among the late", trialWith(late, wrong), 4],
  ["something late", trialWith(late), 5],
])("the shell is told of %s", (_, trial, code) => {
  expect(tell(trial)).toBe(code)
})

test("people are told which law was broken, and how", () => {
  tell(trialWith(late))
  expect(write).toHaveBeenCalledWith("liveness: every read is answered: k from p1\n")
})

/** `p2psip sim run SCENARIO`: one scenario and its report. */
import { drawBars } from "../sim/chart.ts"
import { chooseScenario } from "./sim-choice.ts"
import type { RunFlags } from "./sim-choice.ts"
import { tell } from "./sim-outcome.ts"
import { expectRunnable, expectWritable, play, simulatedBackend, write } from "./sim-play.ts"

/** The result is the exit code. */
export async function runScenarioOnce(text: string | undefined, flags: RunFlags): Promise<number> {
  const scenario = chooseScenario(text, flags)
  const name = flags.backend ?? "chord"
  const backend = await simulatedBackend(name)
  expectRunnable(backend, [scenario])
  expectWritable(flags.json, flags.svg)
  process.stderr.write(`${JSON.stringify({ backend: name, ...scenario })}\n`)
  const { trial, machine } = await play(scenario, backend)
  if (trial.report !== undefined) {
    const { violations, scenario: _, ...figures } = trial.report
    const head = { seed: scenario.seed, backend: name, ...machine }
    process.stdout.write(`${JSON.stringify({ ...head, ...figures, violations: violations.length }, null, 2)}\n`)
    write(flags.json, JSON.stringify({ ...head, ...trial.report }, null, 2))
    if (flags.svg !== undefined) {
      const amounts = Object.entries(trial.report.phase?.byKind ?? {}).map(([kind, { bytes }]): [string, number] => [kind, bytes])
      write(flags.svg, await drawBars("What is sent", "bytes per peer and second", Object.fromEntries(amounts)))
    }
  }
  return tell(trial)
}

/** `p2psip sim run EXPERIMENT`: several scenarios, for one backend or several, with their table, bars and chart. */
import { P2PSipError } from "../errors.ts"
import type { BackendModule } from "../servlet/backend.ts"
import { drawChart } from "../sim/chart.ts"
import type { Row } from "../sim/chart.ts"
import { experiments } from "../sim/experiments/index.ts"
import type { Experiment, Trial } from "../sim/experiments/index.ts"
import { isBroken } from "../sim/fuzz.ts"
import { formatTable, judgeBars, rowOf } from "../sim/table.ts"
import { chooseBackends, chooseExperiment } from "./sim-choice.ts"
import type { RunFlags } from "./sim-choice.ts"
import { simExitCodes, tell } from "./sim-outcome.ts"
import { expectRunnable, expectWritable, play, simulatedBackend, write } from "./sim-play.ts"

interface Part extends Trial {
  readonly backend: BackendModule
}

/** One part after another; then table, bars, chart and exit code, that of the worst. */
export async function runExperiment(name: string, flags: RunFlags): Promise<number> {
  const experiment = Object.hasOwn(experiments, name) ? experiments[name] : undefined
  if (experiment === undefined) throw bad(`experiment: expected ${Object.keys(experiments).join(", ")}, found ${JSON.stringify(name)}`)
  if (flags.svg !== undefined && experiment.chart === undefined) throw bad(`--svg: expected an experiment with a chart, found ${name}`)
  const parts = await partsOf(name, experiment, flags)
  expectWritable(flags.json, flags.svg)
  process.stdout.write(`${experiment.about}; seed ${parts[0]?.scenario.seed}\n\n`)
  const rows: Row[] = []
  const reports: object[] = []
  const outcomes: number[] = []
  for (const [at, part] of parts.entries()) {
    const head = { part: part.label, backend: part.backend.name }
    process.stderr.write(`${JSON.stringify({ ...head, ...part.scenario })}\n`)
    const { trial, machine } = await play(part.scenario, part.backend, `${at + 1}/${parts.length} `)
    if (trial.report !== undefined) {
      const row = rowOf(experiment, part, trial.report, part.backend.name)
      rows.push({ ...row, "run s": machine.seconds, "memory MB": machine.peakMegabytes })
      reports.push({ ...head, ...machine, ...trial.report })
    }
    if (isBroken(trial)) process.stdout.write(`${part.backend.name}, ${part.label}:\n`)
    outcomes.push(tell(trial))
    // What is known by now is not lost when a later part is interrupted.
    write(flags.json, JSON.stringify({ experiment: name, rows, reports }, null, 2))
  }
  process.stdout.write(`${formatTable(rows)}\n\n`)
  for (const { text } of judgeBars(experiment.bars, rows)) process.stdout.write(`${text}\n`)
  if (flags.svg !== undefined && experiment.chart !== undefined) write(flags.svg, await drawChart(experiment.chart, rows))
  return worst(outcomes)
}

/** All parts, checked before the first of them runs. */
async function partsOf(name: string, experiment: Experiment, flags: RunFlags): Promise<Part[]> {
  const parts: Part[] = []
  const known = new Set<string>()
  for (const backendName of chooseBackends(flags)) {
    const backend = await simulatedBackend(backendName)
    const trials = experiment.trials({
      ...chooseExperiment(name, flags), backend: backendName, takesFounders: backend.takesFounders === true,
    })
    for (const { label } of trials) known.add(label)
    const chosen = trials.filter(({ label }) => flags.only === undefined || label === flags.only)
    expectRunnable(backend, chosen.map(({ scenario }) => scenario))
    parts.push(...chosen.map((trial) => ({ ...trial, backend })))
  }
  if (parts.length > 0) return parts
  throw bad(`--only: expected one of ${[...known].map((label) => JSON.stringify(label)).join(", ")}, found ${JSON.stringify(flags.only)}`)
}

/** A crash is worse than something false, and that is worse than something late. */
function worst(outcomes: readonly number[]): number {
  const order = [simExitCodes.crash, simExitCodes.safety, simExitCodes.liveness]
  return order.find((code) => outcomes.includes(code)) ?? simExitCodes.clean
}

function bad(message: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", message)
}

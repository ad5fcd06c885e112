/** `p2psip sim run`: one scenario, or an experiment of several, with its report, table and chart. */
import { writeFileSync } from "node:fs"
import { loadBackend } from "../../backends/index.ts"
import { P2PSipError } from "../errors.ts"
import type { BackendModule } from "../servlet/backend.ts"
import { drawBars, drawChart } from "../sim/chart.ts"
import type { Row } from "../sim/chart.ts"
import { experiments } from "../sim/experiments.ts"
import { isBroken, tryScenario } from "../sim/fuzz.ts"
import type { Trial } from "../sim/fuzz.ts"
import { expectedMs } from "../sim/scenario.ts"
import type { Scenario } from "../sim/scenario.ts"
import { formatTable, judgeBars, rowOf } from "../sim/table.ts"
import type { World } from "../sim/run-scenario.ts"
import { chooseExperiment, chooseScenario } from "./sim-choice.ts"
import type { RunFlags } from "./sim-choice.ts"
import { tell } from "./sim-outcome.ts"

/** The result is the exit code. */
export async function runScenarioOnce(text: string, flags: RunFlags): Promise<number> {
  const scenario = chooseScenario(text, flags)
  const backend = await backendFor(flags, [scenario])
  process.stderr.write(`${JSON.stringify({ backend: flags.backend, ...scenario })}\n`)
  const { trial, eventsPerSecond } = await play(scenario, backend, "")
  if (trial.report !== undefined) {
    const { violations, scenario: _, ...figures } = trial.report
    const head = { seed: scenario.seed, backend: flags.backend, eventsPerSecond }
    process.stdout.write(`${JSON.stringify({ ...head, ...figures, violations: violations.length }, null, 2)}\n`)
    write(flags.json, JSON.stringify({ ...head, ...trial.report }, null, 2))
    if (flags.svg !== undefined) {
      const amounts = Object.entries(trial.report.phase?.byKind ?? {}).map(([kind, { bytes }]) => [kind, bytes])
      write(flags.svg, await drawBars("What is sent", "bytes per peer and second", Object.fromEntries(amounts) as Record<string, number>))
    }
  }
  return tell(trial)
}

/** One line of the table after another, as they come; then bars, chart and exit code, that of the worst. */
export async function runExperiment(name: string, flags: RunFlags): Promise<number> {
  const experiment = experiments[name]
  if (experiment === undefined) throw new P2PSipError("P2PSIP_BAD_CONFIG", `experiment: found no ${name}`)
  if (flags.svg !== undefined && experiment.chart === undefined) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--svg: expected an experiment with a chart, found ${name}`)
  }
  const all = experiment.trials(chooseExperiment(name, flags))
  const trials = flags.only === undefined ? all : all.filter(({ label }) => label === flags.only)
  if (trials.length === 0) {
    const known = all.map(({ label }) => JSON.stringify(label)).join(", ")
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--only: expected one of ${known}, found ${JSON.stringify(flags.only)}`)
  }
  const backend = await backendFor(flags, trials.map(({ scenario }) => scenario))
  process.stdout.write(`${experiment.about}; backend ${flags.backend}, seed ${trials[0]?.scenario.seed}\n\n`)
  const rows: Row[] = []
  const reports: object[] = []
  let exitCode = 0
  for (const [at, one] of trials.entries()) {
    process.stderr.write(`${JSON.stringify({ part: one.label, backend: flags.backend, ...one.scenario })}\n`)
    const { trial, eventsPerSecond } = await play(one.scenario, backend, `${at + 1}/${trials.length} `)
    if (trial.report !== undefined) {
      rows.push({ ...rowOf(experiment, one, trial.report), "events/s": eventsPerSecond })
      reports.push({ label: one.label, eventsPerSecond, ...trial.report })
    }
    if (isBroken(trial)) process.stdout.write(`${one.label}:\n`)
    exitCode = Math.max(exitCode, tell(trial))
  }
  process.stdout.write(`${formatTable(rows)}\n\n`)
  for (const { text } of judgeBars(experiment.bars, rows)) process.stdout.write(`${text}\n`)
  write(flags.json, JSON.stringify({ experiment: name, backend: flags.backend, rows, reports }, null, 2))
  if (flags.svg !== undefined && experiment.chart !== undefined) write(flags.svg, await drawChart(experiment.chart, rows))
  return exitCode
}

/** Tells of wrong options before anything runs. */
async function backendFor(flags: RunFlags, scenarios: readonly Scenario[]): Promise<BackendModule> {
  const backend = await loadBackend(flags.backend)
  for (const { formed, backendOptions } of scenarios) {
    if (formed === true && backend.takesFounders !== true) {
      throw new P2PSipError("P2PSIP_BAD_CONFIG", `formed: expected a backend whose peers can start together, found ${flags.backend}`)
    }
    const checked = backend.optionsSchema.safeParse(backendOptions ?? {})
    if (checked.success) continue
    const [issue] = checked.error.issues
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `${["backendOptions", ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "not what the backend expects"}`)
  }
  return backend
}

async function play(scenario: Scenario, backend: BackendModule, prefix: string): Promise<{ trial: Trial; eventsPerSecond: number }> {
  const start = performance.now()
  const progress = new Progress(scenario, prefix)
  const trial = await tryScenario(scenario, { backend, onStart: (world) => progress.follow(world) })
  progress.stop()
  return { trial, eventsPerSecond: Math.round(((trial.report?.events ?? 0) * 1000) / (performance.now() - start)) }
}

function write(path: string | undefined, text: string): void {
  if (path === undefined) return
  try {
    writeFileSync(path, `${text}\n`)
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `expected a file that can be written, found ${path}`, { cause })
  }
}

const barCells = 24

/** How far a run is, and for how long it will go on, on a terminal, once a second. */
class Progress {
  readonly #expectedMs: number
  readonly #prefix: string
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(scenario: Scenario, prefix: string) {
    this.#expectedMs = expectedMs(scenario)
    this.#prefix = prefix
  }

  follow({ simulation, fleet }: World): void {
    if (!process.stderr.isTTY) return
    this.#timer = setInterval(() => {
      const share = Math.min(1, simulation.now / this.#expectedMs)
      const filled = Math.round(share * barCells)
      const leftSeconds = share === 0 ? undefined : ((performance.now() - this.#startedAt) / 1000) * (1 / share - 1)
      const left = leftSeconds === undefined ? "" : leftSeconds < 90 ? `, about ${Math.ceil(leftSeconds)} s left` : `, about ${Math.ceil(leftSeconds / 60)} min left`
      const minutes = (simulation.now / 60_000).toFixed(1)
      const bar = "█".repeat(filled) + "░".repeat(barCells - filled)
      process.stderr.write(`\r${this.#prefix}${bar} ${minutes} virtual minutes, ${fleet.serving.length} peers${left}\u001b[K`)
    }, 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
  }
}

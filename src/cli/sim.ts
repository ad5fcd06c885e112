/** `p2psip sim`: runs scenarios on the simulator, and looks for ones that break a law. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { Command } from "commander"
import { loadBackend } from "../../backends/index.ts"
import { P2PSipError } from "../errors.ts"
import type { BackendModule } from "../servlet/backend.ts"
import { drawScenario, isBroken, replayCommand, shrinkScenario, tryScenario } from "../sim/fuzz.ts"
import type { Trial } from "../sim/fuzz.ts"
import { parseScenario } from "../sim/scenario-schema.ts"
import type { LatencyChoice, Scenario } from "../sim/scenario.ts"
import { namedScenario, scenarios } from "../sim/scenarios.ts"
import type { World } from "../sim/run-scenario.ts"

/** How a simulation ended, for the shell. */
export const simExitCodes = { clean: 0, badInput: 2, crash: 3, safety: 4, liveness: 5 } as const

interface RunFlags {
  readonly backend: string
  readonly peers?: string
  readonly seed?: string
  readonly session?: string
  readonly latency?: string
  readonly json?: string
}

interface FuzzFlags {
  readonly backend: string
  readonly seed?: string
  readonly seeds?: string
  readonly minutes?: string
  readonly shrink: boolean
}

/** The command with its two subcommands, to be added to the program. */
export function simCommand(): Command {
  const list = Object.entries(scenarios).map(([name, { about }]) => `  ${name.padEnd(14)}${about}`)
  const run = new Command("run")
    .description("run one scenario: a name, a JSON file, or JSON text")
    .argument("<scenario>")
    .option("--backend <name>", "as in the configuration", "chord")
    .option("--peers <count>", "size of the overlay (default: 50)")
    .option("--seed <number>", "equal seeds give equal runs (default: 1)")
    .option("--session <minutes>", "median session time of scenario churn")
    .option("--latency <model>", "constant:MS, plane:MS or matrix:FILE")
    .option("--json <file>", "write the whole report there")
    .addHelpText("after", `\nScenarios:\n${list.join("\n")}`)
    .action(async (scenario: string, flags: RunFlags) => void (process.exitCode = await runNamed(scenario, flags)))
  const fuzz = new Command("fuzz")
    .description("draw scenarios from seeds until one breaks a law; print how to replay it")
    .option("--backend <name>", "as in the configuration", "chord")
    .option("--seed <number>", "the first seed (default: 1)")
    .option("--seeds <count>", "stop after so many")
    .option("--minutes <minutes>", "stop after so long (default: 10, unless --seeds is given)")
    .option("--no-shrink", "print the broken scenario as it was drawn")
    .action(async (flags: FuzzFlags) => void (process.exitCode = await runFuzz(flags)))
  return new Command("sim").description("simulated overlays on a virtual clock").addCommand(run).addCommand(fuzz)
}

async function runNamed(text: string, flags: RunFlags): Promise<number> {
  const scenario = resolveScenario(text, flags)
  const backend = await loadBackend(flags.backend)
  process.stderr.write(`${JSON.stringify({ backend: flags.backend, ...scenario })}\n`)
  const start = performance.now()
  const progress = new Progress()
  const trial = await tryScenario(scenario, { backend, onStart: (world) => progress.follow(world) })
  progress.stop()
  const seconds = (performance.now() - start) / 1000
  if (trial.report !== undefined) {
    const { violations, scenario: _, ...figures } = trial.report
    const eventsPerSecond = Math.round(figures.events / seconds)
    process.stdout.write(`${JSON.stringify({ seed: scenario.seed, eventsPerSecond, ...figures, violations: violations.length }, null, 2)}\n`)
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ eventsPerSecond, ...trial.report }, null, 2)}\n`)
  }
  return tell(trial)
}

async function runFuzz(flags: FuzzFlags): Promise<number> {
  const backend = await loadBackend(flags.backend)
  const first = wholeNumber("seed", flags.seed, 1)
  const count = flags.seeds === undefined ? Infinity : wholeNumber("seeds", flags.seeds, 0)
  const minutes = flags.minutes === undefined ? (flags.seeds === undefined ? 10 : Infinity) : wholeNumber("minutes", flags.minutes, 10)
  const deadline = performance.now() + minutes * 60_000
  let virtualMs = 0
  let seed = first
  for (; seed < first + count && performance.now() < deadline; seed++) {
    const trial = await tryScenario(drawScenario(seed), { backend })
    virtualMs += trial.report?.virtualMs ?? 0
    if (process.stderr.isTTY) process.stderr.write(`\rseed ${seed}, ${(virtualMs / 3_600_000).toFixed(1)} simulated hours clean`)
    if (isBroken(trial)) return await report(trial, flags, backend)
  }
  const hours = (virtualMs / 3_600_000).toFixed(1)
  process.stdout.write(`${JSON.stringify({ backend: flags.backend, clean: seed - first, firstSeed: first, simulatedHours: Number(hours), cores: availableParallelism() })}\n`)
  return simExitCodes.clean
}

async function report(trial: Trial, flags: FuzzFlags, backend: BackendModule): Promise<number> {
  process.stdout.write(`\nseed ${trial.scenario.seed} breaks a law\n`)
  tell(trial)
  const small = flags.shrink ? await shrinkScenario(trial.scenario, { backend }) : trial.scenario
  if (flags.shrink) tell(await tryScenario(small, { backend }))
  process.stdout.write(`${replayCommand(flags.backend, small)}\n`)
  return exitCodeOf(trial)
}

function tell(trial: Trial): number {
  if (trial.error !== undefined) process.stdout.write(`crash: ${trial.error.stack ?? trial.error.message}\n`)
  for (const { kind, law, detail } of trial.report?.violations.slice(0, 20) ?? []) {
    process.stdout.write(`${kind}: ${law}: ${detail}\n`)
  }
  return exitCodeOf(trial)
}

function exitCodeOf({ error, report: result }: Trial): number {
  if (error !== undefined) return simExitCodes.crash
  if (result?.violations.some((violation) => violation.kind === "safety") === true) return simExitCodes.safety
  return (result?.violations.length ?? 0) > 0 ? simExitCodes.liveness : simExitCodes.clean
}

function resolveScenario(text: string, flags: RunFlags): Scenario {
  const latency = flags.latency === undefined ? {} : { latency: parseLatency(flags.latency) }
  const isJson = text.trimStart().startsWith("{")
  if (isJson || text.endsWith(".json")) {
    if (flags.peers !== undefined || flags.session !== undefined) {
      throw new P2PSipError("P2PSIP_BAD_CONFIG", "--peers, --session: expected neither beside a scenario in JSON, which says so itself")
    }
    if (!isJson && !existsSync(text)) throw new P2PSipError("P2PSIP_BAD_CONFIG", `scenario: expected a file, found none at ${text}`)
    const scenario = parseScenario(isJson ? text : readFileSync(text, "utf8"), isJson ? "the command line" : text)
    return { ...scenario, ...(flags.seed === undefined ? {} : { seed: wholeNumber("seed", flags.seed, 1) }), ...latency }
  }
  const choice = { seed: wholeNumber("seed", flags.seed, 1), peers: wholeNumber("peers", flags.peers, 50) }
  const session = flags.session === undefined ? {} : { medianSessionMs: Number(flags.session) * 60_000 }
  return { ...namedScenario(text, { ...choice, ...session }), ...latency }
}

function parseLatency(text: string): LatencyChoice {
  const [kind, rest = ""] = text.split(/:(.*)/s)
  if (kind === "matrix" && rest !== "") return { kind, file: rest }
  if (kind === "constant" && rest !== "" && Number(rest) >= 0) return { kind, oneWayMs: Number(rest) }
  if (kind === "plane" && (rest === "" || Number(rest) >= 0)) return { kind, ...(rest === "" ? {} : { sideMs: Number(rest) }) }
  throw new P2PSipError("P2PSIP_BAD_CONFIG", `--latency: expected constant:MS, plane:MS or matrix:FILE, found ${JSON.stringify(text)}`)
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,15}$/.test(text)) throw new P2PSipError("P2PSIP_BAD_CONFIG", `--${name}: expected a whole number, found ${JSON.stringify(text)}`)
  return Number(text)
}

/** Virtual time and speed on a terminal, once a second of real time. */
class Progress {
  #timer: NodeJS.Timeout | undefined

  follow(world: World): void {
    if (!process.stderr.isTTY) return
    this.#timer = setInterval(() => {
      const { simulation, fleet } = world
      const minutes = (simulation.now / 60_000).toFixed(1)
      process.stderr.write(`\r${minutes} virtual minutes, ${fleet.serving.length} peers, ${simulation.events} events   `)
    }, 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
  }
}

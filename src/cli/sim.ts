/** `p2psip sim`: runs scenarios on the simulator, and looks for ones that break a law. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { Command } from "commander"
import { loadBackend } from "../../backends/index.ts"
import { P2PSipError } from "../errors.ts"
import { tryScenario } from "../sim/fuzz.ts"
import { parseScenario } from "../sim/scenario-schema.ts"
import type { LatencyChoice, Scenario } from "../sim/scenario.ts"
import { namedScenario, scenarios } from "../sim/scenarios.ts"
import type { World } from "../sim/run-scenario.ts"
import { fuzzCommand } from "./sim-fuzz.ts"
import { tell, wholeNumber } from "./sim-outcome.ts"

interface RunFlags {
  readonly backend: string
  readonly peers?: string
  readonly seed?: string
  readonly session?: string
  readonly latency?: string
  readonly json?: string
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
  return new Command("sim").description("simulated overlays on a virtual clock").addCommand(run).addCommand(fuzzCommand())
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

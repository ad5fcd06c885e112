/** `p2psip sim fuzz`: many seeds, on as many cores as wanted, until one breaks a law. */
import { Command, Option } from "commander"
import { loadBackend } from "../../backends/index.ts"
import { P2PSipError } from "../errors.ts"
import { drawScenario, replayCommand, shrinkScenario, tryScenario } from "../sim/fuzz.ts"
import type { Scenario } from "../sim/scenario.ts"
import type { SeedOutcome, SeedTrier } from "./fuzz-workers.ts"
import { LocalTrier, WorkerTrier, serveSeeds } from "./fuzz-workers.ts"
import { simExitCodes, tell, wholeNumber } from "./sim-outcome.ts"

interface FuzzFlags {
  readonly backend: string
  readonly backendOptions?: string
  readonly seed?: string
  readonly seeds?: string
  readonly minutes?: string
  readonly jobs?: string
  readonly shrink: boolean
  readonly worker?: boolean
}

/** The flags, understood. */
interface FuzzPlan {
  readonly backend: string
  readonly backendOptions: Readonly<Record<string, unknown>>
  readonly firstSeed: number
  /** Exclusive. */
  readonly endSeed: number
  readonly minutes: number
  readonly jobs: number
  readonly shrinks: boolean
}

/** The subcommand. */
export function fuzzCommand(): Command {
  return new Command("fuzz")
    .description("draw scenarios from seeds until one breaks a law; print how to replay it")
    .option("--backend <name>", "as in the configuration", "chord")
    .option("--backend-options <json>", "as in the configuration, for every scenario")
    .option("--seed <number>", "the first seed (default: 1)")
    .option("--seeds <count|from-to>", "stop after so many; or these, the last one included")
    .option("--minutes <minutes>", "stop after so long (default: 10, unless --seeds is given)")
    .option("--jobs <count>", "processes that share the work (default: 1)")
    .option("--no-shrink", "print the broken scenario as it was drawn")
    .addOption(new Option("--worker").hideHelp())
    .action(async (flags: FuzzFlags) => {
      const plan = planOf(flags)
      if (flags.worker === true) return serveSeeds((seed) => trySeed(plan, seed))
      process.exitCode = await runFuzz(plan)
    })
}

function planOf(flags: FuzzFlags): FuzzPlan {
  const range = /^(\d{1,15})-(\d{1,15})$/.exec(flags.seeds ?? "")
  if (range !== null && flags.seed !== undefined) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", "--seed: expected none beside --seeds FROM-TO, which says where to begin")
  }
  const firstSeed = wholeNumber("seed", range?.[1] ?? flags.seed, 1)
  const count = flags.seeds === undefined || range !== null ? Infinity : wholeNumber("seeds", flags.seeds, 0)
  const endSeed = range === null ? firstSeed + count : Number(range[2]) + 1
  if (endSeed <= firstSeed) throw new P2PSipError("P2PSIP_BAD_CONFIG", `--seeds: expected at least one, found ${flags.seeds}`)
  const jobs = wholeNumber("jobs", flags.jobs, 1)
  if (jobs < 1) throw new P2PSipError("P2PSIP_BAD_CONFIG", "--jobs: expected at least one, found 0")
  return {
    backend: flags.backend,
    backendOptions: parseOptions(flags.backendOptions),
    firstSeed,
    endSeed,
    minutes: flags.minutes === undefined ? (flags.seeds === undefined ? 10 : Infinity) : wholeNumber("minutes", flags.minutes, 10),
    jobs,
    shrinks: flags.shrink,
  }
}

function parseOptions(json: string | undefined): Readonly<Record<string, unknown>> {
  if (json === undefined) return {}
  let options: unknown
  try {
    options = JSON.parse(json)
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--backend-options: expected JSON, found ${JSON.stringify(json)}`, { cause })
  }
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--backend-options: expected a JSON object, found ${json}`)
  }
  return options as Readonly<Record<string, unknown>>
}

function scenarioOf({ backendOptions }: FuzzPlan, seed: number): Scenario {
  const drawn = drawScenario(seed)
  return Object.keys(backendOptions).length === 0 ? drawn : { ...drawn, backendOptions }
}

async function trySeed(plan: FuzzPlan, seed: number): Promise<SeedOutcome> {
  const { error, report } = await tryScenario(scenarioOf(plan, seed), { backend: await loadBackend(plan.backend) })
  const isClean = error === undefined && report !== undefined && report.violations.length === 0
  return { seed, isClean, virtualMs: report?.virtualMs ?? 0, events: report?.events ?? 0 }
}

async function runFuzz(plan: FuzzPlan): Promise<number> {
  // Tells of wrong options before anybody starts to work.
  const backend = await loadBackend(plan.backend)
  const checked = backend.optionsSchema.safeParse(plan.backendOptions)
  if (!checked.success) {
    const [issue] = checked.error.issues
    const where = ["backend-options", ...(issue?.path ?? [])].join(".")
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--${where}: ${issue?.message ?? "not what the backend expects"}`)
  }
  const session = new FuzzSession(plan)
  const broken = await session.run()
  process.stdout.write(`${JSON.stringify(session.summary())}\n`)
  if (broken === undefined) return session.isInterrupted ? simExitCodes.interrupted : simExitCodes.clean
  process.stdout.write(`\nseed ${broken} breaks a law\n`)
  const trial = await tryScenario(scenarioOf(plan, broken), { backend })
  const exitCode = tell(trial)
  const small = plan.shrinks ? await shrinkScenario(trial.scenario, { backend }) : trial.scenario
  if (plan.shrinks) tell(await tryScenario(small, { backend }))
  process.stdout.write(`${replayCommand(plan.backend, small)}\n`)
  return exitCode
}

/** Hands out seeds until one is broken, all are tried, time is up, or somebody interrupts. */
class FuzzSession {
  readonly #plan: FuzzPlan
  readonly #startedAt = performance.now()
  #next: number
  #clean = 0
  #virtualMs = 0
  #events = 0
  #broken: number | undefined
  isInterrupted = false

  constructor(plan: FuzzPlan) {
    this.#plan = plan
    this.#next = plan.firstSeed
  }

  /** The first of the broken seeds, if there is one. */
  async run(): Promise<number | undefined> {
    const { jobs } = this.#plan
    const isLocal = jobs === 1
    const triers = Array.from({ length: jobs }, () => (isLocal ? new LocalTrier((seed) => trySeed(this.#plan, seed)) : new WorkerTrier()))
    const interrupt = (): void => {
      this.isInterrupted = true
    }
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt)
    const progress = setInterval(() => this.#tellProgress(), 1000)
    try {
      await Promise.all(triers.map((trier) => this.#work(trier)))
    } finally {
      for (const trier of triers) trier.stop()
      clearInterval(progress)
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt)
      if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
    }
    return this.#broken
  }

  summary(): object {
    const { backend, backendOptions, firstSeed } = this.#plan
    return {
      backend, backendOptions, clean: this.#clean, firstSeed, lastSeed: this.#next - 1, interrupted: this.isInterrupted,
      simulatedHours: Number((this.#virtualMs / 3_600_000).toFixed(2)), events: this.#events, seconds: Math.round(this.#seconds()),
    }
  }

  async #work(trier: SeedTrier): Promise<void> {
    while (!this.#isOver()) {
      const { seed, isClean, virtualMs, events } = await trier.try(this.#next++)
      this.#events += events
      if (isClean) {
        this.#clean++
        this.#virtualMs += virtualMs
      } else {
        this.#broken = Math.min(seed, this.#broken ?? seed)
      }
    }
  }

  #isOver(): boolean {
    if (this.isInterrupted || this.#broken !== undefined || this.#next >= this.#plan.endSeed) return true
    return this.#seconds() >= this.#plan.minutes * 60
  }

  #tellProgress(): void {
    if (!process.stderr.isTTY) return
    const { endSeed, minutes } = this.#plan
    const perSecond = this.#clean / this.#seconds()
    const leftSeconds = Math.min((endSeed - this.#next) / perSecond, minutes * 60 - this.#seconds())
    const left = Number.isFinite(leftSeconds) ? `, about ${Math.max(1, Math.ceil(leftSeconds / 60))} min left` : ""
    const hours = (this.#virtualMs / 3_600_000).toFixed(1)
    process.stderr.write(`\rseed ${this.#next - 1}: ${this.#clean} clean, ${hours} simulated hours, ${perSecond.toFixed(1)} seeds/s${left}\u001b[K`)
  }

  #seconds(): number {
    return (performance.now() - this.#startedAt) / 1000
  }
}

/** Playing a scenario from the command line: options checked before, progress shown meanwhile, files written afterwards. */
import { closeSync, openSync, writeFileSync } from "node:fs"
import { loadBackend } from "../../backends/index.ts"
import { P2PSipError } from "../errors.ts"
import type { BackendModule } from "../servlet/backend.ts"
import { tryScenario } from "../sim/fuzz.ts"
import type { Trial } from "../sim/fuzz.ts"
import type { Scenario } from "../sim/scenario.ts"
import { Progress } from "./sim-progress.ts"

/** What a run took of the machine. */
export interface Machine {
  readonly eventsPerSecond: number
  readonly seconds: number
  readonly peakMegabytes: number
}

/** Lets a scenario happen. `prefix` stands before its line of progress. */
export async function play(scenario: Scenario, backend: BackendModule, prefix = ""): Promise<{ readonly trial: Trial; readonly machine: Machine }> {
  const start = performance.now()
  const progress = new Progress(scenario, prefix)
  const trial = await tryScenario(scenario, { backend, onStart: (world) => progress.follow(world) })
  progress.stop()
  const seconds = (performance.now() - start) / 1000
  const machine = {
    eventsPerSecond: Math.round((trial.report?.events ?? 0) / seconds),
    seconds: Math.round(seconds),
    peakMegabytes: Math.round(progress.peakBytes / 2 ** 20),
  }
  return { trial, machine }
}

/** The backend of that name. */
export async function simulatedBackend(name: string): Promise<BackendModule> {
  if (name === "memory") throw bad('--backend: expected one whose peers form an overlay, found "memory"')
  return loadBackend(name)
}

/** Tells, before anything runs, of options that the backend does not take. */
export function expectRunnable(backend: BackendModule, scenarios: readonly Scenario[]): void {
  for (const { formed, backendOptions } of scenarios) {
    if (formed === true && backend.takesFounders !== true) {
      throw bad(`formed: expected a backend whose peers can start together, found ${backend.name}`)
    }
    const checked = backend.optionsSchema.safeParse(backendOptions ?? {})
    if (checked.success) continue
    const [issue] = checked.error.issues
    throw bad(`${["backendOptions", ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "not what the backend expects"}`)
  }
}

/** Tells, before anything runs, of files that cannot be written. */
export function expectWritable(...paths: readonly (string | undefined)[]): void {
  const given = paths.filter((path) => path !== undefined)
  if (new Set(given).size < given.length) throw bad(`--json, --svg: expected two files, found ${given[0]} for both`)
  for (const path of given) attempt(path, () => closeSync(openSync(path, "a")))
}

/** Writes a file, if one is wanted. */
export function write(path: string | undefined, text: string): void {
  if (path !== undefined) attempt(path, () => writeFileSync(path, `${text}\n`))
}

function attempt(path: string, action: () => void): void {
  try {
    action()
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `expected a file that can be written, found ${path}`, { cause })
  }
}

function bad(message: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", message)
}

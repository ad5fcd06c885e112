/** What a scenario or an experiment is asked for on the command line. All mistakes are `P2PSIP_BAD_CONFIG`, in one line. */
import { readFileSync } from "node:fs"
import { P2PSipError } from "../errors.ts"
import type { ExperimentChoice } from "../sim/experiments/index.ts"
import { readLatencyMatrix } from "../sim/latency.ts"
import { parseScenario } from "../sim/scenario-schema.ts"
import type { LatencyChoice, Scenario } from "../sim/scenario.ts"
import { namedScenario } from "../sim/scenarios.ts"
import { readTrace } from "../sim/trace.ts"
import { wholeNumber } from "./sim-outcome.ts"

export interface RunFlags {
  readonly backend?: string
  /** Separated by commas; for experiments. */
  readonly backends?: string
  readonly peers?: string
  readonly seed?: string
  readonly session?: string
  readonly minutes?: string
  readonly only?: string
  readonly latency?: string
  readonly trace?: string
  readonly json?: string
  readonly svg?: string
}

/** The scenario that a text stands for: a name, a file, or JSON; none beside --trace, which names its own. */
export function chooseScenario(named: string | undefined, flags: RunFlags): Scenario {
  const text = named ?? (flags.trace === undefined ? undefined : "trace")
  if (text === undefined) throw bad("scenario: expected a name, a JSON file, or JSON text, found none")
  for (const name of ["minutes", "only", "backends"] as const) {
    if (flags[name] !== undefined) throw bad(`--${name}: expected an experiment for it, found scenario ${shorten(text)}`)
  }
  const scenario = isJson(text) || text.endsWith(".json") ? fromJson(text, flags) : fromName(text, flags)
  if (scenario.formed === true && scenario.startGapMs !== undefined) {
    throw bad("formed, startGapMs: expected one of the two: peers start together, or one after another")
  }
  if (scenario.trace !== undefined && flags.trace === undefined) readTrace(scenario.trace)
  if (flags.latency === undefined && scenario.latency?.kind === "matrix") readLatencyMatrix(scenario.latency.file)
  return scenario
}

/** The names of the backends of an experiment. */
export function chooseBackends({ backend, backends }: RunFlags): readonly string[] {
  if (backends === undefined) return [backend ?? "chord"]
  if (backend !== undefined) throw bad("--backend, --backends: expected one of the two")
  const names = backends.split(",").map((name) => name.trim())
  if (names.includes("") || new Set(names).size < names.length) {
    throw bad(`--backends: expected different names, separated by commas, found ${JSON.stringify(backends)}`)
  }
  return names
}

/** What the flags say to an experiment. */
export function chooseExperiment(name: string, flags: RunFlags): ExperimentChoice {
  if (flags.session !== undefined) throw bad(`--session: expected none beside experiment ${name}, which has its own`)
  if (flags.trace !== undefined) throw bad(`--trace: expected none beside experiment ${name}`)
  const latency = latencyOf(flags)
  return {
    seed: wholeNumber("seed", flags.seed, 1),
    ...(flags.peers === undefined ? {} : { peers: atLeastOne("peers", flags.peers, 1) }),
    ...(flags.minutes === undefined ? {} : { minutes: positive("minutes", flags.minutes) }),
    ...(latency === undefined ? {} : { latency }),
  }
}

function fromJson(text: string, flags: RunFlags): Scenario {
  if (flags.trace !== undefined) throw bad("--trace: expected none beside a scenario in JSON, which says so itself")
  if (flags.peers !== undefined || flags.session !== undefined) {
    throw bad("--peers, --session: expected neither beside a scenario in JSON, which says so itself")
  }
  const scenario = isJson(text) ? parseScenario(text, "the command line") : parseScenario(readText(text), text)
  const latency = latencyOf(flags)
  const seed = flags.seed === undefined ? {} : { seed: wholeNumber("seed", flags.seed, 1) }
  return { ...scenario, ...seed, ...(latency === undefined ? {} : { latency }) }
}

/** They stay, for those of the trace to join through. */
const peersBesideTrace = 3

function fromName(name: string, flags: RunFlags): Scenario {
  if (flags.session !== undefined && name !== "churn") throw bad(`--session: expected scenario churn for it, found ${shorten(name)}`)
  if (flags.trace !== undefined && name !== "trace") throw bad(`--trace: expected scenario trace for it, found ${shorten(name)}`)
  const latency = latencyOf(flags)
  const trace = flags.trace === undefined ? {} : { trace: flags.trace }
  const session = flags.session === undefined ? {} : { medianSessionMs: positive("session", flags.session) * 60_000 }
  const size = name === "trace" ? peersBesideTrace : 50
  const choice = { seed: wholeNumber("seed", flags.seed, 1), peers: atLeastOne("peers", flags.peers, size), ...session, ...trace }
  return { ...namedScenario(name, choice), ...(latency === undefined ? {} : { latency }) }
}

function latencyOf({ latency: text }: RunFlags): LatencyChoice | undefined {
  if (text === undefined) return undefined
  const [kind, rest = ""] = text.split(/:(.*)/s)
  if (kind === "matrix" && rest !== "") {
    readLatencyMatrix(rest)
    return { kind, file: rest }
  }
  if (kind === "constant" && isDuration(rest)) return { kind, oneWayMs: Number(rest) }
  if (kind === "plane" && rest === "") return { kind }
  if (kind === "plane" && isDuration(rest)) return { kind, sideMs: Number(rest) }
  throw bad(`--latency: expected constant:MS, plane:MS or matrix:FILE, found ${JSON.stringify(text)}`)
}

/** Milliseconds up to an hour, in digits. */
function isDuration(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text) && Number(text) <= 3_600_000
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `scenario: expected a file that can be read, found none at ${path}`, { cause })
  }
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{")
}

function atLeastOne(name: string, text: string | undefined, otherwise: number): number {
  const count = wholeNumber(name, text, otherwise)
  if (count < 1) throw bad(`--${name}: expected 1 or more, found ${count}`)
  return count
}

function positive(name: string, text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (!(value > 0 && value < Infinity)) throw bad(`--${name}: expected a number above 0, found ${JSON.stringify(text)}`)
  return value
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function bad(message: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", message)
}

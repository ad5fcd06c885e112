/** What a bench is asked for on the command line. All mistakes are `P2PSIP_BAD_CONFIG`, in one line. */
import { backendNames } from "../../backends/index.ts"
import { backendSide } from "../bench/backend-sides.ts"
import type { Question, Setup, WorkloadName } from "../bench/model.ts"
import { outsidePeers } from "../bench/peers/index.ts"
import type { SideKind } from "../bench/side.ts"
import { workloads } from "../bench/workloads.ts"
import { P2PSipError } from "../errors.ts"

export interface CompareFlags {
  readonly backends?: string
  readonly others?: string
  readonly workloads?: string
  readonly setups?: string
  readonly peers?: string
  readonly entry?: string
  readonly storage?: string
  readonly simulated?: string
  readonly runs?: string
  readonly seconds?: string
  readonly warmUp?: string
  readonly users?: string
  readonly rateFactor?: string
  readonly html?: string
  readonly json?: string
  readonly against?: string
}

/** What is asked where nothing else is said. */
export const defaults = {
  backends: "chord,bamboo,kademlia,ssr", workloads: "idle,register,refresh,lookup,put-or-get,call,refresh-max,lookup-max", setups: "processes,simulated",
  peers: "4", entry: "spread", storage: "memory", simulated: "100,400", runs: "3", seconds: "2", warmUp: "0.5", users: "3000", rateFactor: "1",
} as const

const setupKinds = ["processes", "one-process", "simulated"] as const

/** The question that the flags ask. */
export function chooseQuestion(flags: CompareFlags): Question {
  const kinds = names("setups", flags.setups ?? defaults.setups, setupKinds)
  const peers = readNumbers("peers", flags.peers ?? defaults.peers, { least: 1, most: 64 })
  const entries = names("entry", flags.entry ?? defaults.entry, ["spread", "first"] as const)
  const storages = names("storage", flags.storage ?? defaults.storage, ["memory", "sqlite"] as const)
  const setups = kinds.filter((kind) => kind !== "simulated").flatMap((kind) => peers.flatMap((count) => setupsOf(kind, count, entries, storages)))
  if (flags.simulated !== undefined && !kinds.includes("simulated")) throw bad("--simulated: expected simulated among --setups for it")
  return {
    backends: names("backends", flags.backends ?? defaults.backends),
    outside: flags.others === undefined ? [] : flags.others === "all" ? Object.keys(outsidePeers) : names("others", flags.others, Object.keys(outsidePeers)),
    workloads: inOrder(names("workloads", flags.workloads ?? defaults.workloads, workloads.map(({ name }) => name))),
    setups,
    rounds: readNumber("runs", flags.runs ?? defaults.runs, { least: 1, most: 1000 }),
    seconds: readNumber("seconds", flags.seconds ?? defaults.seconds, { least: 0.05, most: 3600, isWhole: false }),
    warmUpSeconds: readNumber("warm-up", flags.warmUp ?? defaults.warmUp, { least: 0, most: 3600, isWhole: false }),
    users: readNumber("users", flags.users ?? defaults.users, { least: 1, most: 1_000_000 }),
    simulatedPeers: kinds.includes("simulated") ? readNumbers("simulated", flags.simulated ?? defaults.simulated, { least: 2, most: 100_000 }) : [],
    rateFactor: readNumber("rate-factor", flags.rateFactor ?? defaults.rateFactor, { least: 0.001, most: 1000, isWhole: false }),
  }
}

/** What is to be measured: backends, each known to be one, then programs of others. */
export function chooseSides({ backends, outside, setups }: Question): SideKind[] {
  const isOverlay = setups.some(({ peers }) => peers > 1)
  if (isOverlay && backends.includes("memory")) {
    throw bad(`--backends: expected ${backendNames.filter((name) => name !== "memory").join(", ")} where peers are more than one, found "memory"`)
  }
  return [...backends.map(backendSide), ...outside.flatMap((name) => outsidePeers[name] ?? [])]
}

function setupsOf(kind: Setup["kind"], peers: number, entries: readonly Setup["entry"][], storages: readonly Setup["storage"][]): Setup[] {
  return entries.flatMap((entry) => storages.map((storage) => ({ kind, peers, entry, storage })))
}

/** In the order in which they must run, whatever the order in which they were given. */
function inOrder(chosen: readonly WorkloadName[]): WorkloadName[] {
  return workloads.map(({ name }) => name).filter((name) => chosen.includes(name))
}

function names<Name extends string>(flag: string, text: string, known?: readonly Name[]): Name[] {
  const found = text.split(",").map((name) => name.trim())
  const isKnown = (name: string): name is Name => known === undefined || known.some((each) => each === name)
  const wrong = found.find((name) => name === "" || !isKnown(name))
  const expected = known === undefined ? "names" : `some of ${known.join(", ")}`
  if (wrong !== undefined) throw bad(`--${flag}: expected ${expected}, separated by commas, found ${JSON.stringify(wrong === "" ? text : wrong)}`)
  if (new Set(found).size < found.length) throw bad(`--${flag}: expected different names, found ${JSON.stringify(text)}`)
  return found.filter(isKnown)
}

interface Bounds {
  readonly least: number
  readonly most: number
  readonly isWhole?: boolean
}

/** Different numbers, separated by commas. Throws `P2PSIP_BAD_CONFIG`. */
export function readNumbers(flag: string, text: string, bounds: Bounds): number[] {
  return [...new Set(text.split(",").map((each) => readNumber(flag, each.trim(), bounds)))]
}

/** A number within bounds. Throws `P2PSIP_BAD_CONFIG`. */
export function readNumber(flag: string, text: string, { least, most, isWhole = true }: Bounds): number {
  const value = (isWhole ? /^\d{1,9}$/ : /^\d{1,9}(\.\d{1,9})?$/).test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw bad(`--${flag}: expected a ${isWhole ? "whole " : ""}number from ${least} to ${most}, found ${JSON.stringify(text)}`)
}

function bad(message: string): P2PSipError {
  return new P2PSipError("P2PSIP_BAD_CONFIG", message)
}

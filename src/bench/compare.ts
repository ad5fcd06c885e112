/** Runs the question: each side, in turn, round by round; what goes wrong is written down, and the rest goes on. */
import { setTimeout as sleep } from "node:timers/promises"
import { silentLogger } from "../runtime/log.ts"
import { noMetrics } from "../runtime/metrics.ts"
import { NodeRuntime } from "../runtime/node.ts"
import { describeSetup } from "./figures.ts"
import { quantiles } from "./model.ts"
import type { Flaw, Measurement, Question, Run, Setup, Workload } from "./model.ts"
import type { Outcome } from "./open-loop.ts"
import { isTableWork } from "./side.ts"
import type { Side, SideKind } from "./side.ts"
import { SipWork } from "./sip-work.ts"
import { quantilesOf } from "./statistics.ts"
import { workloadOf } from "./workloads.ts"

/** What is being done, for people. */
export interface Step {
  readonly text: string
  /** Of all steps, so many are over. */
  readonly done: number
  readonly of: number
}

/** What was found out so far. */
export interface Findings {
  readonly measurements: readonly Measurement[]
  readonly skipped: readonly Flaw[]
  readonly flaws: readonly Flaw[]
}

export interface CompareOptions {
  readonly onStep?: (step: Step) => void
  /** After each side, so that nothing is lost if the rest does not come about. */
  readonly onFindings?: (findings: Findings) => void
  /** For what a load has left behind to settle before the next comes. @default 300 */
  readonly settleMs?: number
  /** Ends the bench after what is being measured; all that was found out is kept. */
  readonly signal?: AbortSignal
}

/** An operation without an answer by then has failed. */
const timeoutMs = 5000

/** See the head of this file. Never rejects for what a side does. */
export async function compare(question: Question, kinds: readonly SideKind[], options: CompareOptions = {}): Promise<Findings> {
  const { onStep = () => undefined, onFindings = () => undefined, settleMs = 300, signal } = options
  const turns = turnsOf(question, kinds)
  const notebook = new Notebook(kinds)
  const steps = turns.reduce((total, { workloads }) => total + workloads.length + 1, 0)
  let done = 0
  for (const turn of turns) {
    if (signal?.aborted === true) break
    const { kind, round } = turn
    const upTo = done + turn.workloads.length + 1
    const next = (what: string): void => onStep({ text: `round ${round} of ${question.rounds}, ${kind.name}, ${describeSetup(turn.setup)}: ${what}`, done: done++, of: steps })
    try {
      await takeTurn({ question, turn, notebook, next, settleMs, signal })
    } catch (error) {
      notebook.flaws.push({ side: kind.name, round, what: oneLine(error) })
    }
    done = upTo
    onFindings(notebook.findings())
  }
  if (signal?.aborted === true) notebook.flaws.push({ side: "bench", what: "interrupted: what had not been measured by then is missing" })
  return notebook.findings()
}

/** One side, once. */
interface Turn {
  readonly kind: SideKind
  readonly setup: Setup
  readonly round: number
  readonly workloads: readonly Workload[]
}

/** In another order in each round: nobody always comes when the machine is warm. */
function turnsOf({ setups, rounds, workloads }: Question, kinds: readonly SideKind[]): Turn[] {
  const turns: Turn[] = []
  const present = kinds.filter((kind) => kind.missing() === undefined)
  for (let round = 1; round <= rounds; round++) {
    for (const setup of setups) {
      for (const index of present.keys()) {
        const kind = present[(index + round - 1) % present.length]
        if (kind === undefined) continue
        const able = workloads.map(workloadOf).filter((workload) => kind.does(workload, setup))
        if (able.some(({ by }) => by !== "nobody")) turns.push({ kind, setup, round, workloads: able })
      }
    }
  }
  return turns
}

interface TurnComponents {
  readonly question: Question
  readonly turn: Turn
  readonly notebook: Notebook
  readonly next: (what: string) => void
  readonly settleMs: number
  readonly signal: AbortSignal | undefined
}

async function takeTurn({ question, turn, notebook, next, settleMs, signal }: TurnComponents): Promise<void> {
  const { kind, setup, round, workloads } = turn
  next("start")
  const side = await kind.start(setup)
  const runtime = new NodeRuntime({}, { log: silentLogger, metrics: noMetrics })
  const asked = withinReach(question, kind)
  const { users } = asked
  let phones: SipWork | undefined
  let doing = "the start"
  const guarded = <T>(work: Promise<T>): Promise<T> => Promise.race([work, side.died])
  try {
    if (side.sipPorts.length > 0) phones = await SipWork.open(runtime, { sipPorts: side.sipPorts, users, timeoutMs, seed: `${round}` })
    const missing = await guarded(phones === undefined ? (side.fill?.(users) ?? Promise.resolve()).then(() => 0) : phones.prepare())
    if (missing > 0) notebook.flaws.push({ side: kind.name, round, what: `${missing} of ${users} users could not be registered beforehand` })
    for (const workload of workloads) {
      if (signal?.aborted === true) return
      doing = workload.name
      next(workload.name)
      const run = await guarded(measure(asked, { side, phones, workload, round, settleMs }))
      notebook.note(kind.name, setup, workload, run)
    }
  } catch (error) {
    throw new Error(`${oneLine(error)}, during ${doing}`, { cause: error })
  } finally {
    phones?.close()
    await side.end()
  }
}

interface Scene {
  readonly side: Side
  readonly phones: SipWork | undefined
  readonly workload: Workload
  readonly round: number
  readonly settleMs: number
}

/** The question as that side is asked it. */
interface Asked extends Pick<Question, "seconds" | "warmUpSeconds" | "rateFactor" | "users"> {
  readonly most: { readonly perSecond: number; readonly underWay: number }
}

function withinReach(question: Question, { atMost }: SideKind): Asked {
  return { ...question, users: Math.min(question.users, atMost?.users ?? Infinity), most: atMost ?? { perSecond: Infinity, underWay: Infinity } }
}

async function measure({ seconds, warmUpSeconds, rateFactor, users, most }: Asked, { side, phones, workload, round, settleMs }: Scene): Promise<Run> {
  const { name, operations } = workload
  const underWay = workload.underWay === undefined ? undefined : Math.min(workload.underWay, most.underWay)
  const perSecond = Math.min(workload.perSecond * rateFactor, most.perSecond)
  const load = async (forSeconds: number, part: string): Promise<Outcome> => {
    if (isTableWork(name) && side.load !== undefined) {
      const exactly = operations === undefined ? undefined : part === "load" ? { from: 0, count: operations.counted } : { from: operations.counted, count: operations.warmUp }
      return side.load({ workload: name, perSecond, underWay, operations: exactly, seconds: forSeconds, timeoutMs, seed: `${round} ${part}`, users })
    }
    if (workload.by === "sip" && phones !== undefined) return phones.load({ name, perSecond, ...(underWay === undefined ? {} : { underWay }) }, forSeconds)
    await sleep(forSeconds * 1000)
    return { done: 0, failed: 0, latenciesMs: [], lagMs: 0 }
  }
  if (warmUpSeconds > 0 && workload.by !== "nobody") await load(warmUpSeconds, "warm-up")
  await sleep(settleMs)
  const [before, startedAt] = [await side.cost(), performance.now()]
  const outcome = await load(seconds, "load")
  const [after, endedAt] = [await side.cost(), performance.now()]
  return {
    round,
    seconds: (endedAt - startedAt) / 1000,
    offered: outcome.latenciesMs.length,
    done: outcome.done,
    failed: outcome.failed,
    latencyMs: quantilesOf(outcome.latenciesMs, quantiles),
    cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds,
    residentBytes: after.residentBytes,
    ...(after.linkBytes === undefined || before.linkBytes === undefined ? {} : { linkBytes: after.linkBytes - before.linkBytes }),
    lagMs: outcome.lagMs,
  }
}

/** All that is known so far. */
class Notebook {
  readonly flaws: Flaw[] = []
  readonly #skipped: readonly Flaw[]
  readonly #measurements = new Map<string, Measurement>()

  constructor(kinds: readonly SideKind[]) {
    this.#skipped = kinds.flatMap((kind) => {
      const what = kind.missing()
      return what === undefined ? [] : [{ side: kind.name, what }]
    })
  }

  note(side: string, setup: Setup, workload: Workload, run: Run): void {
    const key = JSON.stringify([side, setup, workload.name])
    const { runs } = this.#measurements.get(key) ?? { runs: [] }
    this.#measurements.set(key, { side, setup, workload: workload.name, runs: [...runs, run] })
  }

  findings(): Findings {
    return { measurements: [...this.#measurements.values()], skipped: this.#skipped, flaws: [...this.flaws] }
  }
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ")
}

/** Answers a question: measures, simulates, and writes down the whole. */
import { compare } from "./compare.ts"
import type { Findings, Step } from "./compare.ts"
import { thisCommit, thisMachine } from "./machine.ts"
import type { Flaw, Question, Report, SimulatedRow } from "./model.ts"
import type { SideKind } from "./side.ts"
import { simulatePeers } from "./simulated.ts"

export interface AnswerOptions {
  readonly version: string
  readonly onStep?: (step: Step) => void
  /** Each time that something has been added. */
  readonly onReport?: (report: Report) => void
  /** Ends it after what is being done now; what there is by then is the report. */
  readonly signal?: AbortSignal
}

/** See the head of this file. Never rejects for what a side does: that is a flaw, and part of the report. */
export async function answer(question: Question, kinds: readonly SideKind[], options: AnswerOptions): Promise<Report> {
  const [startedAt, began] = [new Date().toISOString(), performance.now()]
  const { version, signal, onStep = () => undefined, onReport = () => undefined } = options
  const [machine, commit] = [thisMachine(), thisCommit()]
  const simulated: SimulatedRow[] = []
  const flaws: Flaw[] = []
  const reportOf = (findings: Findings): Report => ({
    format: "p2psip bench 1", startedAt, seconds: (performance.now() - began) / 1000, version, ...(commit === undefined ? {} : { commit }), machine, question,
    ...findings, simulated, flaws: [...findings.flaws, ...flaws],
  })
  const findings = await compare(question, kinds, {
    onStep, onFindings: (now) => onReport(reportOf(now)), ...(signal === undefined ? {} : { signal }),
  })
  const simulations = question.simulatedPeers.flatMap((peers) => question.backends.filter((name) => name !== "memory").map((backend) => ({ backend, peers })))
  for (const [done, { backend, peers }] of simulations.entries()) {
    if (signal?.aborted === true) break
    onStep({ text: `${backend}, ${peers} simulated peers`, done, of: simulations.length })
    try {
      simulated.push(...(await simulatePeers(backend, peers)))
    } catch (error) {
      flaws.push({ side: backend, what: `${peers} simulated peers: ${error instanceof Error ? error.message : String(error)}`.replaceAll(/\s*\n\s*/g, " ") })
    }
    onReport(reportOf(findings))
  }
  return reportOf(findings)
}

/** Runs a bench from the command line: shows how far it is, writes page and data, whatever comes in between. */
import type { Question, Report } from "../bench/model.ts"
import { answer } from "../bench/report.ts"
import type { SideKind } from "../bench/side.ts"
import { summaryTable } from "../bench/summary.ts"
import { BenchProgress } from "./bench-progress.ts"
import { packageFacts } from "./package-facts.ts"
import { simExitCodes } from "./sim-outcome.ts"
import { expectWritable, write } from "./sim-play.ts"

/** Where the outcome goes. */
export interface RunOutput {
  readonly html: string
  readonly json: string | undefined
  readonly writePage: (report: Report) => Promise<string>
}

/** The exit code: 1 where something is missing that was asked for, 130 after an interruption. */
export async function runQuestion(question: Question, sides: readonly SideKind[], { html, json, writePage }: RunOutput): Promise<number> {
  expectWritable(html, json)
  const progress = new BenchProgress()
  const interruption = new AbortController()
  const onInterrupt = (): void => {
    if (interruption.signal.aborted) process.exit(simExitCodes.interrupted)
    interruption.abort()
    process.stderr.write("\nending after this measurement; once more ends at once\n")
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, onInterrupt)
  // Timers of a load do not keep a process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    const report = await answer(question, sides, {
      version: packageFacts().version, signal: interruption.signal, onStep: (step) => progress.show(step),
      onReport: (report) => write(json, JSON.stringify(report)),
    })
    progress.stop()
    write(json, JSON.stringify(report))
    write(html, await writePage(report))
    tell(report, html)
    return interruption.signal.aborted ? simExitCodes.interrupted : report.flaws.length > 0 ? 1 : 0
  } finally {
    progress.stop()
    clearInterval(alive)
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, onInterrupt)
  }
}

function tell(report: Report, html: string): void {
  for (const { side, what } of report.skipped) process.stderr.write(`skipped ${side}: ${what}\n`)
  for (const { side, round, what } of report.flaws) process.stderr.write(`${side}${round === undefined ? "" : `, run ${round}`}: ${what}\n`)
  process.stdout.write(`${summaryTable(report)}\n\nthe page: ${html}\n`)
}

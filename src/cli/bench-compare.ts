/** `p2psip bench compare`: asks the question, shows how far it is, writes page and data. */
import { loadBackend } from "../../backends/index.ts"
import { answer } from "../bench/report.ts"
import { summaryTable } from "../bench/summary.ts"
import { writePage } from "../bench/page.ts"
import { readReport } from "../bench/read-report.ts"
import type { Report } from "../bench/model.ts"
import { chooseQuestion, chooseSides } from "./bench-choice.ts"
import type { CompareFlags } from "./bench-choice.ts"
import { BenchProgress } from "./bench-progress.ts"
import { packageFacts } from "./package-facts.ts"
import { simExitCodes } from "./sim-outcome.ts"
import { expectWritable, write } from "./sim-play.ts"

/** The exit code: 1 where something is missing that was asked for, 130 after an interruption. */
export async function runCompare(flags: CompareFlags): Promise<number> {
  const question = chooseQuestion(flags)
  const sides = chooseSides(question)
  // What does not exist is told before anything has been measured.
  for (const name of question.backends) await loadBackend(name)
  const earlier = flags.against === undefined ? undefined : readReport(flags.against)
  const html = flags.html ?? "p2psip-bench.html"
  expectWritable(html, flags.json)
  const progress = new BenchProgress()
  const interruption = new AbortController()
  const onInterrupt = (): void => {
    if (interruption.signal.aborted) process.exit(simExitCodes.interrupted)
    interruption.abort()
    process.stderr.write("\nending after this measurement; once more ends at once\n")
  }
  process.on("SIGINT", onInterrupt)
  // Timers of a load do not keep a process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    const report = await answer(question, sides, {
      version: packageFacts().version, signal: interruption.signal, onStep: (step) => progress.show(step), onReport: (report) => write(flags.json, text(report)),
    })
    progress.stop()
    write(flags.json, text(report))
    write(html, await writePage(report, earlier))
    tell(report, html)
    return interruption.signal.aborted ? simExitCodes.interrupted : report.flaws.length > 0 ? 1 : 0
  } finally {
    progress.stop()
    clearInterval(alive)
    process.off("SIGINT", onInterrupt)
  }
}

function text(report: Report): string {
  return JSON.stringify(report)
}

function tell(report: Report, html: string): void {
  for (const { side, what } of report.skipped) process.stderr.write(`skipped ${side}: ${what}\n`)
  for (const { side, round, what } of report.flaws) process.stderr.write(`${side}${round === undefined ? "" : `, run ${round}`}: ${what}\n`)
  process.stdout.write(`${summaryTable(report)}\n\nthe page: ${html}\n`)
}

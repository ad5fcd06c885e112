/** `p2psip bench compare`: checks the question, asks it, and holds the answer against an earlier one. */
import { loadBackend } from "../../backends/index.ts"
import { writePage } from "../bench/page.ts"
import { readReport } from "../bench/read-report.ts"
import { chooseQuestion, chooseSides } from "./bench-choice.ts"
import type { CompareFlags } from "./bench-choice.ts"
import { runQuestion } from "./bench-run.ts"

/** The exit code: see `runQuestion`. */
export async function runCompare(flags: CompareFlags): Promise<number> {
  const question = chooseQuestion(flags)
  const sides = chooseSides(question)
  // What does not exist is told before anything has been measured.
  for (const name of question.backends) await loadBackend(name)
  const earlier = flags.against === undefined ? undefined : readReport(flags.against)
  return runQuestion(question, sides, { html: flags.html ?? "p2psip-bench.html", json: flags.json, writePage: (report) => writePage(report, earlier) })
}

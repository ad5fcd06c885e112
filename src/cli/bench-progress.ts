/** How far a bench is, and for how long it will go on: a line that changes on a terminal, elsewhere a line now and then. */
import type { Step } from "../bench/compare.ts"

const barCells = 24

/** Shows steps on stderr. */
export class BenchProgress {
  #startedAt = performance.now()
  readonly #isTerminal = process.stderr.isTTY
  #lastHead = ""

  show(step: Step): void {
    // A part of its own, with its own pace.
    if (step.done === 0) this.#startedAt = performance.now()
    const line = describeStep(step, (performance.now() - this.#startedAt) / 1000)
    if (this.#isTerminal) process.stderr.write(`\r${line}\u001b[K`)
    else this.#tell(step, line)
  }

  stop(): void {
    if (this.#isTerminal) process.stderr.write("\r\u001b[K")
  }

  /** One line for each side and round. */
  #tell({ text }: Step, line: string): void {
    const [head = ""] = text.split(":", 1)
    if (head === this.#lastHead) return
    this.#lastHead = head
    process.stderr.write(`${line}\n`)
  }
}

/** The line for people. */
export function describeStep({ text, done, of }: Step, elapsedSeconds: number): string {
  const share = of === 0 ? 0 : Math.min(1, done / of)
  const filled = Math.round(share * barCells)
  const left = share < 0.02 ? "" : `, ${leftText(elapsedSeconds * (1 / share - 1))}`
  return `${"█".repeat(filled)}${"░".repeat(barCells - filled)} ${text}${left}`
}

function leftText(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.ceil(seconds / 60)} min left`
}

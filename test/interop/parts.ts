/** Tests of whole programs that come in parts, and want namespaces: what they have in common. */
import { parseArgs } from "node:util"
import type { ParseArgsOptionsConfig } from "node:util"
import type { Check } from "./checks.ts"
import { requireProgram, sipp } from "./debian.ts"

export interface Parts {
  /** What is skipped where it cannot run: `the mesh`. */
  readonly what: string
  readonly parts: Readonly<Record<string, (flags: Readonly<Record<string, string>>) => Promise<Check[]>>>
  /** Flags besides `--part`, with their defaults. */
  readonly flags?: Readonly<Record<string, string>>
}

/** Runs the part that `--part` names, or all of them, prints what each found, and sets the exit code: 1 for what failed, 2 for what could not be tried. */
export async function runParts(options: Parts): Promise<void> {
  try {
    process.exitCode = (await countFailures(options)) === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}

async function countFailures({ what, parts, flags: defaults = {} }: Parts): Promise<number> {
  const known = Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value }] as const)
  const declared: ParseArgsOptionsConfig = { part: { type: "string" }, ...Object.fromEntries(known) }
  const { part, ...flags } = parseArgs({ options: declared }).values as Readonly<Record<string, string>>
  const chosen = Object.entries(parts).filter(([name]) => part === undefined || part === name)
  if (chosen.length === 0) throw new Error(`--part: expected ${Object.keys(parts).join(", ")}, found ${part}`)
  if (process.getuid?.() !== 0) {
    print(`${what} is skipped: only root can make network namespaces`)
    return 0
  }
  print(requireProgram(sipp))
  let failed = 0
  for (const [name, run] of chosen) {
    const startedAt = performance.now()
    print(`${[name, ...Object.values(flags)].join(", ")}:`)
    for (const check of await run(flags)) {
      print(`${check.passed ? "  ok    " : "  FAILED"} ${check.name}: ${check.detail}`)
      if (!check.passed) failed++
    }
    print(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  print(failed === 0 ? "all passed" : `${failed} failed`)
  return failed
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * A real mesh on one machine: routers in network namespaces, veth cables
 * between them, SIPp as phones. See README.md.
 *
 *     npm run test:mesh -- [--part line|ring]
 */
import { parseArgs } from "node:util"
import type { Check } from "../interop/checks.ts"
import { requireProgram, sipp } from "../interop/debian.ts"
import { line } from "./line.ts"
import { ring } from "./ring.ts"

const parts: Readonly<Record<string, () => Promise<Check[]>>> = { line, ring }

const { values } = parseArgs({ options: { part: { type: "string" } } })

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function main(): Promise<void> {
  const chosen = Object.entries(parts).filter(([name]) => values.part === undefined || values.part === name)
  if (chosen.length === 0) throw new Error(`--part: expected ${Object.keys(parts).join(", ")}, found ${values.part}`)
  if (process.getuid?.() !== 0) return print("the mesh is skipped: only root can make network namespaces")
  print(requireProgram(sipp))
  let failed = 0
  for (const [name, run] of chosen) {
    const startedAt = performance.now()
    print(`${name}:`)
    for (const check of await run()) {
      print(`${check.passed ? "  ok    " : "  FAILED"} ${check.name}: ${check.detail}`)
      if (!check.passed) failed++
    }
    print(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  print(failed === 0 ? "all passed" : `${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

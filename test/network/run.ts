/**
 * Peers on a network that fails without telling anybody: libp2p's connections
 * over namespaces and a switch of this machine. See README.md.
 *
 *     npm run test:network -- [--part partition|frozen|blackout] [--backend chord]
 */
import { parseArgs } from "node:util"
import type { Check } from "../interop/checks.ts"
import { requireProgram, sipp } from "../interop/debian.ts"
import { blackout } from "./blackout.ts"
import { frozen } from "./frozen.ts"
import { partition } from "./partition.ts"
import { Network } from "./peers.ts"

const parts: Readonly<Record<string, (network: Network) => Promise<Check[]>>> = { partition, frozen, blackout }

const { values } = parseArgs({ options: { part: { type: "string" }, backend: { type: "string", default: "chord" } } })

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function main(): Promise<void> {
  const chosen = Object.entries(parts).filter(([name]) => values.part === undefined || values.part === name)
  if (chosen.length === 0) throw new Error(`--part: expected ${Object.keys(parts).join(", ")}, found ${values.part}`)
  if (process.getuid?.() !== 0) return print("the network is skipped: only root can make network namespaces")
  print(requireProgram(sipp))
  let failed = 0
  for (const [name, run] of chosen) {
    const startedAt = performance.now()
    print(`${name}, ${values.backend}:`)
    const network = new Network(values.backend)
    try {
      for (const check of await run(network)) {
        print(`${check.passed ? "  ok    " : "  FAILED"} ${check.name}: ${check.detail}`)
        if (!check.passed) failed++
      }
    } finally {
      network.destroy()
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

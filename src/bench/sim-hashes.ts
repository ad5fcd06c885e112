/**
 * Shows that a seed decides a simulation altogether: the same scenario in two
 * processes, one of them while all cores are busy with something else, gives
 * the same event hash.
 *
 *     node src/bench/sim-hashes.ts [--scenario churn] [--peers 100] [--seed 1] [--backend chord]
 */
import type { ChildProcess } from "node:child_process"
import { execFile, spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs, promisify } from "node:util"

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "churn" },
    peers: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    backend: { type: "string", default: "chord" },
  },
})

interface Outcome {
  readonly eventHash: string
  readonly events: number
  readonly seconds: number
}

const program = new URL("../cli/main.ts", import.meta.url).pathname
const { scenario, peers, seed, backend } = values
const args = [program, "sim", "run", scenario, "--peers", peers, "--seed", seed, "--backend", backend]

async function run(): Promise<Outcome> {
  const start = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
  const { eventHash, events } = JSON.parse(stdout.slice(0, stdout.lastIndexOf("\n}") + 2)) as Outcome
  return { eventHash, events, seconds: Math.round(performance.now() - start) / 1000 }
}

const quiet = await run()
const load: ChildProcess[] = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", "const end = Date.now() + 600_000; while (Date.now() < end);"], { stdio: "ignore" }))
try {
  const loaded = await run()
  const isSame = quiet.eventHash === loaded.eventHash && quiet.events === loaded.events
  console.log(JSON.stringify({ scenario, peers, seed, backend, quiet, loaded, isSame }))
  process.exitCode = isSame ? 0 : 1
} finally {
  for (const busy of load) busy.kill()
}

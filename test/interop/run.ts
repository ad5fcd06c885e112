/**
 * Runs real SIP software (SIPp, Chromium with JsSIP, baresip) against peers that are processes of their own.
 *
 *     npm run test:interop -- [--scenario register|calls|churn|browser|baresip] [--count N] [--rate N] [--peers N] [--backend NAME]
 *
 * Without `--scenario` all run, in sizes that take a minute or two. The full
 * size is `--scenario register --count 150000 --rate 3000` and
 * `--scenario calls --count 10000`.
 */
import { parseArgs } from "node:util"
import { startOverlay } from "../../src/bench/daemon.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { baresipCalls } from "./baresip.ts"
import { browsers } from "./browser.ts"
import { calls } from "./calls.ts"
import { domain } from "./checks.ts"
import type { Check, ScenarioOptions } from "./checks.ts"
import { churn } from "./churn.ts"
import { baresip, chromium, requireProgram, sipp, type Program } from "./debian.ts"
import { register } from "./register.ts"
import { secured, type Prepared } from "./secured.ts"

interface Scenario {
  readonly count: number
  readonly rate: number
  /** What the peers need besides. */
  readonly prepare?: () => Promise<Prepared>
  readonly program: Program
  readonly run: (peers: readonly Daemon[], options: ScenarioOptions) => Promise<Check[]>
}

const scenarios: Readonly<Record<string, Scenario>> = {
  browser: { count: 4, rate: 1, program: chromium, prepare: () => secured("wss"), run: browsers },
  baresip: { count: 2, rate: 1, program: baresip, prepare: () => secured("tls"), run: baresipCalls },
  register: { count: 5000, rate: 1000, program: sipp, run: register },
  calls: { count: 500, rate: 50, program: sipp, run: calls },
  churn: {
    count: 6000,
    rate: 200,
    program: sipp,
    run: (peers, options) => {
      const bootstrap = peers.flatMap(({ ready }, index) => (index === 0 ? ready.listen : []))
      const args = bootstrap.flatMap((address) => ["--bootstrap", address])
      return churn(peers, options, [...args, ...peerArgs(options), "--sip", "udp:127.0.0.1:0", "--sip", "tcp:127.0.0.1:0"])
    },
  },
}

function peerArgs({ backend }: ScenarioOptions): string[] {
  return ["--backend", backend, "--domain", domain]
}

const { values } = parseArgs({
  options: {
    scenario: { type: "string" },
    count: { type: "string" },
    rate: { type: "string" },
    peers: { type: "string", default: "5" },
    backend: { type: "string", default: "chord" },
  },
})

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function runScenario(name: string, scenario: Scenario): Promise<readonly Check[]> {
  const options: ScenarioOptions = {
    peers: Number(values.peers),
    backend: values.backend,
    count: Number(values.count ?? scenario.count),
    rate: Number(values.rate ?? scenario.rate),
  }
  print(`${name}: ${options.peers} peers, backend ${options.backend}, ${options.count} at ${options.rate}/s`)
  let peers: readonly Daemon[] = []
  const prepared = await scenario.prepare?.()
  try {
    peers = await startOverlay(options.peers, [...peerArgs(options), ...(prepared?.args ?? [])])
    return await scenario.run(peers, options)
  } catch (error) {
    return [{ name: `${name} runs to its end`, passed: false, detail: error instanceof Error ? error.message : String(error) }]
  } finally {
    await Promise.all(peers.map((peer) => peer.end()))
    prepared?.release()
  }
}

async function main(): Promise<void> {
  const chosen = Object.entries(scenarios).filter(([name]) => values.scenario === undefined || values.scenario === name)
  if (chosen.length === 0) throw new Error(`--scenario: expected ${Object.keys(scenarios).join(", ")}, found ${values.scenario}`)
  for (const program of new Set(chosen.map(([, { program }]) => program))) print(requireProgram(program))
  const checks: Check[] = []
  for (const [name, scenario] of chosen) {
    for (const check of await runScenario(name, scenario)) {
      print(`${check.passed ? "  ok    " : "  FAILED"} ${check.name}: ${check.detail}`)
      checks.push(check)
    }
  }
  const failed = checks.filter(({ passed }) => !passed).length
  print(`${checks.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

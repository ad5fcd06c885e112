/**
 * Runs real SIP software (SIPp, Chromium with JsSIP and SIP.js, baresip, linphone, sipsak, Kamailio) against peers that are processes of their own.
 *
 *     npm run test:interop -- [--scenario NAME] [--count N] [--rate N] [--peers N] [--backend NAME]
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
import { Capture } from "./capture.ts"
import { baresip, chromium, kamailio, linphone, requireProgram, sipp, sipsak, tshark, type Program } from "./debian.ts"
import { kamailioNeighbour } from "./kamailio.ts"
import { linphoneCalls } from "./linphone.ts"
import { forPresence, presence } from "./presence.ts"
import { register } from "./register.ts"
import { secured, type Prepared } from "./secured.ts"
import { forSipsak, sipsakAsks } from "./sipsak.ts"
import { dualStack, transports } from "./transports.ts"
import { withUsers } from "./users.ts"

interface Scenario {
  readonly count: number
  readonly rate: number
  /** What the peers need besides. */
  readonly prepare?: () => Promise<Prepared>
  readonly program: Program
  /** Whether tshark looks at what it sends; not where that is too much. */
  readonly isCaptured?: boolean
  readonly run: (peers: readonly Daemon[], options: ScenarioOptions) => Promise<Check[]>
}

const scenarios: Readonly<Record<string, Scenario>> = {
  browser: { count: 6, rate: 1, program: chromium, prepare: () => secured("wss"), run: browsers },
  baresip: { count: 2, rate: 1, program: baresip, prepare: () => secured("tls"), run: baresipCalls },
  presence: { count: 2, rate: 1, program: baresip, prepare: forPresence, isCaptured: true, run: presence },
  linphone: { count: 4, rate: 1, program: linphone, prepare: async () => withUsers(["alice", "carol"]), isCaptured: true, run: linphoneCalls },
  sipsak: { count: 6, rate: 1, program: sipsak, prepare: forSipsak, isCaptured: true, run: sipsakAsks },
  kamailio: { count: 5, rate: 1, program: kamailio, isCaptured: true, run: kamailioNeighbour },
  transports: { count: 100, rate: 100, program: sipp, prepare: dualStack, isCaptured: true, run: transports },
  register: { count: 5000, rate: 1000, program: sipp, run: register },
  calls: { count: 500, rate: 100, program: sipp, isCaptured: true, run: calls },
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

let canCapture = false

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
  let capture: Capture | undefined
  const prepared = await scenario.prepare?.()
  try {
    peers = await startOverlay(options.peers, [...peerArgs(options), ...(prepared?.args ?? [])])
    if (canCapture && scenario.isCaptured === true) capture = await Capture.start(peers)
    const checks = await scenario.run(peers, options)
    return capture === undefined ? checks : [...checks, await capture.look(name)]
  } catch (error) {
    return [{ name: `${name} runs to its end`, passed: false, detail: error instanceof Error ? error.message : String(error) }]
  } finally {
    await capture?.release()
    await Promise.all(peers.map((peer) => peer.end()))
    prepared?.release()
  }
}

/** Whether tshark is there and may listen on loopback. */
function mayCapture(): boolean {
  try {
    if (process.getuid?.() !== 0) throw new Error("only root may listen on loopback")
    print(requireProgram(tshark))
    return true
  } catch (error) {
    print(`no look at what is sent: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

async function main(): Promise<void> {
  const chosen = Object.entries(scenarios).filter(([name]) => values.scenario === undefined || values.scenario === name)
  if (chosen.length === 0) throw new Error(`--scenario: expected ${Object.keys(scenarios).join(", ")}, found ${values.scenario}`)
  const missing = new Map<Program, string>()
  for (const program of new Set(chosen.map(([, { program }]) => program))) {
    try {
      print(requireProgram(program))
    } catch (error) {
      if (values.scenario !== undefined) throw error
      missing.set(program, error instanceof Error ? error.message : String(error))
    }
  }
  canCapture = mayCapture()
  const checks: Check[] = []
  for (const [name, scenario] of chosen) {
    const reason = missing.get(scenario.program)
    if (reason !== undefined) {
      print(`${name}: skipped, ${reason}`)
      continue
    }
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

/**
 * Scenario `register`: SIPp registers many addresses-of-record, spread over
 * all peers; then each is looked up, by a REGISTER without Contact, at the
 * peer after the one that took it.
 */
import type { Daemon } from "../../src/bench/daemon.ts"
import { fetchScenario, injectedLines, registerScenario } from "../../src/bench/sipp-scenarios.ts"
import { runSipp } from "../../src/bench/sipp.ts"
import type { SippResult } from "../../src/bench/sipp.ts"
import { domain, inTurn, judge, maxOpen } from "./checks.ts"
import type { Check, ScenarioOptions } from "./checks.ts"

export async function register(peers: readonly Daemon[], options: ScenarioOptions): Promise<Check[]> {
  const registered = await spread(peers, options, registerScenario(domain), 0)
  const found = await spread(peers, options, fetchScenario(domain), 1)
  return [
    judge(`${options.count} addresses-of-record registered through ${peers.length} peers`, registered, options.count),
    judge("every one found from a different peer", found, options.count),
  ]
}

function spread(peers: readonly Daemon[], options: ScenarioOptions, scenario: string, offset: number): Promise<SippResult> {
  const ports = peers.map((peer) => peer.sipPort("udp"))
  const lines = Array.from({ length: options.count }, (_, index) => ({
    user: `user${index}`, host: "127.0.0.1", port: inTurn(ports, index + offset),
  }))
  return runSipp({
    scenario,
    injected: injectedLines(lines),
    remote: `127.0.0.1:${ports[0]}`,
    calls: options.count,
    callsPerSecond: options.rate,
    maxOpenCalls: maxOpen(options.rate),
    timeoutSeconds: 120 + Math.ceil((options.count / options.rate) * 3),
  })
}

/**
 * Scenario `calls`: SIPp calls SIPp (INVITE 180 200 ACK BYE 200). The callee's
 * phone is registered at one peer, the caller uses another. Once over UDP, once
 * over TCP, where the phone is called on the connection that it registered on.
 */
import type { Daemon } from "../../src/bench/daemon.ts"
import { calleeScenario, callerScenario, injectedLines } from "../../src/bench/sipp-scenarios.ts"
import { runSipp, startSipp } from "../../src/bench/sipp.ts"
import type { SippRun } from "../../src/bench/sipp.ts"
import { domain, inTurn, judge, maxOpen } from "./checks.ts"
import type { Check, ScenarioOptions } from "./checks.ts"
import { fetchUntilFound, phoneScenario, withoutDestination } from "./scenarios.ts"

export async function calls(peers: readonly Daemon[], options: ScenarioOptions): Promise<Check[]> {
  return [await callOver("udp", peers, options), await callOver("tcp", peers, options)]
}

async function callOver(transport: "udp" | "tcp", peers: readonly Daemon[], options: ScenarioOptions): Promise<Check> {
  const user = `phone-${transport}`
  const [holder, ...others] = peers
  const entry = inTurn(others, 0)
  if (holder === undefined) throw new Error("expected two peers at least")
  const phone = startPhone(transport, holder, user)
  try {
    await fetchUntilFound(user, entry)
    // One TCP connection leads to one peer; over UDP the calls enter at all of them in turn.
    const scenario = transport === "udp" ? callerScenario(domain) : withoutDestination(callerScenario(domain))
    const lines = Array.from({ length: options.count }, (_, index) => ({
      user, host: "127.0.0.1", port: inTurn(others, index).sipPort("udp"),
    }))
    const result = await runSipp({
      scenario,
      injected: injectedLines(lines),
      remote: `127.0.0.1:${entry.sipPort(transport)}`,
      transport: transport === "udp" ? "u1" : "t1",
      calls: options.count,
      callsPerSecond: options.rate,
      maxOpenCalls: maxOpen(options.rate),
      timeoutSeconds: 120 + Math.ceil((options.count / options.rate) * 3),
    })
    return judge(`${options.count} calls over ${transport.toUpperCase()} to a phone at another peer`, result, options.count)
  } finally {
    phone.stop()
    await phone.done.catch(() => undefined)
  }
}

/** A phone: registers, and answers every call on the same socket. */
function startPhone(transport: "udp" | "tcp", holder: Daemon, user: string): SippRun {
  const port = holder.sipPort(transport)
  return startSipp({
    scenario: phoneScenario(),
    outOfCallScenario: calleeScenario(),
    injected: injectedLines([{ user, host: "127.0.0.1", port }]),
    remote: `127.0.0.1:${port}`,
    transport: transport === "udp" ? "u1" : "t1",
    calls: 1,
  })
}

/**
 * Scenario `churn`: while SIPp registers at a steady rate, one of the peers is
 * killed, another leaves, and two new ones join. Afterwards every registration
 * that was acknowledged is looked up, one by one, at a peer that did not take
 * it. A phone whose peer is silent for a second turns to another (RFC 3263
 * §4.3); a REGISTER has failed when that does not answer either.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { startDaemon } from "../../src/bench/daemon.ts"
import type { Daemon } from "../../src/bench/daemon.ts"
import { fetchScenario, injectedLines } from "../../src/bench/sipp-scenarios.ts"
import { runSipp, startSipp } from "../../src/bench/sipp.ts"
import { domain, inTurn, judge, maxOpen } from "./checks.ts"
import type { Check, ScenarioOptions } from "./checks.ts"
import { failoverScenario } from "./scenarios.ts"

/** Failed requests that are allowed, of all. */
const allowedShare = 0.005
/** After a change, this long at most may requests fail. */
const settledMs = 10_000

const killed = 1
const leaver = 3

export async function churn(peers: readonly Daemon[], options: ScenarioOptions, joinArgs: readonly string[]): Promise<Check[]> {
  if (peers.length < 5) throw new Error(`churn: expected 5 peers, found ${peers.length}`)
  const ports = peers.map((peer) => peer.sipPort("udp"))
  // Whoever loses its peer turns to the one after it, which stays.
  const lines = Array.from({ length: options.count }, (_, index) => `user${index};127.0.0.1;${inTurn(ports, index)};${inTurn(ports, index + 1)}`)
  const startedAt = Date.now()
  const load = startSipp({
    scenario: failoverScenario(),
    injected: `SEQUENTIAL\n${lines.join("\n")}\n`,
    remote: `127.0.0.1:${ports[0]}`,
    calls: options.count,
    callsPerSecond: options.rate,
    // A fifth of what comes within a second waits for a peer that is gone.
    maxOpenCalls: maxOpen(options.rate) + Math.ceil(options.rate / 2),
    timeoutSeconds: 120 + Math.ceil((options.count / options.rate) * 2),
  })
  const loadMs = (options.count / options.rate) * 1000
  const change = await changeMembership(peers, loadMs, startedAt, joinArgs).catch((error: unknown) => {
    load.stop()
    throw error
  })
  try {
    const { log } = await load.done
    const outcome = readLog(log)
    const survivors = [...peers.filter((_, index) => index !== killed && index !== leaver), ...change.joined]
    return [
      { name: "the leaving peer ends in order", passed: change.exitCode === 0, detail: `exit code ${change.exitCode} after ${change.leaveMs} ms` },
      judgeFailures(outcome, options.count, change.lastAtMs),
      await checkAcknowledged(outcome.acknowledged, survivors, ports, options),
    ]
  } finally {
    await Promise.all(change.joined.map((peer) => peer.end()))
  }
}

interface Change {
  readonly joined: readonly Daemon[]
  readonly exitCode: number | null
  readonly leaveMs: number
  /** When the last change was complete, since the start of the load. */
  readonly lastAtMs: number
}

/** Spreads the four changes over the time that the load takes. */
async function changeMembership(peers: readonly Daemon[], loadMs: number, startedAt: number, args: readonly string[]): Promise<Change> {
  const until = (part: number): Promise<void> => sleep(Math.max(0, startedAt + loadMs * part - Date.now()))
  await until(0.15)
  await inTurn(peers, killed).end("SIGKILL")
  await until(0.3)
  const first = await startDaemon(args)
  await until(0.45)
  const leavingAt = Date.now()
  const exitCode = await inTurn(peers, leaver).end("SIGTERM")
  const leaveMs = Date.now() - leavingAt
  await until(0.6)
  const second = await startDaemon(args)
  return { joined: [first, second], exitCode, leaveMs, lastAtMs: Date.now() - startedAt }
}

interface Outcome {
  readonly acknowledged: readonly number[]
  readonly turned: number
  readonly failedAtMs: readonly number[]
}

/** Lines are `WORD userNUMBER MILLISECONDS`. */
function readLog(log: readonly string[]): Outcome {
  const acknowledged = new Set<number>()
  const failedAtMs: number[] = []
  let turned = 0
  for (const line of log) {
    const [word, user = "", tick] = line.trim().split(" ")
    if (word === "acknowledged") acknowledged.add(Number(user.slice("user".length)))
    else if (word === "turned") turned++
    else if (word === "failed") failedAtMs.push(Number(tick))
  }
  return { acknowledged: [...acknowledged], turned, failedAtMs }
}

function judgeFailures({ acknowledged, turned, failedAtMs }: Outcome, count: number, lastAtMs: number): Check {
  const failed = count - acknowledged.length
  const late = failedAtMs.filter((atMs) => atMs > lastAtMs + settledMs).length
  return {
    name: `fewer than ${allowedShare * 100} % of requests fail while peers change, and none ${settledMs / 1000} s later`,
    passed: failed < count * allowedShare && late === 0,
    detail: `${acknowledged.length} of ${count} acknowledged, ${failed} failed, ${late} of them late, ${turned} turned to another peer`,
  }
}

async function checkAcknowledged(
  acknowledged: readonly number[],
  survivors: readonly Daemon[],
  ports: readonly number[],
  options: ScenarioOptions,
): Promise<Check> {
  const lines = acknowledged.map((number) => {
    const takers = [inTurn(ports, number), inTurn(ports, number + 1)]
    const others = survivors.map((peer) => peer.sipPort("udp")).filter((port) => !takers.includes(port))
    return { user: `user${number}`, host: "127.0.0.1", port: inTurn(others, number) }
  })
  const result = await runSipp({
    scenario: fetchScenario(domain),
    injected: injectedLines(lines),
    remote: `127.0.0.1:${lines[0]?.port}`,
    calls: lines.length,
    // Nothing changes any more: no need to ask as slowly as was registered.
    callsPerSecond: options.rate * 5,
    maxOpenCalls: maxOpen(options.rate * 5),
    timeoutSeconds: 120 + Math.ceil((lines.length / options.rate) * 3),
  })
  return judge("every acknowledged registration is found from a different peer", result, lines.length)
}

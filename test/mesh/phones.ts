/** Phones at routers: SIPp on the router's host. */
import { calleeScenario, callerScenario, fetchScenario, injectedLines, registerScenario } from "../../src/bench/sipp-scenarios.ts"
import type { SippOptions, SippResult, SippRun } from "../../src/bench/sipp.ts"
import { runSipp, startSipp } from "../../src/bench/sipp.ts"
import { domain } from "../interop/checks.ts"
import { phoneScenario } from "../interop/scenarios.ts"

const loopback = "127.0.0.1"
const port = 5060

/** Where a phone is: the command that runs one there, beside its router. */
export interface Place {
  readonly inside: readonly string[]
  /** The phone's address. @default 127.0.0.1 */
  readonly localAddress?: string
  /** Its proxy's. @default 127.0.0.1 */
  readonly proxy?: string
}

/** How much, and how fast. */
export interface Load {
  readonly count: number
  readonly rate: number
}

/** A phone that registers and answers every call. It has registered when it is found. */
export async function startPhone(user: string, place: Place): Promise<SippRun> {
  const phone = startSipp({ scenario: phoneScenario(), outOfCallScenario: calleeScenario(), calls: 1, ...optionsFor([user], place) })
  for (let attempt = 0; attempt < 20; attempt++) {
    const { successful } = await load(fetchScenario(domain), [user], place, { count: 1, rate: 1 }, 3)
    if (successful === 1) return phone
  }
  phone.stop()
  throw new Error(`${user} has not registered`)
}

/** Calls from a phone at a router: INVITE 180 200 ACK BYE 200. */
export function call(user: string, place: Place, how: Load): Promise<SippResult> {
  return load(callerScenario(domain), Array.from({ length: how.count }, () => user), place, how)
}

/** Registers each user once. */
export function register(users: readonly string[], place: Place, rate: number): Promise<SippResult> {
  return load(registerScenario(domain), users, place, { count: users.length, rate })
}

/** Removes all bindings of each user. */
export function unregister(users: readonly string[], place: Place, rate: number): Promise<SippResult> {
  const scenario = registerScenario(domain, 0).replace(/^Contact: .*$/m, "Contact: *")
  return load(scenario, users, place, { count: users.length, rate })
}

/** Asks for the bindings of each user. */
export function fetchEach(users: readonly string[], place: Place, rate: number): Promise<SippResult> {
  return load(fetchScenario(domain), users, place, { count: users.length, rate })
}

function load(scenario: string, users: readonly string[], place: Place, { count, rate }: Load, timeoutSeconds = 30): Promise<SippResult> {
  const seconds = Math.max(timeoutSeconds, Math.ceil((2 * count) / rate))
  const options = { scenario, calls: count, callsPerSecond: rate, maxOpenCalls: 10_000, timeoutSeconds: seconds, withResponseTimes: true }
  return runSipp({ ...options, ...optionsFor(users, place) })
}

/** Who they are, and where they turn to. */
function optionsFor(users: readonly string[], { inside, localAddress = loopback, proxy = loopback }: Place): Pick<SippOptions, "injected" | "inside" | "localAddress" | "remote"> {
  return { inside, localAddress, remote: `${proxy}:${port}`, injected: injectedLines(users.map((user) => ({ user, host: proxy, port }))) }
}

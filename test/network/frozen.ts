/**
 * Peers that stand still while phones go on: one process stopped and continued
 * later, with all its connections open; then one cut off alone.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Check } from "../interop/checks.ts"
import { judge, untilAll } from "../interop/checks.ts"
import { fetchEach, register } from "../mesh/phones.ts"
import { names } from "./partition.ts"
import type { Network, PlacedPeer } from "./peers.ts"

const registered = 200
const registersPerSecond = 10
const fetchesPerSecond = 100

export async function frozen(network: Network): Promise<Check[]> {
  for (let count = 0; count < 5; count++) await network.start()
  const [first, second, sleeper, loner, last] = network.peers as readonly PlacedPeer[] as [PlacedPeer, PlacedPeer, PlacedPeer, PlacedPeer, PlacedPeer]
  const early = names("early", registered)
  const checks = [judge("registered through the peer that is to sleep", await register(early, sleeper, fetchesPerSecond), registered)]

  const asleep = names("asleep", registered)
  process.kill(sleeper.daemon.pid, "SIGSTOP")
  try {
    checks.push(judge("registered while it stands still", await register(asleep, first, registersPerSecond), registered))
    checks.push(judge("what it had taken is found meanwhile", await fetchEach(early, last, fetchesPerSecond), registered))
  } finally {
    process.kill(sleeper.daemon.pid, "SIGCONT")
  }
  checks.push(await untilAll("it wakes, and finds what it has missed", () => fetchEach(asleep, sleeper, fetchesPerSecond), registered))
  checks.push(judge("nobody else has lost anything by that", await fetchEach([...early, ...asleep], second, fetchesPerSecond), 2 * registered))

  const alone = names("alone", registered)
  network.part([loner])
  const taken = register(alone, second, registersPerSecond)
  await sleep(1_000)
  checks.push(judge("registered while one peer is cut off", await taken, registered))
  network.heal()
  checks.push(await untilAll("it comes back, and finds what it has missed", () => fetchEach(alone, loner, fetchesPerSecond), registered))
  return [...checks, judge("everything is there", await fetchEach([...early, ...asleep, ...alone], last, fetchesPerSecond), 3 * registered)]
}

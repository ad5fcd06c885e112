/**
 * Power that fails: one peer dies and comes back with its disk, the first one,
 * which knows nobody to join by; then all die at one moment.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Check } from "../interop/checks.ts"
import { judge, passed, seconds, untilAll } from "../interop/checks.ts"
import { fetchEach, register, unregister } from "../mesh/phones.ts"
import { names } from "./partition.ts"
import type { Network, PlacedPeer } from "./peers.ts"

const registered = 200
const removed = 40
const registersPerSecond = 10
const perSecond = 100

export async function blackout(network: Network): Promise<Check[]> {
  for (let count = 0; count < 5; count++) await network.start()
  const at = (index: number): PlacedPeer => network.peers[index] as PlacedPeer
  const [early, meanwhile, late, fleeting] = [names("early", registered), names("meanwhile", registered), names("late", registered), names("fleeting", removed)]
  const checks = [judge("registered through the first peer", await register([...early, ...fleeting], at(0), perSecond), registered + removed)]

  await at(0).daemon.end("SIGKILL")
  checks.push(judge("registered while it is dead", await register(meanwhile, at(1), registersPerSecond), registered))
  checks.push(judge("unregistered while it is dead", await unregister(fleeting, at(2), registersPerSecond), removed))
  await network.restart(at(0))
  checks.push(await untilAll("it comes back, and finds what it has missed", () => fetchEach(meanwhile, at(0), perSecond), registered))
  checks.push(judge("what it had taken is found elsewhere", await fetchEach(early, at(3), perSecond), registered))
  checks.push(await noneOf("what was removed while it was dead stays away", fleeting, at(4)))

  checks.push(judge("registered before the lights go out", await register(late, at(4), perSecond), registered))
  await Promise.all(network.peers.map(({ daemon }) => daemon.end("SIGKILL")))
  await sleep(1_000)
  const startedAt = performance.now()
  await Promise.all([...network.peers].map((peer) => network.restart(peer)))
  checks.push(passed("all are back", `after ${seconds(performance.now() - startedAt)}`))
  checks.push(await untilAll("everything is found", () => fetchEach([...early, ...meanwhile, ...late], at(1), perSecond), 3 * registered))
  return [...checks, await noneOf("what was removed stays away", fleeting, at(2))]
}

async function noneOf(name: string, users: readonly string[], peer: PlacedPeer): Promise<Check> {
  const { successful } = await fetchEach(users, peer, perSecond)
  return { name, passed: successful === 0, detail: `${successful} of ${users.length} came back` }
}

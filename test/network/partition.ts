/**
 * Six peers, cut into two halves without a word to anybody: connections stay
 * open and silent. Both halves go on; what either acknowledged holds in both
 * when they meet again.
 */
import type { Check } from "../interop/checks.ts"
import { judge, untilAll } from "../interop/checks.ts"
import { call, fetchEach, register, startPhone, unregister } from "../mesh/phones.ts"
import type { Network, PlacedPeer } from "./peers.ts"

const registered = 200
const removed = 40
/** A second; each half has forty times as long as it takes to notice the cut. */
const registersPerSecond = 10
const callsPerSecond = 10
const fetchesPerSecond = 100

type Half = readonly [PlacedPeer, PlacedPeer, PlacedPeer]

export async function partition(network: Network): Promise<Check[]> {
  for (let count = 0; count < 6; count++) await network.start()
  const [a, b, c, d, e, f] = network.peers as readonly PlacedPeer[] as [PlacedPeer, PlacedPeer, PlacedPeer, PlacedPeer, PlacedPeer, PlacedPeer]
  const [left, right]: [Half, Half] = [[a, b, c], [d, e, f]]
  const [early, fleeting] = [names("early", registered), names("fleeting", removed)]
  const checks = [
    judge("registered while all are one", await register([...early, ...fleeting], a, fetchesPerSecond), registered + removed),
    judge("found at another peer", await fetchEach([...early, ...fleeting], e, fetchesPerSecond), registered + removed),
  ]
  network.part(right)
  const halves = await Promise.all([useHalf("left", left), useHalf("right", right)])
  // Who removes a binding that this half may not even know: it holds in the other half as well.
  const farewells = await unregister(fleeting, b, registersPerSecond)
  checks.push(...halves.flat(), judge("left: unregisters", farewells, removed))
  network.heal()
  const repairs = [
    await untilAll("left takes what right acknowledged", () => fetchEach(names("right", registered), c, fetchesPerSecond), registered),
    await untilAll("right takes what left acknowledged", () => fetchEach(names("left", registered), f, fetchesPerSecond), registered),
    await untilAll("what was there before is there", () => fetchEach(early, d, fetchesPerSecond), registered),
  ]
  const returned = await fetchEach(fleeting, e, fetchesPerSecond)
  return [...checks, ...repairs, { name: "what left removed is gone from right", passed: returned.successful === 0, detail: `${returned.successful} of ${removed} came back` }]
}

/** Registrations through one peer of a half, found at another; calls between the two. */
async function useHalf(name: string, [first, second, third]: Half): Promise<Check[]> {
  const users = names(name, registered)
  const taken = judge(`${name}: registers`, await register(users, first, registersPerSecond), registered)
  const found = judge(`${name}: finds at another peer`, await fetchEach(users, second, fetchesPerSecond), registered)
  const phone = await startPhone(`${name}-callee`, second)
  try {
    const count = 5 * callsPerSecond
    return [taken, found, judge(`${name}: calls`, await call(`${name}-callee`, third, { count, rate: callsPerSecond }), count)]
  } finally {
    phone.stop()
    await phone.done
  }
}

export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${prefix}${number}`)
}

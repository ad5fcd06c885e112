import { expect, test } from "vitest"
import { Verdicts } from "../../../backends/kademlia/verdicts.ts"
import { LostPeers } from "../../../src/overlay/lost-peers.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Simulation, simAddress } from "../../../src/sim/index.ts"

function verdictsOfOnePeer(): { lose: () => void; hear: () => void; verdict: () => number } {
  const { runtime } = new Simulation({ seed: 1 }).addPeer("judge")
  const lost = new LostPeers(runtime)
  const verdicts = new Verdicts(lost, runtime.random)
  const other = memberOf(simAddress("other"))
  return { lose: () => lost.add(other), hear: () => lost.telling(other.peerId), verdict: () => verdicts.on(other.peerId) }
}

test("who was never lost is told nothing", () => {
  expect(verdictsOfOnePeer().verdict()).toBe(0)
})

test("each loss is another verdict, and so is the moment in which the lost is heard again: until then others may answer for its keys", () => {
  const { lose, hear, verdict } = verdictsOfOnePeer()
  const seen: number[] = []
  for (let round = 0; round < 5; round++) {
    lose()
    seen.push(verdict())
    hear()
    seen.push(verdict())
    hear()
    expect(verdict()).toBe(seen.at(-1))
  }
  expect(new Set(seen).size).toBe(10)
  expect(seen).not.toContain(0)
})

test("a verdict is acted upon once, however often it is told; nothing to tell never is", () => {
  const { runtime } = new Simulation({ seed: 1 }).addPeer("judged")
  const verdicts = new Verdicts(new LostPeers(runtime), runtime.random)
  expect([7, 7, 0, 7, 8, 8].map((verdict) => verdicts.isNew("a", verdict))).toEqual([true, false, false, false, true, false])
  expect(verdicts.isNew("b", 8)).toBe(true)
})

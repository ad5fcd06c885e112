import { expect, test } from "vitest"
import { foundAmong } from "../../../backends/chord/ring.ts"
import { Surroundings } from "../../../backends/chord/surroundings.ts"
import { Trouble } from "../../../backends/chord/trouble.ts"
import type { Member } from "../../../src/overlay/key-based-routing.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const reach = 8
/** On a ring in this order; the one in the middle watches. */
const members: readonly Member[] = Array.from({ length: 17 }, (_, at) => ({ peerId: `p${at}`, id: at.toString(16).padStart(2, "0").padEnd(40, "0"), addresses: [] }))
const at = (index: number): Member => members[index] ?? { peerId: "", id: "", addresses: [] }

function watch() {
  const runtime = new ManualRuntime()
  const surroundings = new Surroundings(1, () => undefined)
  const before = members.slice(0, 8).toReversed()
  surroundings.set(foundAmong(at(8), reach, members.slice(9), before))
  surroundings.hearPredecessors(before.slice(1))
  const asked: string[] = []
  const trouble = new Trouble({ runtime, surroundings, suspect: (peerId) => void asked.push(peerId) })
  return { runtime, asked, trouble, see: (index: number) => {
    trouble.sawDeath(at(index))
    return asked.splice(0)
  } }
}

test("a death has those beside the dead one asked", () => {
  const { see } = watch()
  expect(see(11)).toEqual(["p10", "p12"])
})

test("further deaths are looked for twice as far away, and nobody is asked twice in a short while", () => {
  const { see } = watch()
  see(11)
  expect(see(12)).toEqual(["p9", "p11", "p13", "p14", "p15"])
  expect(see(10)).toEqual(["p2", "p3", "p4", "p5", "p6", "p7", "p16"])
})

test("a death long after another is alone again", () => {
  const { runtime, see } = watch()
  see(11)
  runtime.advance(10_001)
  expect(see(11)).toEqual(["p10", "p12"])
})

test("who is no neighbour is nobody's neighbour", () => {
  const { see, trouble, asked } = watch()
  trouble.sawDeath({ peerId: "far", id: "ff".padEnd(40, "0"), addresses: [] })
  expect([asked, see(0)]).toEqual([[], ["p1"]])
})

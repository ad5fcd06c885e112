import { beforeEach, expect, test } from "vitest"
import type { Custody } from "../../../src/overlay/custody.ts"
import { failed, nothingInCustody, surrounded } from "../../../src/overlay/custody.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import { Inquiry } from "../../../src/overlay/inquiry.ts"
import type { KeyRange, Member } from "../../../src/overlay/key-based-routing.ts"
import { wholeRing } from "../../../src/overlay/key-range.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { settle } from "../../support/manual-runtime.ts"

const key = idOfKey(Buffer.from("sip:alice@example.test"))
const [self, a, b, c] = ["self", "a", "b", "c"].map((peerId) => memberOf({ peerId, addresses: [] })) as [Member, Member, Member, Member]
const everything: readonly KeyRange[] = [wholeRing]

let custody: Custody
let asked: string[]
let answers: Map<string, (leads: readonly Member[]) => void>
let inquiry: Inquiry
let isMade: boolean

beforeEach(() => {
  custody = surrounded(nothingInCustody, everything, [a, b], 0)
  asked = []
  answers = new Map()
  isMade = false
  const surveyor = { self, get custody() { return custody } }
  inquiry = new Inquiry({ custodian: surveyor, pull: ({ peerId }) => {
    asked.push(peerId)
    return new Promise((resolve) => void answers.set(peerId, resolve))
  } }, key)
  void inquiry.made()?.then(() => (isMade = true))
})

async function answer(peerId: string, leads: readonly Member[] = []): Promise<void> {
  answers.get(peerId)?.(leads)
  await settle()
}

test("all to whom the key's comparison is owed are asked at once, and waited for", async () => {
  expect(asked).toEqual(["a", "b"])
  await answer("a")
  expect(isMade).toBe(false)
  await answer("b")
  expect(isMade).toBe(true)
  expect(inquiry.made()).toBeUndefined()
})

test("whoever is named is asked in its turn, each once", async () => {
  await answer("a", [c, b, self])
  expect(asked).toEqual(["a", "b", "c"])
  await answer("b", [c])
  expect(isMade).toBe(false)
  await answer("c", [a])
  expect([isMade, asked.length]).toEqual([true, 3])
})

test("answers count for good when the surroundings change, and only the new neighbour is asked besides", async () => {
  await answer("a")
  custody = surrounded(custody, everything, [a, b, c], 0)
  await answer("b")
  expect([isMade, asked]).toEqual([false, ["a", "b", "c"]])
  await answer("c")
  expect(isMade).toBe(true)
})

test("nobody waits for a neighbour that is found silent meanwhile", async () => {
  custody = failed(custody, "b")
  await answer("a")
  expect(isMade).toBe(true)
})

test("an inquiry ends when this peer answers for other keys than before", async () => {
  custody = surrounded(custody, [], [a, b], 0)
  await answer("a")
  expect(isMade).toBe(true)
})

import fc from "fast-check"
import { expect, test } from "vitest"
import { highOf, NameTable } from "../../../src/overlay/name-table.ts"

const name = fc.tuple(fc.string({ unit: "binary", maxLength: 8 }), fc.constantFrom("", "k", "0123456789abcdef"))

test("a table of names has what was added, like a set", () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 300 }), fc.array(name), fc.nat({ max: 100 }), (added, others, expected) => {
      const table = new NameTable(expected)
      const set = new Set<string>()
      for (const [first, second] of added) {
        table.add(first, second)
        set.add(JSON.stringify([first, second]))
        expect(table.has(first, second)).toBe(true)
      }
      expect(table.size).toBe(set.size)
      for (const [first, second] of [...added, ...others]) expect(table.has(first, second)).toBe(set.has(JSON.stringify([first, second])))
    }),
  )
})

test("names that differ in one character, or only in where the second text begins, stay apart", () => {
  const table = new NameTable()
  for (let each = 0; each < 20_000; each++) table.add(String.fromCharCode(each & 0xff, each >> 8), "key")
  expect(table.size).toBe(20_000)
  table.add("ab", "c")
  expect(table.has("a", "bc")).toBe(false)
})

test("names made for one slot cannot make a search longer than 256 steps, and push out only each other", () => {
  const table = new NameTable(1_000)
  const inOneSlot: string[] = []
  for (let each = 0; inOneSlot.length < 400; each++) if ((highOf(`${each}`, "") & 2_047) === 7) inOneSlot.push(`${each}`)
  const honest = Array.from({ length: 200 }, (_, each) => `honest ${each}`).filter((each) => (highOf(each, "") & 2_047) > 300)
  for (const each of [...honest, ...inOneSlot]) table.add(each, "")
  expect(inOneSlot.filter((each) => table.has(each, "")).length).toBeLessThanOrEqual(256)
  expect(honest.filter((each) => !table.has(each, ""))).toEqual([])
})

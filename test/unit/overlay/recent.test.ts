import fc from "fast-check"
import { expect, test } from "vitest"
import { Recent } from "../../../src/overlay/recent.ts"

const lifeMs = 100
const maxItems = 4
const step = fc.record({ item: fc.nat(6), act: fc.constantFrom("note", "add", "delete"), pauseMs: fc.nat(60) })

test("is what a list of notes is, of which the last few count for a while", () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let now = 0
      let notes: { item: number; at: number }[] = []
      const recent = new Recent<number>({ now: () => now }, { lifeMs, maxItems })
      const isNoted = (item: number): boolean => notes.some((note) => note.item === item && now < note.at + lifeMs)
      for (const { item, act, pauseMs } of steps) {
        now += pauseMs
        const isNew = act === "note" || (act === "add" && !isNoted(item))
        if (act === "add") expect(recent.add(item)).toBe(isNew)
        else recent[act](item)
        if (isNew || act === "delete") notes = notes.filter((note) => note.item !== item)
        if (isNew) notes = [...notes, { item, at: now }].slice(-maxItems)
        for (let each = 0; each <= 6; each++) if (recent.has(each)) expect(isNoted(each)).toBe(true)
        if (isNew) expect(recent.has(item)).toBe(true)
        if (act === "delete") expect(recent.has(item)).toBe(false)
      }
    }),
  )
})

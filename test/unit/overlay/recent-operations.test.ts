import fc from "fast-check"
import { expect, test } from "vitest"
import { RecentOperations } from "../../../src/overlay/recent-operations.ts"

test("an operation is remembered for at least one window and at most two", () => {
  const events = fc.array(fc.record({ waitMs: fc.nat({ max: 150 }), name: fc.constantFrom("a", "b", "c") }), { maxLength: 40 })
  fc.assert(
    fc.property(events, (history) => {
      let now = 0
      const recent = new RecentOperations({ now: () => now }, { windowMs: 100 })
      const madeAt = new Map<string, number>()
      for (const { waitMs, name } of history) {
        now += waitMs
        for (const [known, at] of madeAt) {
          if (now - at < 100) expect(recent.has(known)).toBe(true)
          if (now - at > 200) expect(recent.has(known)).toBe(false)
        }
        if (recent.has(name)) continue
        recent.add(name)
        madeAt.set(name, now)
      }
    }),
  )
})

test("no more are remembered than two generations hold", () => {
  const recent = new RecentOperations({ now: () => 0 }, { maxPerGeneration: 10 })
  for (let each = 0; each < 100; each++) recent.add(`${each}`)
  const remembered = Array.from({ length: 100 }, (_, each) => `${each}`).filter((name) => recent.has(name))
  expect(remembered.length).toBeLessThanOrEqual(20)
  expect(remembered).toContain("99")
})

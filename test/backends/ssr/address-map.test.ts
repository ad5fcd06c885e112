/** A map from addresses is a Map, whatever is put in and taken out. */
import fc from "fast-check"
import { expect, test } from "vitest"
import { ringSize } from "../../../backends/ssr/address.ts"
import { AddressMap, homeOf } from "../../../backends/ssr/address-map.ts"

/** Few, so that they come again; some of which belong to one place, or differ in high bits alone. */
const samePlace = Array.from({ length: 5_000 }, (_, at) => at).filter((address) => homeOf(address) >>> 24 === 0)
const address = fc.oneof(
  fc.constantFrom(0, 1, ringSize - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 47),
  fc.constantFrom(...samePlace),
  fc.integer({ min: 0, max: 60 }).map((at) => at * 2 ** 41),
)
const step = fc.record({ what: fc.constantFrom("set", "set", "delete", "get"), address, value: fc.nat() })

test("it holds what a Map holds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const map = new AddressMap<number>()
      const model = new Map<number, number>()
      for (const { what, address, value } of steps) {
        if (what === "set") {
          map.set(address, value)
          model.set(address, value)
        } else if (what === "delete") expect(map.delete(address)).toBe(model.delete(address))
        expect(map.get(address)).toBe(model.get(address))
        expect(map.has(address)).toBe(model.has(address))
      }
      expect(map.size).toBe(model.size)
      for (const [address, value] of model) expect(map.get(address)).toBe(value)
      expect([...map.keys()].sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b))
      expect([...map.values()].sort((a, b) => a - b)).toEqual([...model.values()].sort((a, b) => a - b))
    }),
  )
})

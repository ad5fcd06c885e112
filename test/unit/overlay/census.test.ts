import { expect, test } from "vitest"
import { countRecords, maxCountedKeys } from "../../../src/overlay/census.ts"
import type { Id } from "../../../src/overlay/id.ts"
import { MemoryStore } from "../../../src/overlay/memory-store.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"
import { key, simple } from "./store-contract.ts"

/** Keys from a tenth of the ring to three tenths. */
function storeOf(count: number): MemoryStore {
  const store = new MemoryStore({ runtime: new ManualRuntime() })
  for (let at = 0; at < count; at++) store.put(placeAt(0.1 + (0.2 * at) / count), simple)
  return store
}

function placeAt(share: number): Id {
  return key(Math.floor(share * 2 ** 32).toString(16).padStart(8, "0"))
}

test("a small store is counted to the last record, without those whose time is over", () => {
  const isResponsible = (id: Id): boolean => id >= placeAt(0.2)
  expect(countRecords(storeOf(100), isResponsible, 0)).toEqual({ owned: 50, copies: 50, tombstones: 0 })
  expect(countRecords(storeOf(100), isResponsible, simple.liveUntil)).toMatchObject({ owned: 0, copies: 0 })
})

test.each([0.12, 0.2, 0.25])("of a large store whatever part it is responsible for shows, wherever that begins: %f", (from) => {
  const count = 10 * maxCountedKeys
  const { owned, copies } = countRecords(storeOf(count), (id) => id >= placeAt(from), 0)
  expect(owned + copies).toBe(count)
  expect(owned / count).toBeCloseTo((0.3 - from) / 0.2, 1)
})

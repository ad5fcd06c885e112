import assert from "node:assert/strict"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function values({ describe, it }: Suite): void {
  describe("several values of a key", () => {
    it("live side by side", async ({ one, other, run, texts }) => {
      await run(one.put("key", "a"))
      await run(other.put("key", "b"))
      await run(one.put("key", "c"))
      assert.deepEqual(await texts("key"), ["a", "b", "c"])
    })

    it("are removed one by one", async ({ one, run }) => {
      for (const name of ["a", "b", "c"]) await run(one.put("key", `value ${name}`, { valueHash: name }))
      assert.deepEqual(texts(await run(one.remove("key", "b"))), ["value a", "value c"])
      assert.deepEqual(texts(await run(one.update("key", [{ kind: "removeAll" }]))), [])
    })

    it("may be equal under different hashes", async ({ one, run, texts }) => {
      await run(one.put("key", "same", { valueHash: "1" }))
      await run(one.put("key", "same", { valueHash: "2" }))
      assert.deepEqual(await texts("key"), ["same", "same"])
    })

    it("are no more than maxValuesPerKey; the one too many changes nothing", async ({ one, run, rejects, texts }) => {
      const { maxValuesPerKey } = one.limits
      for (let count = 0; count < maxValuesPerKey; count++) await run(one.put("key", `value ${count}`))
      await rejects(one.put("key", "one too many"), "P2PSIP_TOO_MANY_VALUES")
      assert.equal((await texts("key")).length, maxValuesPerKey)
      await run(one.put("key", "value 0"))
      await run(one.update("key", [{ kind: "removeAll" }]))
      await run(one.put("key", "room again"))
      assert.deepEqual(await texts("key"), ["room again"])
    })
  })
}

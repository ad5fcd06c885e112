import assert from "node:assert/strict"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"
import type { Mutation } from "../../src/servlet/index.ts"

const put = (name: string, value = name): Mutation => ({ kind: "put", value, valueHash: name, ttlSeconds: 600 })

export function update({ describe, it, options }: Suite): void {
  describe("update", () => {
    it("applies its mutations in order and answers with the outcome", async ({ one, run, texts: found }) => {
      await run(one.put("key", "before"))
      const values = await run(one.update("key", [{ kind: "removeAll" }, put("a"), put("b"), { kind: "remove", valueHash: "a" }, put("c")]))
      assert.deepEqual(texts(values), ["b", "c"])
      assert.deepEqual(await found("key"), ["b", "c"])
    })

    it("lets the last mutation of a valueHash win", async ({ one, run, texts }) => {
      await run(one.update("key", [put("a", "first"), put("a", "second")]))
      assert.deepEqual(await texts("key"), ["second"])
    })

    it("is all or nothing when a value is one too many", async ({ one, run, rejects, texts }) => {
      await run(one.put("key", "before", { valueHash: "before" }))
      const { maxMutations, maxValuesPerKey } = one.limits
      for (let count = 1; count < maxValuesPerKey; count++) await run(one.put("key", `${count}`))
      const before = await texts("key")
      if (maxMutations < 3) return
      await rejects(one.update("key", [{ kind: "remove", valueHash: "before" }, put("a"), put("b")]), "P2PSIP_TOO_MANY_VALUES")
      assert.deepEqual(await texts("key"), before)
    })

    if (options.capabilities.sequences) {
      it("is all or nothing when one sequence is old", async ({ one, run, rejects, texts }) => {
        const sequence = { series: "call", number: 7 }
        await run(one.put("key", "stored", { valueHash: "a", sequence }))
        await rejects(one.update("key", [put("b"), { ...put("a", "late"), sequence }, { kind: "removeAll" }]), "P2PSIP_OUT_OF_ORDER")
        assert.deepEqual(await texts("key"), ["stored"])
      })
    }

    it("of two at once keeps one after the other", async ({ one, other, run, texts }) => {
      const names = ["a", "b", "c", "d"]
      const updates = names.map((name, index) =>
        (index % 2 === 0 ? one : other).update("key", [{ kind: "removeAll" }, put(`${name}1`), put(`${name}2`)]),
      )
      await run(Promise.all(updates))
      const left = await texts("key")
      assert.ok(names.some((name) => left.join() === `${name}1,${name}2`), `found ${left.join()}`)
    })
  })
}

import assert from "node:assert/strict"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function remove({ describe, it }: Suite): void {
  describe("remove", () => {
    it("deletes the value of that hash", async ({ one, other, run, texts }) => {
      await run(one.put("key", "value", { valueHash: "hash" }))
      await run(other.remove("key", "hash"))
      assert.deepEqual(await texts("key"), [])
    })

    it("does nothing where there is no such value", async ({ one, run, texts }) => {
      await run(one.remove("key", "hash"))
      await run(one.put("key", "value", { valueHash: "hash" }))
      await run(one.remove("key", "another"))
      assert.deepEqual(await texts("key"), ["value"])
    })

    it("lets the value be put again", async ({ one, run, texts }) => {
      await run(one.put("key", "value", { valueHash: "hash" }))
      await run(one.remove("key", "hash"))
      await run(one.put("key", "again", { valueHash: "hash" }))
      assert.deepEqual(await texts("key"), ["again"])
    })

    it("deletes all with removeAll", async ({ one, run }) => {
      await run(one.put("key", "value"))
      assert.deepEqual(texts(await run(one.update("key", [{ kind: "removeAll" }]))), [])
      assert.deepEqual(texts(await run(one.get("key"))), [])
    })
  })
}

import assert from "node:assert/strict"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

const operationId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

export function operationIds({ describe, it, options }: Suite): void {
  describe("an operation repeated under its name", () => {
    it("meets no sequence of its own making", async ({ one, other, run }) => {
      const again = { valueHash: "hash", sequence: { series: "call-id", number: 1 }, operationId }
      await run(one.put("key", "value", again))
      assert.deepEqual(texts(await run(other.put("key", "value", again))), ["value"])
    })

    it("meets no precondition that it broke itself", async ({ one, run }) => {
      assert.equal((await run(one.putOrGet("key", "value", { operationId }))).stored, true)
      assert.equal((await run(one.putOrGet("key", "value", { operationId }))).stored, true)
    })

    it("answers with what is live now", async ({ one, run }) => {
      await run(one.put("key", "first", { operationId }))
      await run(one.put("key", "second"))
      const values = await run(one.put("key", "first", { operationId }))
      assert.deepEqual(texts(values), options.capabilities.multipleValues ? ["first", "second"] : ["second"])
    })

    it("does not bring back what was replaced or removed since", async ({ one, other, run, texts }) => {
      await run(one.put("key", "first", { valueHash: "hash", operationId }))
      await run(one.put("key", "second", { valueHash: "hash" }))
      await run(other.put("key", "first", { valueHash: "hash", operationId }))
      assert.deepEqual(await texts("key"), ["second"])
    })

    it("is the same operation even if it says something else", async ({ one, other, run, texts }) => {
      await run(one.put("key", "first", { valueHash: "hash", operationId }))
      await run(one.put("key", "second", { valueHash: "hash" }))
      await run(other.put("key", "third", { valueHash: "other hash", operationId }))
      assert.deepEqual(await texts("key"), ["second"])
    })

    it("is another operation at another key", async ({ one, run, texts }) => {
      for (const key of ["a", "b", "c", "d"]) {
        await run(one.put(key, `value of ${key}`, { operationId }))
        assert.deepEqual(await texts(key), [`value of ${key}`])
      }
    })

    it("is told apart from the same change under another name", async ({ one, run, rejects }) => {
      const sequence = { series: "call-id", number: 1 }
      await run(one.put("key", "value", { sequence, operationId }))
      await rejects(one.put("key", "value", { sequence, operationId: operationId.toReversed() }), "P2PSIP_OUT_OF_ORDER")
      await rejects(one.put("key", "value", { sequence }), "P2PSIP_OUT_OF_ORDER")
    })

    if (options.virtualTime) {
      it("is made once while an answer may be outstanding, longer than its value lives", async ({ one, other, run, network, texts }) => {
        await run(one.put("key", "value", { ttlSeconds: 1, operationId }))
        await network.advance(50_000)
        await run(other.put("key", "value", { ttlSeconds: 1, operationId }))
        assert.deepEqual(await texts("key"), [])
      })

      it("is a new one once nobody waits for the first any more, and nothing is left of it", async ({ one, run, network, texts }) => {
        await run(one.put("key", "value", { ttlSeconds: 1, operationId }))
        await network.advance(150_000)
        await run(one.put("key", "value", { operationId }))
        assert.deepEqual(await texts("key"), ["value"])
      })

      it("does not lengthen a life again", async ({ one, run, network }) => {
        await run(one.put("key", "value", { ttlSeconds: 100, operationId }))
        await network.advance(50_000)
        const [value] = await run(one.put("key", "value", { ttlSeconds: 100, operationId }))
        assert.ok((value?.ttlSeconds ?? 100) <= 50)
      })
    }
  })
}

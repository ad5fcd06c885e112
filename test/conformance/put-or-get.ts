import assert from "node:assert/strict"
import { text } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function putOrGet({ describe, it, options }: Suite): void {
  describe("putOrGet", () => {
    it("stores where there is nothing", async ({ one, run, texts }) => {
      const { stored, value } = await run(one.putOrGet("key", "mine", { ttlSeconds: 90 }))
      assert.equal(stored, true)
      assert.equal(text(value.value), "mine")
      assert.equal(value.ttlSeconds, 90)
      assert.deepEqual(await texts("key"), ["mine"])
    })

    it("tells what is there already, and changes nothing", async ({ one, other, run, texts }) => {
      await run(one.put("key", "theirs"))
      const { stored, value } = await run(other.putOrGet("key", "mine"))
      assert.equal(stored, false)
      assert.equal(text(value.value), "theirs")
      assert.deepEqual(await texts("key"), ["theirs"])
    })

    it("has one winner, however many try at once", async ({ servlets, run, texts }) => {
      const tries = [1, 2, 3, 4].flatMap((round) =>
        servlets.map((servlet, index) => servlet.putOrGet("key", `try ${round} at ${index}`)),
      )
      const results = await run(Promise.all(tries))
      assert.equal(results.filter(({ stored }) => stored).length, 1)
      assert.equal(new Set(results.map(({ value }) => text(value.value))).size, 1)
      assert.equal((await texts("key")).length, 1)
    })

    it("stores once more after a removal", async ({ one, run }) => {
      await run(one.putOrGet("key", "first", { valueHash: "hash" }))
      await run(one.remove("key", "hash"))
      assert.equal((await run(one.putOrGet("key", "second"))).stored, true)
    })

    if (options.virtualTime) {
      it("stores once more when the value has expired", async ({ one, run, network }) => {
        await run(one.putOrGet("key", "first", { ttlSeconds: 10 }))
        await network.advance(11_000)
        assert.equal((await run(one.putOrGet("key", "second"))).stored, true)
      })
    }
  })
}

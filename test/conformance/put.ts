import assert from "node:assert/strict"
import { text, texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function put({ describe, it }: Suite): void {
  describe("put", () => {
    it("stores a value for everybody to get", async ({ one, run, texts }) => {
      await run(one.put("key", "value"))
      assert.deepEqual(await texts("key"), ["value"])
    })

    it("answers with the values that are then live", async ({ one, run }) => {
      const values = await run(one.put("key", "value", { ttlSeconds: 60, valueHash: "mine" }))
      assert.deepEqual(texts(values), ["value"])
      assert.equal(text(values[0]?.valueHash ?? new Uint8Array()), "mine")
      assert.equal(values[0]?.ttlSeconds, 60)
    })

    it("replaces the value with the same valueHash", async ({ one, other, run, texts }) => {
      await run(one.put("key", "old", { valueHash: "hash" }))
      await run(other.put("key", "new", { valueHash: "hash" }))
      assert.deepEqual(await texts("key"), ["new"])
    })

    it("keeps one value that is put twice", async ({ one, other, run, texts }) => {
      await run(one.put("key", "value"))
      await run(other.put("key", "value"))
      assert.deepEqual(await texts("key"), ["value"])
    })

    it("takes any bytes as key, value and valueHash", async ({ one, other, run }) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      const valueHash = bytes.slice(200, 256)
      await run(one.put(bytes, bytes, { valueHash }))
      const [value, ...more] = await run(other.get(bytes))
      assert.equal(more.length, 0)
      assert.deepEqual(Buffer.from(value?.value ?? []), Buffer.from(bytes))
      assert.deepEqual(Buffer.from(value?.valueHash ?? []), Buffer.from(valueHash))
    })

    it("takes an empty value and the longest life", async ({ one, other, run }) => {
      await run(one.put("key", "", { ttlSeconds: 2 ** 31 - 1 }))
      const [value] = await run(other.get("key"))
      assert.equal(value?.value.length, 0)
      assert.ok((value?.ttlSeconds ?? 0) > 2 ** 31 - 3600)
    })

    it("keeps keys apart", async ({ one, run, texts }) => {
      for (const key of ["a", "A", "aa", "a\0", "constructor", "__proto__"]) await run(one.put(key, `value of ${key}`))
      assert.deepEqual(await texts("a"), ["value of a"])
      assert.deepEqual(await texts("__proto__"), ["value of __proto__"])
      assert.deepEqual(await texts("toString"), [])
    })
  })
}

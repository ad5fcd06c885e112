import assert from "node:assert/strict"
import type { Suite } from "./scene.ts"

export function limits({ describe, it, options }: Suite): void {
  describe("limits", () => {
    it("let through the longest key and value, and not a byte more", async ({ one, other, run, rejects }) => {
      const { maxKeyBytes, maxValueBytes } = one.limits
      const key = "k".repeat(maxKeyBytes)
      await run(one.put(key, "v".repeat(maxValueBytes)))
      assert.equal((await run(other.get(key)))[0]?.value.length, maxValueBytes)
      await rejects(one.put(`${key}k`, "value"), "P2PSIP_LIMIT")
      await rejects(one.get(`${key}k`), "P2PSIP_LIMIT")
      await rejects(one.put("key", "v".repeat(maxValueBytes + 1)), "P2PSIP_LIMIT")
    })

    it("hold the number of mutations", async ({ one, run, rejects }) => {
      const { maxMutations } = one.limits
      const put = { kind: "put", value: "value", ttlSeconds: 60 } as const
      if (options.capabilities.atomicUpdate) await run(one.update("key", Array.from({ length: maxMutations }, () => put)))
      await rejects(one.update("key", Array.from({ length: maxMutations + 1 }, () => put)), "P2PSIP_LIMIT")
      await rejects(one.update("key", []), "P2PSIP_BAD_ARGUMENT")
    })

    it("let nothing ill-formed through", async ({ one, rejects }) => {
      await rejects(one.get(""), "P2PSIP_BAD_ARGUMENT")
      await rejects(one.put("", "value"), "P2PSIP_BAD_ARGUMENT")
      await rejects(one.remove("key", ""), "P2PSIP_BAD_ARGUMENT")
      await rejects(one.put("key", "value", { valueHash: "h".repeat(65) }), "P2PSIP_BAD_ARGUMENT")
      await rejects(one.put("key", "value", { operationId: new Uint8Array(7) }), "P2PSIP_BAD_ARGUMENT")
      for (const ttlSeconds of [0, -1, 1.5, 2 ** 31, NaN, Infinity]) {
        await rejects(one.put("key", "value", { ttlSeconds }), "P2PSIP_BAD_ARGUMENT")
      }
      for (const number of [-1, 0.5, 2 ** 32]) {
        await rejects(one.put("key", "value", { sequence: { series: "call-id", number } }), "P2PSIP_BAD_ARGUMENT")
      }
      await rejects(one.put("key", "value", { sequence: { series: "", number: 1 } }), "P2PSIP_BAD_ARGUMENT")
    })
  })
}

import assert from "node:assert/strict"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function get({ describe, it }: Suite): void {
  describe("get", () => {
    it("finds nothing where nothing is", async ({ texts }) => {
      assert.deepEqual(await texts("nobody"), [])
    })

    for (const consistency of ["owner", "any", "all"] as const) {
      it(`finds the values with consistency ${consistency}`, async ({ one, servlets, run }) => {
        await run(one.put("key", "value"))
        for (const servlet of servlets) assert.deepEqual(texts(await run(servlet.get("key", { consistency }))), ["value"])
      })
    }

    it("reads what was written, at once and again and again", async ({ one, run, texts }) => {
      for (let round = 0; round < 10; round++) {
        await run(one.put("key", `value ${round}`, { valueHash: "hash" }))
        assert.deepEqual(await texts("key"), [`value ${round}`])
      }
    })
  })
}

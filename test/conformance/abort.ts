import assert from "node:assert/strict"
import { rejects as fails } from "./scene.ts"
import type { Suite } from "./scene.ts"

export function abort({ describe, it }: Suite): void {
  describe("abort", () => {
    it("before the start: nothing is done", async ({ one, rejects, texts }) => {
      await rejects(one.put("key", "value", { signal: AbortSignal.abort() }), "P2PSIP_ABORTED")
      await rejects(one.get("key", { signal: AbortSignal.abort() }), "P2PSIP_ABORTED")
      assert.deepEqual(await texts("key"), [])
    })

    it("under way: the wait ends at once with the caller's reason, and all else goes on", async ({ one, run, texts }) => {
      const controller = new AbortController()
      const reason = new Error("the phone hung up")
      const aborted = one.put("key", "value", { signal: controller.signal })
      const kept = one.put("key", "kept")
      controller.abort(reason)
      const error = await fails(aborted, "P2PSIP_ABORTED")
      assert.equal(error.cause, reason)
      await run(kept)
      assert.equal((await texts("key")).includes("kept"), true)
    })

    it("after the end: means nothing", async ({ one, run, texts }) => {
      const controller = new AbortController()
      await run(one.put("key", "value", { signal: controller.signal }))
      controller.abort()
      assert.deepEqual(await texts("key"), ["value"])
    })
  })
}

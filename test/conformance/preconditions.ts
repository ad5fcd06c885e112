import assert from "node:assert/strict"
import { UpdateRejectedError } from "../../src/servlet/index.ts"
import type { Mutation } from "../../src/servlet/index.ts"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

const put: Mutation = { kind: "put", value: "new", valueHash: "new", ttlSeconds: 60 }

export function preconditions({ describe, it }: Suite): void {
  describe("preconditions", () => {
    it("empty: holds without live values, and after the last is removed", async ({ one, run, rejects }) => {
      await run(one.update("key", [put], [{ kind: "empty" }]))
      await rejects(one.update("key", [put], [{ kind: "empty" }]), "P2PSIP_PRECONDITION")
      await run(one.remove("key", "new"))
      await run(one.update("key", [put], [{ kind: "empty" }]))
    })

    it("exists and absent: look at one valueHash", async ({ one, run, rejects, texts }) => {
      await rejects(one.update("key", [put], [{ kind: "exists", valueHash: "old" }]), "P2PSIP_PRECONDITION")
      await run(one.put("key", "old", { valueHash: "old" }))
      await rejects(one.update("key", [put], [{ kind: "absent", valueHash: "old" }]), "P2PSIP_PRECONDITION")
      assert.deepEqual(await texts("key"), ["old"])
      await run(one.update("key", [put], [{ kind: "exists", valueHash: "old" }, { kind: "absent", valueHash: "new" }]))
      assert.equal((await texts("key")).includes("new"), true)
    })

    it("atMost: counts the live values that the mutations leave", async ({ one, run, rejects, texts }) => {
      const put = (name: string): Mutation => ({ kind: "put", value: name, valueHash: name, ttlSeconds: 60 })
      const atMostTwo = [{ kind: "atMost", values: 2 }] as const
      await run(one.update("key", [put("a"), put("b")], atMostTwo))
      await rejects(one.update("key", [put("c")], atMostTwo), "P2PSIP_TOO_MANY_VALUES")
      await run(one.update("key", [put("a")], atMostTwo))
      await run(one.update("key", [{ kind: "remove", valueHash: "a" }, put("c")], atMostTwo))
      assert.deepEqual((await texts("key")).toSorted(), ["b", "c"])
    })

    it("are judged before the mutations", async ({ one, run, rejects }) => {
      await run(one.put("key", "old", { valueHash: "old" }))
      await rejects(one.update("key", [{ kind: "removeAll" }, put], [{ kind: "empty" }]), "P2PSIP_PRECONDITION")
      await run(one.update("key", [{ kind: "removeAll" }, put], [{ kind: "exists", valueHash: "old" }]))
    })

    it("bring the live values along when they do not hold", async ({ one, other, run, rejects }) => {
      await run(one.put("key", "old"))
      const error = await rejects(other.update("key", [put], [{ kind: "empty" }]), "P2PSIP_PRECONDITION")
      assert.ok(error instanceof UpdateRejectedError)
      assert.deepEqual(texts(error.values), ["old"])
    })
  })
}

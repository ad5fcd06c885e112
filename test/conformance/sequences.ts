import assert from "node:assert/strict"
import type { Suite } from "./scene.ts"

const at = (number: number, series = "call-id") => ({ valueHash: "hash", sequence: { series, number } })

/** RFC 3261 §10.3 steps 6 and 7, with the Call-ID as the series and the CSeq as the number. */
export function sequences({ describe, it, options }: Suite): void {
  describe("sequences", () => {
    it("let a higher number of the series replace a value", async ({ one, other, run, texts }) => {
      await run(one.put("key", "1", at(1)))
      await run(other.put("key", "2", at(2)))
      assert.deepEqual(await texts("key"), ["2"])
    })

    for (const [what, number] of [["the same", 5], ["a lower", 4]] as const) {
      it(`refuse ${what} number of the series`, async ({ one, other, run, rejects, texts }) => {
        await run(one.put("key", "5", at(5)))
        await rejects(other.put("key", "late", at(number)), "P2PSIP_OUT_OF_ORDER")
        await rejects(other.remove("key", "hash", at(number)), "P2PSIP_OUT_OF_ORDER")
        await rejects(other.update("key", [{ kind: "removeAll", sequence: at(number).sequence }]), "P2PSIP_OUT_OF_ORDER")
        assert.deepEqual(await texts("key"), ["5"])
      })
    }

    it("refuse what a removal has overtaken, though nothing was there to remove", async ({ one, other, run, rejects, texts }) => {
      await run(one.remove("key", "hash", at(5)))
      await rejects(other.put("key", "late", at(4)), "P2PSIP_OUT_OF_ORDER")
      await run(other.put("key", "next", at(6)))
      assert.deepEqual(await texts("key"), ["next"])
    })

    it("let any number of another series pass, and then count by that", async ({ one, run, rejects, texts }) => {
      await run(one.put("key", "old phone", at(50)))
      await run(one.put("key", "restarted phone", at(1, "new call-id")))
      await rejects(one.put("key", "late", at(1, "new call-id")), "P2PSIP_OUT_OF_ORDER")
      await run(one.put("key", "old again", at(2)))
      assert.deepEqual(await texts("key"), ["old again"])
    })

    it("do not bind changes without one", async ({ one, run, texts }) => {
      await run(one.put("key", "5", at(5)))
      await run(one.put("key", "free", { valueHash: "hash" }))
      await run(one.put("key", "1", at(1)))
      assert.deepEqual(await texts("key"), ["1"])
    })

    it("are told apart by valueHash", async ({ one, run, texts }) => {
      await run(one.put("key", "a", { valueHash: "a", sequence: { series: "call-id", number: 9 } }))
      await run(one.put("key", "b", { valueHash: "b", sequence: { series: "call-id", number: 1 } }))
      assert.equal((await texts("key")).includes("b"), true)
    })

    it("are remembered after a removal: an older put stays out", async ({ one, other, run, rejects, texts }) => {
      await run(one.put("key", "1", at(1)))
      await run(one.remove("key", "hash", { sequence: at(3).sequence }))
      await rejects(other.put("key", "late", at(2)), "P2PSIP_OUT_OF_ORDER")
      assert.deepEqual(await texts("key"), [])
      await run(other.put("key", "4", at(4)))
      assert.deepEqual(await texts("key"), ["4"])
    })

    it("are remembered after removeAll", async ({ one, other, run, rejects, texts }) => {
      await run(one.put("key", "1", at(1)))
      await run(one.update("key", [{ kind: "removeAll", sequence: at(3).sequence }]))
      await rejects(other.put("key", "late", at(3)), "P2PSIP_OUT_OF_ORDER")
      assert.deepEqual(await texts("key"), [])
    })

    it("refuse what removeAll has overtaken, though nothing was there to remove", async ({ one, other, run, rejects, texts }) => {
      await run(one.update("key", [{ kind: "removeAll", sequence: at(5).sequence }]))
      await rejects(other.put("key", "late", at(4)), "P2PSIP_OUT_OF_ORDER")
      await run(other.put("key", "next", at(6)))
      assert.deepEqual(await texts("key"), ["next"])
    })

    it("let no removeAll that a later one has overtaken remove what came between", async ({ one, other, run, rejects, texts }) => {
      await run(one.update("key", [{ kind: "removeAll", sequence: at(5).sequence }]))
      await run(one.put("key", "another phone", at(1, "its call-id")))
      await rejects(other.update("key", [{ kind: "removeAll", sequence: at(4).sequence }]), "P2PSIP_OUT_OF_ORDER")
      assert.deepEqual(await texts("key"), ["another phone"])
    })

    it("take the whole range of a CSeq", async ({ one, run, rejects }) => {
      await run(one.put("key", "first", at(0)))
      await run(one.put("key", "last", at(2 ** 32 - 1)))
      await rejects(one.put("key", "late", at(2 ** 31)), "P2PSIP_OUT_OF_ORDER")
    })

    if (options.virtualTime) {
      it("are forgotten with the life of the value", async ({ one, run, network, texts }) => {
        await run(one.put("key", "9", { ...at(9), ttlSeconds: 60 }))
        await network.advance(61_000)
        await run(one.put("key", "1", at(1)))
        assert.deepEqual(await texts("key"), ["1"])
      })
    }
  })
}

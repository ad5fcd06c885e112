import assert from "node:assert/strict"
import type { Suite } from "./scene.ts"

export function hash({ describe, it }: Suite): void {
  describe("hash", () => {
    it("is the same at every peer, joined or not, for bytes and for their text", async ({ network, one, other }) => {
      const late = await network.create()
      assert.deepEqual(one.hash("sip:alice@example.org"), other.hash(Buffer.from("sip:alice@example.org")))
      assert.deepEqual(one.hash("sip:alice@example.org"), late.hash("sip:alice@example.org"))
    })

    it("has one length and tells data apart", async ({ one }) => {
      const hashes = ["", "a", "b", "ab", "x".repeat(5000)].map((data) => Buffer.from(one.hash(data)).toString("hex"))
      assert.equal(new Set(hashes).size, hashes.length)
      assert.equal(new Set(hashes.map(({ length }) => length)).size, 1)
    })
  })
}

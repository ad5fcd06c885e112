import assert from "node:assert/strict"
import type { Suite } from "./scene.ts"

export function status({ describe, it, options }: Suite): void {
  const { capabilities } = options
  describe("status", () => {
    it("is there in every state, and fit for JSON", async ({ network, run }) => {
      const servlet = await network.create()
      assert.equal(servlet.status().state, "new")
      await run(servlet.join(network.bootstrap()))
      const status = servlet.status()
      assert.equal(status.state, "joined")
      assert.equal(status.backend, servlet.backend)
      assert.deepEqual(JSON.parse(JSON.stringify(status)), status)
      await run(servlet.leave())
      assert.equal(servlet.status().state, "left")
    })

    it("declares the capabilities that the tests go by", async ({ one }) => {
      assert.deepEqual(one.capabilities, capabilities)
    })

    it("counts each value once as owned, in the whole overlay", async ({ one, servlets, run }) => {
      for (let count = 0; count < 10; count++) await run(one.put(`key ${count}`, "value"))
      const owned = servlets.map((servlet) => servlet.status().records.owned)
      assert.equal(owned.reduce((sum, count) => sum + count, 0), 10)
    })

    if (capabilities.distributed) {
      it("knows the other peers and names neighbours", async ({ servlets }) => {
        for (const servlet of servlets) {
          const { self, peersKnown, neighbours } = servlet.status()
          assert.equal(peersKnown, servlets.length - 1)
          assert.notEqual(self, undefined)
          assert.ok(Object.values(neighbours).flat().some(({ peerId }) => peerId !== self?.peerId))
        }
      })
    }
  })
}

import assert from "node:assert/strict"
import type { P2PSipServlet, ServletState } from "../../src/servlet/index.ts"
import { rejects } from "./scene.ts"
import type { Suite } from "./scene.ts"

/** Every operation that needs an overlay, with arguments that are right. */
const operations: Readonly<Record<string, (servlet: P2PSipServlet) => Promise<unknown>>> = {
  put: (servlet) => servlet.put("key", "value"),
  get: (servlet) => servlet.get("key"),
  remove: (servlet) => servlet.remove("key", "hash"),
  putOrGet: (servlet) => servlet.putOrGet("key", "value"),
  update: (servlet) => servlet.update("key", [{ kind: "put", value: "value", ttlSeconds: 60 }]),
  lookup: async (servlet) => {
    for await (const event of servlet.lookup("key")) assert.notEqual(event.name, "failed")
  },
}

export function lifecycle({ describe, it, options }: Suite): void {
  describe("lifecycle", () => {
    for (const [name, operate] of Object.entries(operations)) {
      const supported = name !== "putOrGet" || options.capabilities.preconditions

      if (supported) it(`${name} works while joined`, async ({ one, run }) => void (await run(operate(one))))

      it(`${name} is refused while new, joining, leaving and left`, async ({ network, run, other, servlets }) => {
        const servlet = options.capabilities.distributed ? other : await network.create()
        if (servlet !== other) {
          await rejects(operate(servlet), "P2PSIP_NOT_OPEN")
          const joining = servlet.join()
          await rejects(operate(servlet), "P2PSIP_NOT_OPEN")
          await run(joining)
        } else {
          const late = await network.create()
          await rejects(operate(late), "P2PSIP_NOT_OPEN")
          const joining = late.join(network.bootstrap())
          await rejects(operate(late), "P2PSIP_NOT_OPEN")
          await run(joining)
          assert.notEqual(servlets.length, 0)
        }
        const leaving = servlet.leave()
        await rejects(operate(servlet), "P2PSIP_NOT_OPEN")
        await run(leaving)
        await rejects(operate(servlet), "P2PSIP_NOT_OPEN")
      })
    }

    it("tells each change of state once, in order", async ({ network, run }) => {
      const servlet = await network.create()
      const seen: ServletState[] = [servlet.state]
      servlet.on("state", ({ from, to }) => {
        assert.equal(from, seen.at(-1))
        assert.equal(servlet.state, to)
        seen.push(to)
      })
      await run(servlet.join(network.bootstrap()))
      await run(servlet.leave())
      assert.deepEqual(seen, ["new", "joining", "joined", "leaving", "left"])
    })

    it("joins once, however often it is asked", async ({ network, run }) => {
      const servlet = await network.create()
      const bootstrap = network.bootstrap()
      await run(Promise.all([servlet.join(bootstrap), servlet.join(bootstrap)]))
      await run(servlet.join(bootstrap))
      assert.equal(servlet.state, "joined")
      await run(servlet.leave())
    })

    it("leaves once, however often it is asked, and for good", async ({ other, run, rejects }) => {
      await run(Promise.all([other.leave(), other.leave()]))
      await run(other.leave())
      assert.equal(other.state, "left")
      await rejects(other.join(), "P2PSIP_NOT_OPEN")
    })

    it("leaves without ever having joined", async ({ network, run }) => {
      const servlet = await network.create()
      await run(servlet.leave())
      assert.equal(servlet.state, "left")
    })

    it("calls a join off when told to leave", async ({ network, run }) => {
      const servlet = await network.create()
      const joining = servlet.join(network.bootstrap())
      const leaving = servlet.leave()
      await rejects(run(joining), "P2PSIP_ABORTED")
      await run(leaving)
      assert.equal(servlet.state, "left")
    })

    it("goes back to new when a join is aborted, and can try again", async ({ network, run }) => {
      const servlet = await network.create()
      const bootstrap = network.bootstrap()
      await rejects(run(servlet.join(bootstrap, { signal: AbortSignal.abort() })), "P2PSIP_ABORTED")
      assert.equal(servlet.state, "new")
      const controller = new AbortController()
      const joining = servlet.join(bootstrap, { signal: controller.signal })
      controller.abort()
      await rejects(run(joining), "P2PSIP_ABORTED")
      assert.equal(servlet.state, "new")
      await run(servlet.join(bootstrap))
      await run(servlet.put("key", "value"))
      await run(servlet.leave())
    })
  })
}

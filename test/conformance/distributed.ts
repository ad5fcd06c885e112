import assert from "node:assert/strict"
import type { P2PSipServlet } from "../../src/servlet/index.ts"
import { rejects, texts } from "./scene.ts"
import type { Scene, Suite } from "./scene.ts"

const peers = 5
const keys = Array.from({ length: 40 }, (_, number) => `sip:user${number}@example.org`)

async function putAll({ servlets, run }: Scene): Promise<void> {
  for (const [index, key] of keys.entries()) {
    const sequence = { series: "call-id", number: 5 }
    const servlet = servlets[index % servlets.length]
    assert(servlet !== undefined)
    await run(servlet.put(key, `value of ${key}`, { valueHash: "hash", sequence }))
  }
}

async function assertAllAt({ run }: Scene, servlet: P2PSipServlet): Promise<void> {
  for (const key of keys) assert.deepEqual(texts(await run(servlet.get(key))), [`value of ${key}`], key)
}

async function join({ network, run }: Scene): Promise<P2PSipServlet> {
  const servlet = await network.create()
  await run(servlet.join(network.bootstrap()))
  return servlet
}

export function distributed({ describe, it, options }: Suite): void {
  describe("several peers", () => {
    it("get everywhere what was put anywhere", async (scene) => {
      await putAll(scene)
      for (const servlet of scene.servlets) await assertAllAt(scene, servlet)
    }, peers)

    it("give a newcomer its share: it finds everything as soon as it has joined", async (scene) => {
      await putAll(scene)
      const newcomer = await join(scene)
      await assertAllAt(scene, newcomer)
      await assertAllAt(scene, scene.one)
    }, peers)

    it("lose nothing when peers leave one after another, down to the last", async (scene) => {
      await putAll(scene)
      const [last, ...leavers] = scene.servlets
      assert(last !== undefined)
      for (const leaver of leavers) {
        await scene.run(leaver.leave())
        await assertAllAt(scene, last)
      }
    }, peers)

    it("hand values, their sequences and their removals on through generations", async (scene) => {
      const { run } = scene
      await putAll(scene)
      await run(scene.one.put("gone", "value", { valueHash: "hash", sequence: { series: "call-id", number: 1 } }))
      await run(scene.one.remove("gone", "hash", { sequence: { series: "call-id", number: 2 } }))
      let newest = scene.one
      for (const old of scene.servlets) {
        newest = await join(scene)
        await run(old.leave())
      }
      await assertAllAt(scene, newest)
      const late = { valueHash: "hash", sequence: { series: "call-id", number: 1 } }
      for (const key of ["gone", ...keys.slice(0, 5)]) await rejects(run(newest.put(key, "late", late)), "P2PSIP_OUT_OF_ORDER")
      assert.deepEqual(texts(await run(newest.get("gone"))), [])
    }, peers)

    it("keep every acknowledged value when one peer falls silent", async (scene) => {
      const { network } = scene
      if (network.crash === undefined) return
      await putAll(scene)
      await network.crash(scene.other)
      await assertAllAt(scene, scene.one)
    }, peers)

    it("answer while peers come and go", async (scene) => {
      const { run, one } = scene
      await putAll(scene)
      for (const leaver of scene.servlets.slice(1)) {
        const joining = join(scene)
        const leaving = leaver.leave()
        for (const key of keys.slice(0, 10)) assert.deepEqual(texts(await run(one.get(key))), [`value of ${key}`])
        await joining
        await run(leaving)
      }
      await assertAllAt(scene, one)
    }, peers)

    if (options.virtualTime) {
      it("say so when no bootstrap peer answers", async ({ network, run }) => {
        const servlet = await network.create()
        await rejects(run(servlet.join(["/ip4/127.0.0.1/tcp/1"])), "P2PSIP_BOOTSTRAP_FAILED")
        assert.equal(servlet.state, "new")
      })
    }
  })
}

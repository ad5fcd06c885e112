import assert from "node:assert/strict"
import type { Scene, Suite } from "./scene.ts"

/** Virtual time passes while operations run over a network, but less than this. */
const slackSeconds = 5

async function secondsLeft({ other, run }: Scene): Promise<number> {
  const [value] = await run(other.get("key"))
  return value?.ttlSeconds ?? 0
}

function assertAbout(found: number, expected: number): void {
  assert.ok(found <= expected && found > expected - slackSeconds, `expected about ${expected} s, found ${found} s`)
}

export function ttl({ describe, it }: Suite): void {
  describe("time to live", () => {
    it("counts down, and the value is gone at its end", async (scene) => {
      const { one, run, network, texts } = scene
      await run(one.put("key", "value", { ttlSeconds: 100 }))
      await network.advance(60_000)
      assertAbout(await secondsLeft(scene), 40)
      await network.advance(41_000)
      assert.deepEqual(await texts("key"), [])
    })

    it("is an hour where nothing is said", async (scene) => {
      await scene.run(scene.one.put("key", "value"))
      assertAbout(await secondsLeft(scene), 3600)
    })

    it("grows when the value is put again", async (scene) => {
      const { one, run, network } = scene
      await run(one.put("key", "value", { ttlSeconds: 60 }))
      await network.advance(30_000)
      await run(one.put("key", "value", { ttlSeconds: 600 }))
      assertAbout(await secondsLeft(scene), 600)
      await network.advance(120_000)
      assertAbout(await secondsLeft(scene), 480)
    })

    it("shrinks when the value is put again, and does not come back", async (scene) => {
      const { one, run, network, texts } = scene
      await run(one.put("key", "value", { ttlSeconds: 600 }))
      await run(one.put("key", "value", { ttlSeconds: 20 }))
      assertAbout(await secondsLeft(scene), 20)
      for (let minute = 0; minute < 12; minute++) {
        await network.advance(60_000)
        assert.deepEqual(await texts("key"), [])
      }
    })

    it("of a removed value brings nothing back", async ({ one, run, network, texts }) => {
      await run(one.put("key", "value", { ttlSeconds: 300, valueHash: "hash" }))
      await run(one.remove("key", "hash"))
      for (let minute = 0; minute < 7; minute++) {
        await network.advance(60_000)
        assert.deepEqual(await texts("key"), [])
      }
    })

    it("is each value's own", async ({ one, run, network, texts }) => {
      await run(one.put("key", "value", { valueHash: "hash", ttlSeconds: 30 }))
      await run(one.put("another", "longer", { valueHash: "hash", ttlSeconds: 300 }))
      await network.advance(31_000)
      assert.deepEqual(await texts("key"), [])
      assert.deepEqual(await texts("another"), ["longer"])
    })

    it("frees what it held", async ({ one, servlets, run, network }) => {
      for (let count = 0; count < 20; count++) await run(one.put(`key ${count}`, "value", { ttlSeconds: 10 }))
      await network.advance(300_000)
      for (const { records } of servlets.map((servlet) => servlet.status())) {
        assert.deepEqual(records, { owned: 0, copies: 0, tombstones: 0 })
      }
    })
  })
}

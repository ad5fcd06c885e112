import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { channels } from "../../../src/link/link.ts"
import { idOfKey } from "../../../src/overlay/id.ts"
import { HybridClock } from "../../../src/overlay/hlc.ts"
import { methods } from "../../../src/overlay/methods.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import { encodeItem, encodeStore } from "../../../src/overlay/transfer-codec.ts"
import { OverlayWorld } from "../../support/overlay-world.ts"

async function worldWithStranger(): Promise<{ world: OverlayWorld; stranger: Awaited<ReturnType<OverlayWorld["add"]>> }> {
  const world = new OverlayWorld()
  await world.joinMany(3)
  const stranger = await world.add()
  for (const peer of world.peers) stranger.process.link.learn(peer.process.link.self)
  return { world, stranger }
}

describe("a hostile peer", () => {
  it("sends frames of any content: nobody crashes, nothing grows, everybody serves", async () => {
    const { world, stranger } = await worldWithStranger()
    const head = fc.constantFrom(...Object.values(methods), 48, 49, 77).map((method) => [0, 0, 0, 0, 1, method])
    const frame = fc.tuple(fc.option(head, { nil: [] }), fc.uint8Array({ maxLength: 60 })).map(([start, rest]) => Uint8Array.from([...start, ...rest]))
    const frames = fc.sample(frame, { numRuns: 2_000, seed: 1 })
    for (const peer of world.peers) for (const one of frames) stranger.process.link.send(peer.name, channels.overlay, one)
    await world.pass(15_000)
    for (const peer of world.peers) expect(peer.servlet.status().records).toEqual({ owned: 0, copies: 0, tombstones: 0 })
    const [one, other] = world.peers
    if (one === undefined || other === undefined) throw new Error("no peers")
    await world.run(one.servlet.put("key", "value"))
    expect(await world.run(other.servlet.get("key"))).toHaveLength(1)
    expect(world.errors).toEqual([])
  })

  it("cannot plant a record from the far future", async () => {
    const { world, stranger } = await worldWithStranger()
    const rpc = new Rpc(stranger.process)
    const key = idOfKey(Buffer.from("key"))
    const now = new HybridClock(stranger.process.runtime).tick()
    const planted = {
      valueHash: "h", value: "planted", order: now * 2, operationId: "12345678", series: "", number: 0, liveUntil: 1e6, keptUntil: 1e6,
    }
    for (const peer of world.peers) {
      const reply = await world.run(rpc.call(peer.name, methods.store, encodeStore([encodeItem({ key, records: [planted] }, 0)])))
      expect(reply.varint()).toBe(1)
      expect(await world.run(peer.servlet.get("key"))).toEqual([])
    }
  })
})

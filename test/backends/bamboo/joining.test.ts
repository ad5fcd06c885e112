import { expect, test } from "vitest"
import { bambooMethods, encodeFindAnswer } from "../../../backends/bamboo/messages.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import { simAddress } from "../../../src/sim/index.ts"
import { BambooOverlay } from "./bamboo-overlay.ts"

test("a joiner whose contact names a root that has just gone asks again", async () => {
  const overlay = new BambooOverlay({ seed: 1 })
  await overlay.grow(2)
  const { link, runtime } = overlay.simulation.addPeer("guide")
  await link.start()
  const rpc = new Rpc({ runtime, link })
  let questions = 0
  rpc.handle(bambooMethods.find, () => {
    const named = memberOf(simAddress(++questions < 3 ? "gone" : "p0"))
    return encodeFindAnswer({ isRoot: false, named: [{ member: named, coordinate: undefined }] })
  })
  const { routing } = await overlay.join("p2", "guide")
  expect(questions).toBe(3)
  expect(overlay.defects()).toEqual([])
  expect(routing.isResponsible(routing.self.id)).toBe(true)
})

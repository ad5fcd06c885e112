import { expect, test } from "vitest"
import { chordMethods, encodeAskAnswer, encodeFindAnswer, encodeNotifyAnswer } from "../../../backends/chord/messages.ts"
import { memberOf } from "../../../src/overlay/member-codec.ts"
import { Rpc } from "../../../src/overlay/rpc.ts"
import { simAddress } from "../../../src/sim/index.ts"
import { ChordOverlay } from "./chord-overlay.ts"

test("a peer whose successor has had nothing to grant for ten seconds takes its keys all the same", async () => {
  const overlay = new ChordOverlay({ seed: 1 })
  const { link, runtime } = overlay.simulation.addPeer("beggar")
  await link.start()
  const rpc = new Rpc({ runtime, link })
  const [beggar, joiner] = [link.self, simAddress("p1")].map(memberOf)
  if (beggar === undefined || joiner === undefined) throw new Error("no members")
  // It adopts whoever notifies it, and waits for a grant itself, in vain.
  rpc.handle(chordMethods.find, () =>
    encodeFindAnswer({ kind: "place", told: { version: 1, accepted: false, predecessor: beggar, successors: [] } }))
  rpc.handle(chordMethods.ask, () => encodeAskAnswer({ version: 2, accepted: false, predecessor: joiner, successors: [joiner] }))
  rpc.handle(chordMethods.notify, () => encodeNotifyAnswer({ adopted: true, grant: "none", previous: [beggar], givers: [] }))
  rpc.handle(chordMethods.ping, () => new Uint8Array())

  const { routing } = await overlay.start("p1")
  const joining = routing.join([beggar], new AbortController().signal)
  await overlay.simulation.run(9_000)
  expect(routing.isResponsible(routing.self.id)).toBe(false)
  await overlay.simulation.wait(joining, 5_000)
  expect(routing.isResponsible(routing.self.id)).toBe(true)
})

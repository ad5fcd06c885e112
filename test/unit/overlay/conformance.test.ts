import { describe, it } from "vitest"
import { conformance } from "../../conformance/index.ts"
import { OverlayWorld } from "../../support/overlay-world.ts"
import type { WorldPeer } from "../../support/overlay-world.ts"

conformance({
  describe, it, name: "the overlay's storage", virtualTime: true,
  capabilities: {
    distributed: true, atomicUpdate: true, sequences: true, preconditions: true, multipleValues: true, durable: false,
  },
  createNetwork: async () => {
    const world = new OverlayWorld()
    const created: WorldPeer[] = []
    return {
      create: async () => {
        const peer = await world.add()
        created.push(peer)
        return peer.servlet
      },
      bootstrap: () => created.filter((peer) => peer.servlet.state === "joined").flatMap((peer) => peer.process.link.self.addresses),
      run: (work) => world.run(work),
      advance: (ms) => world.pass(ms),
      crash: async (servlet) => {
        const peer = created.find((other) => other.servlet === servlet)
        if (peer !== undefined) world.crash(peer)
      },
      close: async () => undefined,
    }
  },
})

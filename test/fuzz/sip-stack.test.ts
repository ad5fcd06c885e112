import { describe, expect, test, vi } from "vitest"
import { parseMessage } from "../../src/sip/message/index.ts"
import { domain, World } from "../support/sip-world.ts"
import { hostileDatagrams } from "./sip-datagrams.ts"

/** As long as any transaction of a proxy may live: Timer C, and the lives of what it leaves. */
const longestTransactionMs = 10 * 60_000

describe("hostile datagrams at a peer's SIP port", () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: are survived, answered in SIP or not at all, and leave nothing behind`, async () => {
      const world = new World()
      const errors = vi.spyOn(world.runtime.log, "error")
      const peer = world.addPeer(1)
      const attacker = world.network.add("UDP", "127.0.0.1", 5070)
      const answers: Uint8Array[] = []
      attacker.onMessage((bytes) => void answers.push(bytes))
      const bob = world.addPhone("bob", "10.0.1.1", peer)
      expect((await bob.register()).status).toBe(200)

      for (const datagram of hostileDatagrams({ seed, count: 300, domain })) {
        attacker.flowTo(peer.address).send(datagram)
        await world.run(1)
      }

      expect(errors.mock.calls).toEqual([])
      expect(answers.length).toBeGreaterThan(10)
      for (const answer of answers) expect(() => parseMessage(answer)).not.toThrow()
      expect((await bob.register()).status).toBe(200)
      await world.run(longestTransactionMs)
      expect(peer.layer.size).toBe(0)
      expect(errors.mock.calls).toEqual([])
    })
  }
})

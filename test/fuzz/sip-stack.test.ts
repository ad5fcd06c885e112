import { describe, expect, test, vi } from "vitest"
import { createResponse, parseMessage, SipRequest, SipResponse } from "../../src/sip/message/index.ts"
import { domain, World } from "../support/sip-world.ts"
import type { Flow } from "../../src/sip/transport/index.ts"
import { brokenCopies, hostileDatagrams } from "./sip-datagrams.ts"

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

describe("a hostile phone", () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: whatever it answers, the caller gets a final response and nothing stays behind`, async () => {
      const world = new World()
      const errors = vi.spyOn(world.runtime.log, "error")
      const peer = world.addPeer(1)
      const caller = world.addPhone("alice", "10.0.1.1", peer)
      const callee = world.addPhone("mallory", "10.0.1.2", peer)
      await callee.register()
      let answers = 0
      callee.transport.onMessage((bytes, flow) => {
        const request = parseMessage(bytes)
        if (!(request instanceof SipRequest)) return
        for (const status of [180, 200]) {
          const answer = createResponse(request, status, undefined, { toTag: "m", withRecordRoute: true }).toBytes()
          for (const copy of brokenCopies(answer, { seed: seed * 100 + answers++, count: 3 })) flow.send(copy)
        }
      })

      for (let call = 0; call < 30; call++) {
        const invite = caller.request("INVITE", `sip:mallory@${domain}`)
        caller.send(invite)
        await world.run(longestTransactionMs)
        const finals = caller.inbox.filter(({ message }) => {
          return message instanceof SipResponse && message.isFinal && message.via?.branch === invite.via?.branch
        })
        expect(finals.length).toBeGreaterThan(0)
      }
      expect(peer.layer.size).toBe(0)
      expect(errors.mock.calls).toEqual([])
    })
  }
})

describe("a hostile subscriber", () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: whatever it asks and answers, nothing stays behind but subscriptions that end`, async () => {
      const world = new World()
      const errors = vi.spyOn(world.runtime.log, "error")
      const peer = world.addPeer(1)
      const subscriber = world.addPhone("mallory", "10.0.1.1", peer)
      let copies = 0
      let notified = 0
      const send = (bytes: Uint8Array, flow: Flow): void => {
        for (const copy of brokenCopies(bytes, { seed: seed * 10_000 + copies++, count: 3 })) flow.send(copy)
      }
      subscriber.transport.onMessage((bytes, flow) => {
        const message = parseMessage(bytes)
        if (!(message instanceof SipRequest)) {
          if (message instanceof SipResponse && message.status === 200 && message.cseq.method === "SUBSCRIBE") send(subscriber.inDialog("SUBSCRIBE", message).toBytes(), flow)
          return
        }
        notified++
        send(createResponse(message, 200).toBytes(), flow)
      })
      const bob = world.addPhone("bob", "10.0.1.2", peer)
      for (let round = 0; round < 100; round++) {
        const request = subscriber.request("SUBSCRIBE", `sip:bob@${domain}`, { Event: "reg;id=1", Accept: "application/reginfo+xml", Expires: "60" })
        send(request.toBytes(), subscriber.transport.flowTo(peer.address))
        await bob.register({ "Call-ID": "bob", CSeq: `${round + 1} REGISTER` })
        await world.run(1000)
      }
      expect(notified).toBeGreaterThan(30)
      await world.run(2 * 3_600_000)
      expect(peer.layer.size).toBe(0)
      expect(world.runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
      expect(errors.mock.calls).toEqual([])
    })
  }
})

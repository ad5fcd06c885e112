import { describe, expect, test, vi } from "vitest"
import { createResponse, parseMessage, SipRequest, SipResponse } from "../../src/sip/message/index.ts"
import { parseXml } from "../../src/sip/events/xml.ts"
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

/** As phones write it. */
const presence = `<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" entity="sip:bob@example.org">
<tuple id="t1"><status><basic>open</basic></status><contact priority="0.8">sip:bob@192.0.2.1</contact><note xml:lang="de">Gr&#xFC;&amp;n</note></tuple>
<d:person id="p1"><d:note><![CDATA[<away>]]></d:note></d:person></presence>`

describe("a hostile publisher", () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: whatever it publishes, subscribers are told what can be read, and nothing stays behind`, async () => {
      const world = new World()
      const errors = vi.spyOn(world.runtime.log, "error")
      const peer = world.addPeer(1)
      const alice = world.addPhone("alice", "10.0.1.1", peer)
      const notified: string[] = []
      alice.transport.onMessage((bytes, flow) => {
        const message = parseMessage(bytes)
        if (!(message instanceof SipRequest)) return
        if (message.headers.get("Subscription-State")?.startsWith("active")) notified.push(Buffer.from(message.body).toString())
        flow.send(createResponse(message, 200).toBytes())
      })
      alice.send(alice.request("SUBSCRIBE", `sip:bob@${domain}`, { Event: "presence" }))
      const bob = world.addPhone("bob", "10.0.1.2", peer)
      let tag = ""
      bob.transport.onMessage((bytes) => {
        const message = parseMessage(bytes)
        tag = message.headers.get("SIP-ETag") ?? tag
      })
      for (let round = 0; round < 100; round++) {
        const request = bob.request("PUBLISH", `sip:bob@${domain}`, {
          Event: "presence", "Content-Type": "application/pidf+xml", ...(tag === "" ? {} : { "SIP-If-Match": tag }),
        })
        request.body = Buffer.from(presence.replace("192.0.2.1", `192.0.2.${round}`))
        const copies = brokenCopies(request.toBytes(), { seed: seed * 10_000 + round, count: 3 })
        for (const copy of round % 2 === 0 ? copies : [request.toBytes()]) bob.transport.flowTo(peer.address).send(copy)
        await world.run(5_000)
      }
      expect(notified.length).toBeGreaterThan(30)
      for (const document of notified) expect(parseXml(Buffer.from(document)).name).toBe("presence")
      await world.run(3 * 3_600_000)
      expect(peer.layer.size).toBe(0)
      expect(world.runtime.metrics.count("p2psip_sip_messages_dropped_total", { reason: "defect" })).toBe(0)
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

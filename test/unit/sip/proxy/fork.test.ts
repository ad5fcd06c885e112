import { beforeEach, describe, expect, it } from "vitest"
import { createResponse, SipRequest } from "../../../../src/sip/message/index.ts"
import { domain, World } from "../../../support/sip-world.ts"
import type { Peer, Phone } from "../../../support/sip-world.ts"

let world: World
let one: Peer
let alice: Phone
/** Bob's phones, the first two at the caller's peer, the third at another. */
let phones: Phone[]

const callLost = 'SIP;cause=200;text="Call completed elsewhere"'

beforeEach(async () => {
  world = new World()
  one = world.addPeer(1)
  const two = world.addPeer(2)
  alice = world.addPhone("alice", "192.0.2.1", one)
  phones = [world.addPhone("bob", "192.0.2.11", one), world.addPhone("bob", "192.0.2.12", one), world.addPhone("bob", "192.0.2.13", two)]
  for (const phone of phones) expect((await phone.register()).status).toBe(200)
})

/** Calls bob; what each phone got. */
async function invite(): Promise<{ sent: SipRequest; received: SipRequest[] }> {
  const sent = alice.request("INVITE", `sip:bob@${domain}`)
  alice.send(sent)
  await world.run()
  return { sent, received: phones.map((phone) => phone.takeRequest("INVITE")) }
}

/** The CANCEL of an INVITE: same branch and number (RFC 3261 §9.1). */
function cancelOf(invite: SipRequest, headers: [string, string][] = []): SipRequest {
  const kept = [...invite.headers].filter(([name]) => ["Via", "From", "To", "Call-ID", "Max-Forwards"].includes(name))
  return SipRequest.create("CANCEL", invite.uri, [...kept, ["CSeq", "1 CANCEL"], ...headers])
}

/** Bob's phone number `i` answers the INVITE that it got. */
async function reply(i: number, received: readonly SipRequest[], status: number): Promise<void> {
  const request = received[i]
  if (!request) throw new Error(`phone ${i} has no INVITE`)
  phones[i]?.reply(request, status)
  await world.run()
}

/** Takes the CANCEL that phone `i` must have got, answers it and the INVITE. */
async function obeyCancel(i: number, received: readonly SipRequest[]): Promise<SipRequest> {
  const phone = phones[i]
  const cancel = phone?.takeRequest("CANCEL")
  if (!cancel) throw new Error(`phone ${i} does not exist`)
  phone?.reply(cancel, 200)
  await reply(i, received, 487)
  phone?.takeRequest("ACK")
  return cancel
}

describe("a forked call", () => {
  it("rings everywhere, and when one phone answers the others learn why they stop", async () => {
    const { received } = await invite()
    expect(new Set(received.map(({ uri }) => uri))).toEqual(new Set(phones.map(({ contact }) => contact)))
    expect(received.map(({ headers }) => headers.get("Max-Breadth"))).toEqual(["20", "20", "20"])
    for (const i of [0, 1, 2]) await reply(i, received, 180)
    await reply(2, received, 200)
    for (const i of [0, 1]) expect((await obeyCancel(i, received)).headers.get("Reason")).toBe(callLost)
    expect(alice.summary()).toEqual(["180", "180", "180", "200"])
    expect(phones.map((phone) => phone.summary())).toEqual([[], [], []])
  })

  it("gives the caller both answers when two phones answer at once", async () => {
    const { received } = await invite()
    phones[0]?.reply(received[0] as SipRequest, 200)
    phones[1]?.reply(received[1] as SipRequest, 200)
    await world.run()
    expect(alice.summary()).toEqual(["200", "200"])
  })

  it("cancels no phone before it has said anything", async () => {
    const { received } = await invite()
    await reply(0, received, 200)
    expect(phones[1]?.summary()).toEqual([])
    await reply(1, received, 180)
    expect(phones[1]?.summary()).toEqual(["CANCEL"])
  })

  it("ends with the best of all refusals", async () => {
    const { received } = await invite()
    await reply(0, received, 486)
    await reply(1, received, 404)
    expect(alice.summary()).toEqual([])
    await reply(2, received, 302)
    expect(alice.takeResponse().status).toBe(302)
    expect(phones.map((phone) => phone.summary())).toEqual([["ACK"], ["ACK"], ["ACK"]])
  })

  it("ends for all when one phone declines for all", async () => {
    const { received } = await invite()
    await reply(1, received, 180)
    await reply(2, received, 180)
    await reply(0, received, 603)
    for (const i of [1, 2]) expect((await obeyCancel(i, received)).headers.get("Reason")).toContain("cause=603")
    expect(alice.summary()).toEqual(["180", "180", "603"])
  })

  it("hands the caller the challenges of all phones at once", async () => {
    const { received } = await invite()
    const challenge = (i: number, status: number, name: string, realm: string) => {
      phones[i]?.reply(received[i] as SipRequest, status, [[name, `Digest realm="${realm}", nonce="n"`]])
    }
    challenge(0, 407, "Proxy-Authenticate", "a")
    challenge(1, 401, "WWW-Authenticate", "b")
    await reply(2, received, 486)
    const response = alice.takeResponse()
    expect(response.status).toBe(407)
    expect(response.headers.getAll("Proxy-Authenticate")).toEqual(['Digest realm="a", nonce="n"'])
    expect(response.headers.getAll("WWW-Authenticate")).toEqual(['Digest realm="b", nonce="n"'])
  })

  it("ends with what challenges have room in a message", async () => {
    const { protocol, advertised } = alice.transport
    // More fields than anybody has to read.
    alice.transport.onMessage(() => undefined)
    const via = (id: number) => `SIP/2.0/${protocol} ${advertised.host}:${advertised.port};branch=z9hG4bK-many-${id};rport`
    alice.send(alice.request("INVITE", `sip:bob@${domain}`, { Via: Array.from({ length: 80 }, (_, id) => via(id)) }))
    await world.run()
    const filling = Array.from({ length: 240 }, (_, id): [string, string] => [`X-${id}`, "1"])
    for (const [i, phone] of phones.entries()) {
      const received = phone.takeRequest("INVITE")
      received.headers.set("Via", received.headers.getAll("Via")[0] ?? "")
      if (i === 2) phone.reply(received, 486)
      else phone.reply(received, 407, [["Proxy-Authenticate", `Digest realm="${i}", nonce="n"`], ...filling])
    }
    await world.run()
    const answers = world.network.sent.filter(({ to, text }) => to === "192.0.2.1:5060" && !text.startsWith("SIP/2.0 100"))
    expect(answers.map(({ text }) => text.slice(8, 11))).toEqual(["407"])
  })

  it("tells the caller 500 where a phone said 503", async () => {
    const { received } = await invite()
    for (const i of [0, 1, 2]) await reply(i, received, 503)
    expect(alice.takeResponse().status).toBe(500)
  })

  it("tells the caller 408 where no phone said anything", async () => {
    await invite()
    await world.run(32_000)
    expect(alice.takeResponse().status).toBe(408)
  })
})

describe("the caller's CANCEL", () => {
  it("reaches every phone, with its Reason, and the call ends with 487", async () => {
    const { sent, received } = await invite()
    for (const i of [0, 1, 2]) await reply(i, received, 180)
    alice.send(cancelOf(sent, [["Reason", 'Q.850;cause=16;text="bye"']]))
    await world.run()
    for (const i of [0, 1, 2]) expect((await obeyCancel(i, received)).headers.get("Reason")).toBe('Q.850;cause=16;text="bye"')
    expect(alice.summary()).toEqual(["180", "180", "180", "200", "487"])
  })

  it("waits for a phone's first sign of life", async () => {
    const { sent, received } = await invite()
    alice.send(cancelOf(sent))
    await world.run()
    expect(phones[0]?.summary()).toEqual([])
    for (const i of [0, 1, 2]) await reply(i, received, 180)
    for (const i of [0, 1, 2]) await obeyCancel(i, received)
    expect(alice.summary().at(-1)).toBe("487")
  })

  it("loses against an answer that is on its way", async () => {
    const { sent, received } = await invite()
    await reply(0, received, 180)
    alice.send(cancelOf(sent))
    phones[0]?.reply(received[0] as SipRequest, 200)
    await world.run()
    expect(alice.summary()).toContain("200")
    expect(alice.summary()).not.toContain("487")
  })

  it("ends the call with 487 also where the phones stay silent for ever", async () => {
    const { sent, received } = await invite()
    for (const i of [0, 1, 2]) await reply(i, received, 180)
    alice.send(cancelOf(sent))
    await world.run(33_000)
    expect(alice.summary().filter((text) => text === "487").length).toBeGreaterThan(0)
  })
})

describe("timer C", () => {
  it("cancels a call that rings for too long, counted from its last provisional response", async () => {
    const { received } = await invite()
    for (const i of [0, 1, 2]) await reply(i, received, 180)
    await world.run(180_000)
    await reply(0, received, 183)
    await world.run(15_000)
    expect(phones.map((phone) => phone.summary().includes("CANCEL"))).toEqual([false, true, true])
    await world.run(180_000)
    expect(phones[0]?.summary()).toContain("CANCEL")
  })

  it("is not put off by a 100, which is no sign of the phone", async () => {
    const { received } = await invite()
    await reply(0, received, 180)
    await world.run(180_000)
    await reply(0, received, 100)
    await world.run(15_000)
    expect(phones[0]?.summary()).toContain("CANCEL")
  })

  it("leaves no timer behind when calls have ended", async () => {
    const { received } = await invite()
    for (const i of [0, 1, 2]) await reply(i, received, 486)
    alice.send(createAck(alice.takeResponse().to.toString()))
    await world.run(64_000)
    expect(world.runtime.timersPending).toBe(0)
    expect(one.layer.size).toBe(0)
  })

  function createAck(to: string): SipRequest {
    const ack = alice.request("ACK", `sip:bob@${domain}`, { To: to })
    const via = world.network.sent.find(({ text }) => text.startsWith("INVITE"))?.text.match(/Via: (.*)\r\n/)?.[1] ?? ""
    ack.headers.set("Via", via)
    return ack
  }
})

describe("phones of a lower q", () => {
  /** Dora's desk phone rings first, her mobile after it. */
  async function callDora(): Promise<{ desk: Phone; mobile: Phone; ringing: SipRequest }> {
    const [desk, mobile] = [world.addPhone("dora", "192.0.2.31", one), world.addPhone("dora", "192.0.2.32", one)]
    await desk.register({ Contact: `<${desk.contact}>;q=1` })
    await mobile.register({ Contact: `<${mobile.contact}>;q=0.5` })
    alice.send(alice.request("INVITE", `sip:dora@${domain}`))
    await world.run()
    const ringing = desk.takeRequest("INVITE")
    desk.reply(ringing, 180)
    await world.run()
    alice.inbox.length = 0
    return { desk, mobile, ringing }
  }

  it("have no turn, and nobody waits for it, once the peer has stopped", async () => {
    const { mobile } = await callDora()
    one.layer.stop()
    expect(world.runtime.timersPending).toBe(0)
    await world.run(30_000)
    expect(mobile.summary()).toEqual([])
  })

  it("that refuse at once leave the call to whoever has just picked up", async () => {
    const { desk, mobile, ringing } = await callDora()
    await world.run(20_000)
    mobile.reply(mobile.takeRequest("INVITE"), 486)
    desk.reply(desk.takeRequest("CANCEL"), 200)
    await world.run()
    desk.reply(ringing, 200)
    await world.run()
    expect(alice.summary()).toEqual(["200"])
  })

  it("that refuse end the call when the others have obeyed their CANCEL", async () => {
    const { desk, mobile, ringing } = await callDora()
    await world.run(20_000)
    mobile.reply(mobile.takeRequest("INVITE"), 486)
    await world.run()
    expect(alice.summary()).toEqual([])
    desk.reply(ringing, 487)
    await world.run()
    expect(alice.summary()).toEqual(["486"])
  })
})

describe("a request other than INVITE", () => {
  it("has one answer, from the first phone, and none at all instead of a 408", async () => {
    const message = alice.request("MESSAGE", `sip:bob@${domain}`)
    alice.send(message)
    await world.run()
    phones[0]?.reply(phones[0].takeRequest("MESSAGE"), 200)
    phones[1]?.reply(phones[1].takeRequest("MESSAGE"), 200)
    await world.run()
    expect(alice.summary()).toEqual(["200"])
    alice.takeResponse()
    alice.send(alice.request("MESSAGE", `sip:bob@${domain}`))
    await world.run(40_000)
    expect(alice.summary()).toEqual([])
  })
})

it("a response that nobody waits for is dropped", async () => {
  const stray = createResponse(alice.request("INVITE", `sip:bob@${domain}`), 200)
  stray.headers.prepend("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKnothing")
  phones[0]?.send(stray)
  await world.run()
  expect(alice.summary()).toEqual([])
  expect(world.runtime.metrics.count("p2psip_proxy_dropped_total")).toBe(1)
})

it("two flows of one Outbound instance are one phone: the second is tried when the first has gone", async () => {
  const carol = (host: string) => world.addPhone("carol", host, one, "TCP")
  const [first, second] = [carol("192.0.2.21"), carol("192.0.2.22")]
  const contact = (phone: Phone, flow: number) => `<${phone.contact}>;+sip.instance="<urn:uuid:1>";reg-id=${flow}`
  await first.register({ Contact: contact(first, 1) })
  await second.register({ Contact: contact(second, 2) })
  alice.send(alice.request("INVITE", `sip:carol@${domain}`))
  await world.run()
  expect([first.summary(), second.summary()]).toEqual([["INVITE"], []])
  one.tcp.flowTo(first.transport.advertised).close()
  await world.run()
  expect(second.summary()).toEqual(["INVITE"])
})

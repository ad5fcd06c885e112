import fc from "fast-check"
import { expect, test } from "vitest"
import { channels } from "../../../src/link/link.ts"
import { encodeMedia } from "../../../src/media/media-packet.ts"
import type { SipMessage } from "../../../src/sip/message/index.ts"
import type { Flow } from "../../../src/sip/transport/index.ts"
import { hostOfPeer } from "../../../src/sip/transport/index.ts"
import { answerTo, carry, description, flowOf, makeRequest, makeSides, portIn, setUp, speak } from "../../support/media-sides.ts"
import "../../support/laws.ts"

test("phones are led to the relay beside them, and hear each other", async () => {
  const { runtime, a, b } = await makeSides()
  const invite = makeRequest("INVITE", description(7000, "a=candidate:1 1 UDP 1 10.0.0.1 7000 typ host\r\n"))
  const offer = carry(invite, a, b)
  expect(offer).toContain("c=IN IP4 127.0.0.1\r\n")
  expect(offer).not.toMatch(/candidate|p2psip/)
  const answer = carry(answerTo(invite, 200, description(8000)), b, a)
  expect([portIn(offer), portIn(answer)]).toEqual([40_000, 40_000])

  speak(a, 40_000, "hello", { host: "127.0.0.2", port: 7000 })
  speak(b, 40_000, "who is it?", { host: "127.0.0.3", port: 8000 })
  speak(b, 40_000, "report", { host: "127.0.0.3", port: 8001 }, 1)
  await runtime.advanceAsync(100)
  expect(b.pairs.sent).toEqual([{ port: 40_000, text: "hello", to: { host: "127.0.0.3", port: 8000 } }])
  expect(a.pairs.sent).toEqual([
    { port: 40_000, text: "who is it?", to: { host: "127.0.0.2", port: 7000 } },
    { port: 40_001, text: "report", to: { host: "127.0.0.2", port: 7001 } },
  ])
})

test("a phone is answered where it sends from", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA, atB } = setUp(a, b)
  speak(b, atB, "from behind NAT", { host: "127.0.0.3", port: 31_000 })
  speak(a, atA, "hello", { host: "127.0.0.2", port: 7000 })
  await runtime.advanceAsync(100)
  expect(b.pairs.sent).toMatchObject([{ to: { host: "127.0.0.3", port: 31_000 } }])
})

test("nobody else takes part: another host, another port, another peer, another stream", async () => {
  const { runtime, a, b, stranger } = await makeSides()
  const { atA } = setUp(a, b)
  speak(a, atA, "1", { host: "127.0.0.2", port: 7000 })
  await runtime.advanceAsync(100)
  expect(b.pairs.sent).toHaveLength(1)
  speak(a, atA, "2", { host: "127.0.0.9", port: 7000 })
  speak(a, atA, "3", { host: "127.0.0.2", port: 7777 })
  const stolen = makeRequest("INVITE", description(7000), "other")
  b.relay.pass(stolen, b.phone, a.host)
  const id = /relay:\S+ ([0-9a-f]{16})/.exec(Buffer.from(stolen.body).toString())?.[1] ?? ""
  for (const one of [id, "0".repeat(16)]) stranger.link.send("b", channels.media, encodeMedia({ id: one, kind: 0, packet: Buffer.from("4") }))
  stranger.link.send("b", channels.media, Buffer.from("short"))
  await runtime.advanceAsync(100)
  expect(b.pairs.sent).toHaveLength(1)
})

test("what a phone says of relays is not believed", async () => {
  const { a, b } = await makeSides()
  const invite = makeRequest("INVITE", description(7000, `a=x-p2psip-relay:${hostOfPeer("stranger")} ${"0".repeat(16)}\r\n`))
  a.relay.pass(invite, a.phone, b.host)
  expect(Buffer.from(invite.body).toString().match(/x-p2psip-relay:.*/g)).toEqual([expect.stringContaining(hostOfPeer("a"))])
})

test("the end of a call gives its ports back, whoever ends it; so does an INVITE that is turned down", async () => {
  const { a, b } = await makeSides(2)
  for (const ender of [a, b]) {
    setUp(a, b)
    expect([a.pairs.free, b.pairs.free]).toEqual([1, 1])
    const other = ender === a ? b : a
    const bye = makeRequest("BYE", "", undefined, ender === a ? ["1", "2"] : ["2", "1"])
    carry(bye, ender, other)
    carry(answerTo(bye, 200), other, ender)
    expect([a.pairs.free, b.pairs.free]).toEqual([2, 2])
  }
  const invite = makeRequest("INVITE", description(7000))
  carry(invite, a, b)
  carry(answerTo(invite, 486), b, a)
  expect([a.pairs.free, b.pairs.free]).toEqual([2, 2])
})

test("an early description of who refuses holds no ports", async () => {
  const { a, b } = await makeSides(1)
  const invite = makeRequest("INVITE", description(7000))
  carry(invite, a, b)
  carry(answerTo(invite, 183, description(8000)), b, a)
  expect([a.pairs.free, b.pairs.free]).toEqual([0, 0])
  carry(answerTo(invite, 486), b, a)
  expect([a.pairs.free, b.pairs.free]).toEqual([1, 1])
})

test("of several who answer the first is spoken with, and the others hang up for themselves", async () => {
  const { runtime, a, b, stranger } = await makeSides()
  const { atA } = setUp(a, b)
  const other = makeRequest("INVITE", description(7000), undefined, ["1", "3"])
  const late = answerTo(other, 200, description(9000))
  expect(portIn(carry(late, stranger, a))).toBe(atA)
  const bye = makeRequest("BYE", "", undefined, ["1", "3"])
  for (const turn of ["both have answered", "one has hung up"]) {
    speak(a, atA, turn, { host: "127.0.0.2", port: 7000 })
    await runtime.advanceAsync(100)
    expect(b.pairs.sent.at(-1)?.text).toBe(turn)
    carry(bye, a, stranger)
    carry(answerTo(bye, 200), stranger, a)
  }
  expect(a.pairs.free).toBe(3)
})

test("of several who answer any may stay", async () => {
  const { runtime, a, b, stranger } = await makeSides()
  const { atA } = setUp(a, b)
  const other = makeRequest("INVITE", description(7000), undefined, ["1", "3"])
  carry(other, a, stranger)
  carry(answerTo(other, 200, description(9000)), stranger, a)
  const bye = makeRequest("BYE", "")
  carry(answerTo(bye, 200), b, a)
  speak(a, atA, "still there?", { host: "127.0.0.2", port: 7000 })
  await runtime.advanceAsync(100)
  expect(stranger.pairs.sent).toMatchObject([{ text: "still there?" }])
})

test("who knows the Call-ID alone takes over nothing, and ends nothing", async () => {
  const { runtime, a, b, stranger } = await makeSides()
  const { atA, atB } = setUp(a, b)
  for (const [side, phone] of [[a, a.phone], [b, b.phone]] as const) {
    const invite = makeRequest("INVITE", description(9000), undefined, ["9", "8"])
    stranger.relay.pass(invite, stranger.phone, side.host)
    side.relay.pass(invite, stranger.host, phone)
    const bye = makeRequest("BYE", "", undefined, ["9", "8"])
    side.relay.pass(bye, stranger.host, phone)
    side.relay.pass(answerTo(bye, 481), phone, stranger.host)
  }
  speak(a, atA, "hello", { host: "127.0.0.2", port: 7000 })
  speak(b, atB, "hello", { host: "127.0.0.3", port: 8000 })
  await runtime.advanceAsync(100)
  expect([a.pairs.sent.length, b.pairs.sent.length, stranger.pairs.sent.length]).toEqual([1, 1, 0])
})

test("who knows the call as well, as another phone that rang does, cannot have it hung up", async () => {
  const { a, b } = await makeSides()
  setUp(a, b)
  const bye = makeRequest("BYE", "", undefined, ["1", "unknown"])
  b.relay.pass(bye, a.host, b.phone)
  b.relay.pass(answerTo(bye, 481), b.phone, a.host)
  expect(b.pairs.free).toBe(3)
})

test("a phone that a call has found twice rings until both have refused", async () => {
  const { a, b } = await makeSides(1)
  const [first, second] = [makeRequest("INVITE", description(7000)), makeRequest("INVITE", description(7000))]
  carry(first, a, b)
  b.relay.pass(second, a.host, b.phone)
  carry(answerTo(second, 482), b, a)
  expect(b.pairs.free).toBe(0)
  carry(answerTo(first, 486), b, a)
  expect(b.pairs.free).toBe(1)
})

test.each(["OPTIONS", "MESSAGE", "SUBSCRIBE"])("a description in %s, or the answer to it, is no call", async (method) => {
  const { a, b } = await makeSides()
  const request = makeRequest(method, description(7000))
  expect(carry(request, a, b)).toBe(description(7000))
  expect(carry(answerTo(request, 200, description(8000)), b, a)).toBe(description(8000))
  expect(carry(answerTo(makeRequest("INVITE", ""), 488, description(8000)), b, a)).toBe(description(8000))
  expect([a.pairs.free, b.pairs.free]).toEqual([4, 4])
})

test("one call does not take all ports", async () => {
  const { a, b } = await makeSides(8)
  carry(makeRequest("INVITE", description(7000, "m=video 7002 RTP/AVP 31\r\n".repeat(15))), a, b)
  expect(b.pairs.free).toBe(4)
})

test("what browsers say of relays is not believed either", async () => {
  const { a, b } = await makeSides()
  const invite = makeRequest("INVITE", description(7000, `a=x-p2psip-relay:${hostOfPeer("stranger")} ${"0".repeat(16)}\r\n`))
  a.relay.pass(invite, flowOf("WSS", "127.0.0.2"), b.host)
  expect(Buffer.from(invite.body).toString()).toBe(description(7000))
})

test("a straggler of another call does not silence a phone that sends from where it has said", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA } = setUp(a, b)
  for (const [port, text] of [[6000, "bye"], [7000, "hello"], [6000, "bye"]] as const) speak(a, atA, text, { host: "127.0.0.2", port })
  await runtime.advanceAsync(100)
  expect(b.pairs.sent.map(({ text }) => text)).toEqual(["bye", "hello"])
})

test("a packet from port 0 is none of the phone's", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA, atB } = setUp(a, b)
  speak(b, atB, "nowhere", { host: "127.0.0.3", port: 0 })
  speak(a, atA, "hello", { host: "127.0.0.2", port: 7000 })
  await runtime.advanceAsync(100)
  expect([a.pairs.sent.length, b.pairs.sent[0]?.to.port]).toEqual([0, 8000])
})

test("a re-INVITE that fails ends nothing, and one that moves the phone's port is followed", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA, atB } = setUp(a, b)
  const again = makeRequest("INVITE", description(7100))
  expect(portIn(carry(again, a, b))).toBe(atB)
  carry(answerTo(again, 488), b, a)
  speak(b, atB, "still there", { host: "127.0.0.3", port: 8000 })
  await runtime.advanceAsync(100)
  expect(a.pairs.sent).toMatchObject([{ port: atA, to: { port: 7100 } }])
})

test("a call on hold stays on hold", async () => {
  const { a, b } = await makeSides()
  setUp(a, b)
  const hold = makeRequest("INVITE", description(7000).replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0"))
  expect(carry(hold, a, b)).toBe(description(7000).replace("c=IN IP4 10.0.0.1", "c=IN IP4 0.0.0.0"))
})

test("what falls silent is forgotten, and what speaks is not", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA } = setUp(a, b)
  for (let turn = 0; turn < 6; turn++) {
    await runtime.advanceAsync(50_000)
    speak(a, atA, "hello", { host: "127.0.0.2", port: 7000 })
  }
  await runtime.advanceAsync(1000)
  expect([a.pairs.free, b.pairs.free]).toEqual([3, 3])
  await runtime.advanceAsync(150_000)
  expect([a.pairs.free, b.pairs.free]).toEqual([4, 4])
})

test("without ports the call goes on as it would without a relay", async () => {
  const { a, b } = await makeSides(1)
  setUp(a, b)
  const invite = makeRequest("INVITE", description(7000), "second")
  expect(carry(invite, a, b)).toBe(description(7000))
})

test("who lets a phone ring without end keeps no ports from other phones, and other phones do not from each other", async () => {
  const { a, b } = await makeSides()
  const rings = (host: string, callId: string): boolean => {
    const invite = makeRequest("INVITE", description(7000), callId)
    a.relay.pass(invite, a.phone, b.host)
    b.relay.pass(invite, a.host, flowOf("UDP", host))
    return portIn(Buffer.from(invite.body).toString()) !== 7000
  }
  const callIds = ["1", "2", "3", "4", "5", "6"]
  expect(callIds.map((callId) => rings("127.0.0.3", callId))).toEqual([true, true, true, true, false, false])
  expect(callIds.map((callId) => rings("127.0.0.5", `${callId} to another`))).toEqual([true, true, false, false, false, false])
  expect([rings("127.0.0.6", "to a third"), rings("127.0.0.7", "to a fourth"), rings("127.0.0.8", "to a fifth")]).toEqual([true, true, false])
})

test("calls are bounded: those without ports make room", async () => {
  const { runtime, a, b } = await makeSides()
  const { atB } = setUp(a, b)
  for (let number = 0; number < 50; number++) a.relay.pass(makeRequest("INVITE", description(7000), `${number}`), a.phone, b.host)
  speak(b, atB, "hello", { host: "127.0.0.3", port: 8000 })
  await runtime.advanceAsync(100)
  expect(a.pairs.sent).toHaveLength(1)
})

test("a phone that calls without end pushes out no calls but its own", async () => {
  const { runtime, a, b } = await makeSides()
  const invite = makeRequest("INVITE", description(7000))
  const atB = portIn(carry(invite, a, b))
  for (let number = 0; number < 50; number++) a.relay.pass(makeRequest("INVITE", description(7000), `${number}`), flowOf("UDP", "127.0.0.9"), b.host)
  carry(answerTo(invite, 200, description(8000)), b, a)
  speak(b, atB, "hello", { host: "127.0.0.3", port: 8000 })
  await runtime.advanceAsync(100)
  expect(a.pairs.sent).toHaveLength(1)
})

test("whatever is said in whatever order, each port is taken by one call, and all are given back", async () => {
  const tag = fc.constantFrom("1", "2", "3")
  const step = fc.record({
    method: fc.constantFrom("INVITE", "ACK", "PRACK", "UPDATE", "BYE", "OPTIONS"), status: fc.constantFrom(0, 0, 183, 200, 401, 481, 486),
    callId: fc.constantFrom("x", "y"), tags: fc.tuple(tag, tag), ports: fc.array(fc.constantFrom(0, 7000, 7002), { maxLength: 3 }), from: fc.nat(2), to: fc.nat(2),
  })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const { runtime, a, b, stranger } = await makeSides(3)
    const sides = [a, b, stranger] as const
    for (const { method, status, callId, tags, ports, from, to } of steps) {
      const body = ports.length === 0 ? "" : description(7000).replace(/m=[^]*/, "") + ports.map((port) => `m=audio ${port} RTP/AVP 0\r\n`).join("")
      const request = makeRequest(method, body, callId, tags)
      const told = carry(status === 0 ? request : answerTo(request, status, body), sides[from] ?? a, sides[to] ?? b)
      for (const { pairs } of sides) expect(pairs.free + pairs.receivers.size).toBe(3)
      const led = [...told.matchAll(/^m=audio (4\d{4}) /gm)].map(([, port]) => port)
      expect(new Set(led).size).toBe(led.length)
    }
    await runtime.advanceAsync(200_000)
    expect(sides.map(({ pairs }) => pairs.free)).toEqual([3, 3, 3])
  }), { numRuns: 200 })
})

test("no stream carries more than its share, nor what is longer than a packet", async () => {
  const { runtime, a, b } = await makeSides()
  const { atA } = setUp(a, b)
  const phone = { host: "127.0.0.2", port: 7000 }
  speak(a, atA, "x".repeat(1501), phone)
  for (let count = 0; count < 1500; count++) speak(a, atA, "x", phone)
  await runtime.advanceAsync(100)
  expect(b.pairs.sent).toHaveLength(1000)
})

test("other bodies, browsers and calls beside this peer pass as they are", async () => {
  const { a, b } = await makeSides()
  const plain = makeRequest("MESSAGE", description(7000))
  plain.headers.set("Content-Type", "text/plain")
  const [browser, beside] = [flowOf("WSS", "127.0.0.2"), flowOf("UDP", "127.0.0.5")]
  const cases: [SipMessage, Flow, Flow][] = [
    [plain, a.phone, b.host], [makeRequest("INVITE", description(7000)), browser, b.host], [makeRequest("INVITE", description(7000)), a.phone, beside],
    [makeRequest("INVITE", description(7000)), a.host, b.host],
  ]
  for (const [message, from, to] of cases) {
    const { body } = message
    a.relay.pass(message, from, to)
    expect(message.body).toBe(body)
  }
})

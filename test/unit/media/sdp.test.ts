import fc from "fast-check"
import { expect, test, vi } from "vitest"
import { rewriteMedia, type MediaLine } from "../../../src/media/sdp.ts"
import "../../support/laws.ts"

const audio = ["m=audio 49170 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000", "a=sendrecv"]
const session = ["v=0", "o=alice 1 1 IN IP4 10.0.0.1", "s=-", "c=IN IP4 10.0.0.1", "t=0 0"]
const name = { host: "k51abc.p2psip.invalid", id: "0123456789abcdef" }
const place = { address: "192.0.2.7", port: 40_000 }

function bytes(lines: readonly string[], ending = "\r\n"): Uint8Array {
  return Buffer.from(lines.map((line) => line + ending).join(""), "latin1")
}

function text(body: Uint8Array): string {
  return Buffer.from(body).toString("latin1")
}

function linesOf(body: Uint8Array): string[] {
  return text(body).split(/\r?\n/).slice(0, -1)
}

function mediaIn(body: Uint8Array): MediaLine[] {
  const found: MediaLine[] = []
  rewriteMedia(body, (media) => (found.push(media), {}))
  return found
}

/** Lines that a description may have, in an order that it may not. */
const line = fc.oneof(
  fc.constantFrom(...session, ...audio, "m=video 0 RTP/AVP 31", "m=audio 99999 RTP/AVP 0", "m=audio 5000/2 RTP/AVP 0", "m=", "i=talk", "b=AS:64", "a=rtcp:49171", "a=candidate:1 1 UDP 1 10.0.0.1 5 typ host", "c=IN IP6 2001:db8::1"),
  fc.string({ unit: fc.constantFrom(..."am=c:/ 0129\u00ff"), maxLength: 20 }),
)
const description = fc.record({ lines: fc.array(line, { maxLength: 30 }), ending: fc.constantFrom("\r\n", "\n") }).map(({ lines, ending }) => bytes(["v=0", ...lines], ending))

test("whatever it is, a body that nothing is said about comes back as it was", () => {
  fc.assert(fc.property(fc.oneof(description, fc.uint8Array({ maxLength: 200 })), (body) => {
    expect(rewriteMedia(body, () => ({}))).toBe(body)
  }))
})

test("a name that is written is read at the other end, and gone after that", () => {
  fc.assert(fc.property(description, (body) => {
    const marked = rewriteMedia(body, () => ({ relay: name }))
    const media = mediaIn(body)
    expect(mediaIn(marked)).toEqual(media.map((one) => ({ ...one, relay: name })))
    expect(text(rewriteMedia(marked, () => ({})))).toBe(text(body))
  }))
})

test("a stream that leads elsewhere leads there alone, and is the only one that changes", () => {
  fc.assert(fc.property(description, fc.nat(5), (body, index) => {
    const led = rewriteMedia(body, (media) => (media.index === index ? { place } : {}))
    const [before, after] = [mediaIn(body), mediaIn(led)]
    expect(after).toEqual(before.map((media) => (media.index === index ? { ...media, ...place } : media)))
    if (before.some((media) => media.index === index)) expect(text(led)).not.toMatch(/^a=candidate/m)
    expect(linesOf(led).filter((one) => one.startsWith("m="))).toHaveLength(linesOf(body).filter((one) => one.startsWith("m=")).length)
  }))
})

test("the address goes where RFC 8866 has it, and other ways to the phone go", () => {
  const body = bytes([...session, "a=ice-ufrag:x", "m=audio 49170 RTP/AVP 0", "i=talk", "c=IN IP4 10.0.0.2", "b=AS:64", "a=rtcp:50000", "a=candidate:1 1 UDP 1 10.0.0.1 5 typ host", "a=sendrecv"])
  expect(linesOf(rewriteMedia(body, () => ({ place })))).toEqual([...session, "m=audio 40000 RTP/AVP 0", "i=talk", "c=IN IP4 192.0.2.7", "b=AS:64", "a=sendrecv"])
  expect(linesOf(rewriteMedia(bytes([...session, ...audio]), () => ({ place: { address: "2001:db8::7", port: 2 } })))).toContain("c=IN IP6 2001:db8::7")
})

test("a stream has its own address, or that of the session", () => {
  const body = bytes([...session, ...audio, "m=video 5 RTP/AVP 31", "c=IN IP4 10.0.0.9"])
  expect(mediaIn(body)).toMatchObject([{ index: 0, port: 49_170, address: "10.0.0.1" }, { index: 1, port: 5, address: "10.0.0.9" }])
})

test("large ones, and those of many streams, are left alone", () => {
  for (const body of [bytes([...session, ...audio, `a=${"x".repeat(17_000)}`]), bytes([...session, ...Array.from({ length: 17 }, () => "m=audio 5 RTP/AVP 0")])]) {
    expect(rewriteMedia(body, () => ({ place }))).toBe(body)
  }
})

test("lines may end in either way: what a phone says of relays is found in each", () => {
  const mixed = bytes([...session, ...audio], "\n")
  const claims = [`a=x-p2psip-relay:${name.host} ${name.id}\r\n`, `a=x-p2psip-relay:${name.host} ${name.id}\n`]
  for (const claim of [...claims, claims.join(""), [...claims].reverse().join("")]) {
    const body = Buffer.concat([mixed, Buffer.from(claim)])
    expect(text(rewriteMedia(body, () => ({})))).toBe(text(mixed))
    expect(text(rewriteMedia(body, () => ({ relay: name }))).match(/x-p2psip-relay/g)).toHaveLength(1)
  }
})

test("a last line without an end gets one before another follows", () => {
  const body = bytes([...session, "m=audio 49170 RTP/AVP 0"]).subarray(0, -2)
  expect(rewriteMedia(body, () => ({}))).toBe(body)
  expect(mediaIn(rewriteMedia(body, () => ({ relay: name })))).toMatchObject([{ port: 49_170, relay: name }])
})

test("the lines of a session are read once, not once for each stream", () => {
  const body = Buffer.from("v=0\n" + "\n".repeat(7000) + "m=audio 5 RTP/AVP 0\n".repeat(16))
  const exec = vi.spyOn(RegExp.prototype, "exec")
  mediaIn(body)
  expect(mediaIn(Buffer.concat([body, Buffer.from("m=\n".repeat(1000))]))).toEqual([])
  const looks = exec.mock.calls.length
  exec.mockRestore()
  expect(looks).toBeLessThan(10_000)
})

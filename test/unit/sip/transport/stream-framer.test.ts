import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { StreamFramer, type FramerFault } from "../../../../src/sip/transport/stream-framer.ts"

const limits = { maxHeaderBytes: 400, maxBodyBytes: 300 }

/** What a framer finds when the bytes arrive in these chunks. */
function frame(chunks: readonly Uint8Array[]) {
  const messages: string[] = []
  const faults: FramerFault[] = []
  let pings = 0
  const framer = new StreamFramer(limits, {
    onMessage: (message) => messages.push(Buffer.from(message).toString("latin1")),
    onPing: () => pings++,
    onFault: (fault) => faults.push(fault),
  })
  for (const chunk of chunks) framer.push(Uint8Array.from(chunk))
  return { messages, faults, pings, isInsideMessage: framer.isInsideMessage }
}

/** Cuts bytes at the given places, in any order, taken modulo the length. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...sorted, bytes.length].map((end, i) => bytes.subarray(sorted[i - 1] ?? 0, end))
}

const message = fc
  .record({
    lengthHeader: fc.constantFrom("Content-Length: ", "content-length:", "l:", "L : ", "CONTENT-LENGTH :\r\n  "),
    other: fc.array(fc.constantFrom("Call-ID: c", "Lx: 9", "Content-Length-Not: 7", "Subject: folded\r\n l: 9"), { maxLength: 3 }),
    body: fc.string({ unit: fc.constantFrom("a", "\r\n\r\n", "SIP/2.0", "é"), maxLength: 20 }),
  })
  .map(({ lengthHeader, other, body }) => {
    const length = Buffer.byteLength(body, "latin1")
    return `OPTIONS sip:a@b SIP/2.0\r\n${other.map((line) => `${line}\r\n`).join("")}${lengthHeader}${length} \r\n\r\n${body}`
  })
const places = fc.array(fc.nat({ max: 5000 }), { maxLength: 40 })

describe("laws", () => {
  test("any chunks give the same messages", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("", "\r\n", "\r\n\r\n"), message), { maxLength: 6 }), places, (parts, at) => {
        const bytes = Buffer.from(parts.flat().join(""), "latin1")
        const whole = frame([bytes])
        expect(whole.messages).toEqual(parts.map(([, text]) => text))
        expect(whole.pings).toBe(parts.filter(([blank]) => blank === "\r\n\r\n").length)
        expect(frame(cut(bytes, at))).toEqual(whole)
      }),
    )
  })

  test("any bytes at all end in messages, one fault, or waiting, whatever the chunks", () => {
    const piece = fc.oneof(
      message.map((text) => Buffer.from(text, "latin1")),
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom("\r\n\r\n", "l: 99999999999\r\n", "l: 3\r\n", "INVITE x", "\0").map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), places, (pieces, at) => {
        const bytes = Buffer.concat(pieces)
        const whole = frame([bytes])
        const chunked = frame(cut(bytes, at))
        expect(chunked.messages).toEqual(whole.messages)
        expect(chunked.faults.map(({ kind }) => kind)).toEqual(whole.faults.map(({ kind }) => kind))
        expect(whole.faults.length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

const head = "INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\n"

test.each([
  ["a body that is too large", `${head}Content-Length: 301\r\n\r\n`, "body-too-large", 413],
  ["no Content-Length", `${head}\r\n`, "content-length-missing", 400],
  ["a negative length", `${head}Content-Length: -1\r\n\r\n`, "content-length-malformed", 400],
  ["a length of twenty digits", `${head}Content-Length: 00000000000000000001\r\n\r\n`, "content-length-malformed", 400],
  ["no digits", `${head}Content-Length: \r\n\r\n`, "content-length-malformed", 400],
  ["two lengths that differ", `${head}l: 1\r\nContent-Length: 2\r\n\r\n`, "content-length-malformed", 400],
])("%s is a fault that carries the head", (_name, text, kind, status) => {
  const { faults, messages } = frame([Buffer.from(text)])
  expect(faults).toMatchObject([{ kind, status }])
  expect(Buffer.from(faults[0]?.head ?? []).toString()).toBe(text)
  expect(messages).toEqual([])
})

test("a header without end is a fault that carries the lines that were complete", () => {
  const { faults } = frame([Buffer.from(head), Buffer.from("X".repeat(400))])
  expect(faults).toMatchObject([{ kind: "header-too-large", status: 413 }])
  expect(Buffer.from(faults[0]?.head ?? []).toString()).toBe(`${head}\r\n`)
})

test("a header of just the limit passes", () => {
  const rest = "\r\nl: 0\r\n\r\n"
  const text = head + "S: ".padEnd(400 - head.length - rest.length, "s") + rest
  expect(frame([Buffer.from(text)]).messages).toEqual([text])
  expect(frame([Buffer.from(text.replace("S: ", "S: s"))]).faults).toMatchObject([{ kind: "header-too-large" }])
})

test("binary bytes where a start line belongs are a fault at once, and nothing after it counts", () => {
  const { faults, messages } = frame([Buffer.from([0x16, 0x03, 0x01]), Buffer.from(`${head}l: 0\r\n\r\n`)])
  expect(faults).toMatchObject([{ kind: "not-sip" }])
  expect(messages).toEqual([])
})

test("it knows when it waits for the rest of a message", () => {
  expect(frame([Buffer.from("\r\n\r\n")]).isInsideMessage).toBe(false)
  expect(frame([Buffer.from("INVITE")]).isInsideMessage).toBe(true)
  expect(frame([Buffer.from(`${head}l: 2\r\n\r\na`)]).isInsideMessage).toBe(true)
  expect(frame([Buffer.from(`${head}l: 2\r\n\r\nab`)]).isInsideMessage).toBe(false)
})
